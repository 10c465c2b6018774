using System.Security.Cryptography;
using System.Text;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>One atomic step: a Lua script, and the digest by which Redis knows it once it has seen it.</summary>
internal sealed class RedisScript
{
    public static readonly RedisScript Add = new("add", onRecord: true);
    public static readonly RedisScript Poll = new("poll", onRecord: true);
    public static readonly RedisScript EndLease = new("end-lease", onRecord: true);
    public static readonly RedisScript Decide = new("decide", onRecord: true);
    public static readonly RedisScript Remove = new("remove", onRecord: true);
    public static readonly RedisScript Claim = new("claim", onRecord: true);
    public static readonly RedisScript Settle = new("settle", onRecord: true);
    public static readonly RedisScript Look = new("look", onRecord: true);
    public static readonly RedisScript MarkPresent = new("present");
    public static readonly RedisScript UseJwt = new("use");
    public static readonly RedisScript BeginTry = new("begin-try");
    public static readonly RedisScript TakeBackTry = new("take-back-try");

    private RedisScript(string name, bool onRecord = false)
    {
        Name = name;
        Text = onRecord ? Read("record") + Read(name) : Read(name);
#pragma warning disable CA5350 // Redis names scripts by their SHA-1.
        Digest = SHA1.HashData(Encoding.UTF8.GetBytes(Text));
#pragma warning restore CA5350
    }

    public string Name { get; }

    public string Text { get; }

    public byte[] Digest { get; }

    private static string Read(string name)
    {
        using var stream = typeof(RedisScript).Assembly.GetManifestResourceStream($"{name}.lua")!;
        using var reader = new StreamReader(stream, Encoding.UTF8);

        // The digest must not depend on how the source was checked out.
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
