using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Ciba.AspNetCore.Redis.Connection;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>
/// A request as Redis holds it: a head of fixed width, which the scripts read and change in place, and then sections, each a
/// letter, a length and bytes, which are written once. A later version makes the head longer or adds sections, and this one
/// leaves alone what it does not know; a change that it could not live with takes another first byte.
/// </summary>
internal static class RequestRecord
{
    public const int DigestLength = 16;

    /// <summary>Where the digest of the user ends in a head.</summary>
    public const int UserEndsAt = UserAt + DigestLength;

    private const byte Version = (byte)'1';
    private const int HeaderLength = 111;
    private const int FingerprintedHeaderLength = 119;
    private const int GroupedHeaderLength = 128;
    private const int MarkLength = 8;
    private const int LeastHeaderLength = 110;
    private const int NumberLength = 7;
    private const int SectionHeadLength = 4;

    // The same offsets as in record.lua.
    private const int LengthAt = 1;
    private const int ClientAt = 2;
    private const int UserAt = 18;
    private const int CreatedAt = 34;
    private const int ExpiresAt = 41;
    private const int RetainedAt = 48;
    private const int IntervalAt = 55;
    private const int StatusAt = 80;
    private const int LeaseEndsAt = 81;
    private const int LeaseAt = 88;
    private const int ModeAt = 110;
    private const int FingerprintAt = 111;
    private const int GroupAt = 119;
    private const int ConcealedAt = 127;

    /// <summary>What nodes that share requests must agree on: the first byte of a record.</summary>
    public static readonly string Format = ((char)Version).ToString();

    /// <summary>The section of what was asked.</summary>
    public const char Asked = 'q';

    /// <summary>The section of the answer.</summary>
    public const char Decided = 'd';

    /// <summary>The section of what tells the answer from another.</summary>
    public const char DecisionId = 'i';

    /// <summary>The tokens of a push, which lie beside the record.</summary>
    public const char PushTokens = 't';

    /// <summary>The section of what a callback needs.</summary>
    public const char Callback = 'c';

    /// <summary>The digest of the user in a head, which reaches to <see cref="UserEndsAt"/> at least.</summary>
    public static byte[] UserOf(byte[] head) => head[UserAt..UserEndsAt];

