using System.Security.Cryptography;
using System.Text;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>One atomic step: a Lua script, and the digest by which Redis knows it once it has seen it.</summary>
internal sealed class RedisScript
{
    private const string Undo = "undo";

    public static readonly RedisScript Add = new("undo", "record", "limits", "add");
    public static readonly RedisScript Reserve = new("undo", "record", "limits", "reserve");
    public static readonly RedisScript Free = new("free");
    public static readonly RedisScript Notify = new("undo", "record", "limits", "notify");
    public static readonly RedisScript TakeBackNotification = new("undo", "record", "limits", "take-back-notification");
    public static readonly RedisScript Poll = new("record", "poll");
    public static readonly RedisScript EndLease = new("record", "end-lease");
    public static readonly RedisScript Decide = new("undo", "record", "limits", "decide");
    public static readonly RedisScript Remove = new("undo", "record", "limits", "remove");
    public static readonly RedisScript Forget = new("undo", "record", "limits", "forget");
    public static readonly RedisScript Relist = new("undo", "record", "limits", "relist");
    public static readonly RedisScript Claim = new("record", "claim");
    public static readonly RedisScript Settle = new("undo", "record", "settle");
    public static readonly RedisScript Look = new("record", "look");
    public static readonly RedisScript MarkPresent = new("present");
    public static readonly RedisScript Time = new("time");
    public static readonly RedisScript Memory = new("memory");
    public static readonly RedisScript Join = new("undo", "join");
    public static readonly RedisScript Leave = new("leave");
    public static readonly RedisScript KeepTokens = new("keep-tokens");
    public static readonly RedisScript UseJwt = new("use");
    public static readonly RedisScript GiveBackJwt = new("give-back-jwt");
    public static readonly RedisScript BeginTry = new("undo", "begin-try");
    public static readonly RedisScript TakeBackTry = new("take-back-try");

    /// <param name="files">The step, and before it what it is written with; first "undo" if it is taken back when it fails half-way.</param>
    private RedisScript(params string[] files)
    {
        Name = files[^1];
        Text = files[0] == Undo
            ? $"{string.Concat(files[..^1].Select(Read))}\nlocal function step()\n{Read(Name)}\nend\n{Read("undo-end")}"
            : string.Concat(files.Select(Read));
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
