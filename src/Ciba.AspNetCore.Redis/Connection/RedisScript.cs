using System.Security.Cryptography;
using System.Text;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>One atomic step: a Lua script, and the digest by which Redis knows it once it has seen it.</summary>
internal sealed class RedisScript
{
    public static readonly RedisScript Add = new("record", "limits", "add");
    public static readonly RedisScript Reserve = new("record", "reserve");
    public static readonly RedisScript Free = new("free");
    public static readonly RedisScript Notify = new("record", "limits", "notify");
    public static readonly RedisScript TakeBackNotification = new("record", "limits", "take-back-notification");
    public static readonly RedisScript Poll = new("record", "poll");
    public static readonly RedisScript EndLease = new("record", "end-lease");
    public static readonly RedisScript Decide = new("record", "limits", "decide");
    public static readonly RedisScript Remove = new("record", "limits", "remove");
    public static readonly RedisScript Claim = new("record", "claim");
    public static readonly RedisScript Settle = new("record", "settle");
    public static readonly RedisScript Look = new("record", "look");
    public static readonly RedisScript MarkPresent = new("present");
    public static readonly RedisScript Time = new("time");
    public static readonly RedisScript Join = new("join");
    public static readonly RedisScript Leave = new("leave");
    public static readonly RedisScript UseJwt = new("use");
    public static readonly RedisScript BeginTry = new("begin-try");
    public static readonly RedisScript TakeBackTry = new("take-back-try");

    /// <param name="files">The step, and before it what it is written with.</param>
    private RedisScript(params string[] files)
    {
        Name = files[^1];
        Text = string.Concat(files.Select(Read));
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