    /// <summary>What stands for a client or a user.</summary>
    public static byte[] Digest(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text))[..DigestLength];

    /// <summary>The letter of a status in the head.</summary>
    public static string Letter(CibaRequestStatus status) => status switch
    {
        CibaRequestStatus.Approved => "A",
        CibaRequestStatus.Denied => "D",
        CibaRequestStatus.Failed => "F",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "Not the outcome of a decision."),
    };

    /// <summary>The handle of a member of the user's index.</summary>
    public static string HandleOf(char shard, byte[] member) => shard + Encoding.ASCII.GetString(member, 0, 43);

    /// <summary>What stands for a group of requests that count together.</summary>
    public static byte[] Group(string group) => Digest(group)[..MarkLength];

    /// <summary>
    /// A record that waits for its user; without a callback it has no section of one, and without a fingerprint or a group no place for
    /// it. A fingerprint of zeros is none.
    /// </summary>
    public static byte[] Write(CibaRequest request, RedisTime redisTime, ReadOnlySpan<byte> asked, ReadOnlySpan<byte> callback = default, string? fingerprint = null)
    {
        var headerLength = request.LimitGroup is not null ? GroupedHeaderLength : fingerprint is not null ? FingerprintedHeaderLength : HeaderLength;
        var callbackAt = headerLength + SectionHeadLength + asked.Length;
        var record = new byte[callback.IsEmpty ? callbackAt : callbackAt + SectionHeadLength + callback.Length];
        record[0] = Version;
        record[LengthAt] = (byte)headerLength;
        Digest(request.ClientKey).CopyTo(record, ClientAt);
        Digest(request.UserKey).CopyTo(record, UserAt);
        WriteNumber(record.AsSpan(CreatedAt), redisTime.Ticks(request.CreatedAt));
        WriteNumber(record.AsSpan(ExpiresAt), redisTime.Ticks(request.ExpiresAt));
        WriteNumber(record.AsSpan(RetainedAt), redisTime.Ticks(request.RetainedUntil));
        WriteNumber(record.AsSpan(IntervalAt), request.Interval.Ticks);
        record[StatusAt] = (byte)'P';
        record.AsSpan(LeaseAt..ModeAt).Fill((byte)'-');
        record[ModeAt] = Letter(request.TokenDeliveryMode);
        if (fingerprint is not null)
        {
            Digest(fingerprint).AsSpan(0, MarkLength).CopyTo(record.AsSpan(FingerprintAt));
        }

        if (request.LimitGroup is { } group)
        {
            Group(group).CopyTo(record, GroupAt);
            record[ConcealedAt] = request.IsConcealed ? (byte)'C' : (byte)'-';
        }

        WriteSection(record.AsSpan(headerLength), Asked, asked);
        if (!callback.IsEmpty)
        {
            WriteSection(record.AsSpan(callbackAt), Callback, callback);
        }

        return record;
    }

    public static byte[] Section(char name, ReadOnlySpan<byte> content)
    {
        var section = new byte[SectionHeadLength + content.Length];
        WriteSection(section, name, content);
        return section;
    }

    /// <summary>The content of a section, or nothing where it is not there.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> sections, char name)
    {
        while (sections.Length >= SectionHeadLength)
        {
            var length = (int)(BinaryPrimitives.ReadUInt32BigEndian(sections) & 0xFFFFFF);
            if (length > sections.Length - SectionHeadLength)
            {
                break;
            }

            if (sections[0] == name)
            {
                return sections.Slice(SectionHeadLength, length);
            }

            sections = sections[(SectionHeadLength + length)..];
        }

        return [];
    }

    /// <summary>The head of a whole record, with the instants of this node's clock.</summary>
    public static RequestHead ReadHead(ReadOnlySpan<byte> record, RedisTime redisTime) =>
        record.Length < LeastHeaderLength || record[0] != Version || record[LengthAt] < LeastHeaderLength || record[LengthAt] > record.Length
            ? throw new CibaStoreUnavailableException(NewerVersion)
            : new RequestHead(
                record.Slice(ClientAt, DigestLength),
                record.Slice(UserAt, DigestLength),
                redisTime.Instant(ReadNumber(record[CreatedAt..])),
                redisTime.Instant(ReadNumber(record[ExpiresAt..])),
                redisTime.Instant(ReadNumber(record[RetainedAt..])),
                TimeSpan.FromTicks(ReadNumber(record[IntervalAt..])),
                (char)record[StatusAt],
                record[LengthAt] > ModeAt ? Mode(record[ModeAt]) : CibaTokenDeliveryModes.Poll,
                record[LengthAt] > ConcealedAt && record[ConcealedAt] == 'C',
                record[record[LengthAt]..]);

    /// <summary>Whether a poll had the lease and did not end it in time.</summary>
    public static bool LeaseRanOut(ReadOnlySpan<byte> record, RedisTime redisTime, DateTimeOffset now) =>
        record[StatusAt] is (byte)'L' or (byte)'C' && redisTime.Instant(ReadNumber(record[LeaseEndsAt..])) <= now;

    /// <summary>What the scripts say of a record that they cannot live with.</summary>
    public const string VersionCode = "CIBAVERSION";

    public const string NewerVersion = "Redis holds a request that a newer version of Ciba.AspNetCore.Redis wrote.";

    private static byte Letter(string mode) => mode switch
    {
        CibaTokenDeliveryModes.Poll => (byte)'p',
        CibaTokenDeliveryModes.Ping => (byte)'i',
        CibaTokenDeliveryModes.Push => (byte)'u',
        _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "Not a token delivery mode."),
    };

    private static string Mode(byte letter) => letter switch
    {
        (byte)'p' => CibaTokenDeliveryModes.Poll,
        (byte)'i' => CibaTokenDeliveryModes.Ping,
        (byte)'u' => CibaTokenDeliveryModes.Push,
        _ => throw new CibaStoreUnavailableException(NewerVersion),
    };

    private static void WriteSection(Span<byte> target, char name, ReadOnlySpan<byte> content)
    {
        BinaryPrimitives.WriteUInt32BigEndian(target, ((uint)name << 24) | (uint)content.Length);
        content.CopyTo(target[SectionHeadLength..]);
    }

    private static void WriteNumber(Span<byte> target, long value)
    {
        Span<byte> eight = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(eight, value);
        eight[^NumberLength..].CopyTo(target);
    }

    private static long ReadNumber(ReadOnlySpan<byte> source)
    {
        Span<byte> eight = stackalloc byte[sizeof(long)];
        source[..NumberLength].CopyTo(eight[^NumberLength..]);
        return BinaryPrimitives.ReadInt64BigEndian(eight);
    }
}

/// <summary>What the head of a record says.</summary>
internal readonly ref struct RequestHead(ReadOnlySpan<byte> client, ReadOnlySpan<byte> user, DateTimeOffset createdAt, DateTimeOffset expiresAt, DateTimeOffset retainedUntil, TimeSpan interval, char status, string mode, bool isConcealed, ReadOnlySpan<byte> sections)
{
    public ReadOnlySpan<byte> Client { get; } = client;

    public ReadOnlySpan<byte> User { get; } = user;

    public DateTimeOffset CreatedAt { get; } = createdAt;

    public DateTimeOffset ExpiresAt { get; } = expiresAt;

    public DateTimeOffset RetainedUntil { get; } = retainedUntil;

    /// <summary>The interval that is in force, which slow_down makes longer.</summary>
    public TimeSpan Interval { get; } = interval;

    public string TokenDeliveryMode { get; } = mode;

    /// <summary>Whether the request is kept from its user.</summary>
    public bool IsConcealed { get; } = isConcealed;

    public ReadOnlySpan<byte> Sections { get; } = sections;

    public CibaRequestStatus Status(DateTimeOffset now) => status switch
    {
        'P' => ExpiresAt <= now ? CibaRequestStatus.Expired : CibaRequestStatus.Pending,
        'A' => CibaRequestStatus.Approved,
        'D' => CibaRequestStatus.Denied,
        'F' => CibaRequestStatus.Failed,
        'L' or 'C' => CibaRequestStatus.Redeeming,
        'R' => CibaRequestStatus.Redeemed,
        'X' => CibaRequestStatus.Expired,
        _ => throw new CibaStoreUnavailableException(RequestRecord.NewerVersion),
    };
}
