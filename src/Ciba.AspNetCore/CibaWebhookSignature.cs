using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Ciba.AspNetCore;

/// <summary>
/// The header by which a webhook knows that its call comes from this provider, is for it, is as it was sent, and is not an old one
/// again: <c>Ciba-Signature: t=1768478400,id=0f8fad5b...,v2=5257a8...</c>.
/// </summary>
/// <remarks>
/// <para>
/// <c>t</c> is when it was signed, in seconds since 1970 UTC. <c>id</c> names the call: no two calls have the same one, tries of one
/// notification neither. <c>v2</c> is, in lower-case hexadecimal, the HMAC-SHA256 under <see cref="CibaWebhookOptions.Secret"/> in UTF-8
/// of <c>t</c>, <c>id</c>, <see cref="CibaWebhookOptions.Url"/> as it is configured, and the body, each of the first three followed by a
/// line feed. It stands there twice where there is a <see cref="CibaWebhookOptions.SecondSecret"/>. <c>v1</c>, of <c>t</c>, a dot and
/// the body, is for receivers that know no <c>v2</c>.
/// </para>
/// <para>
/// A receiver computes <c>v2</c> over the bytes of the body as they came, before anything reads them as JSON; compares it with those
/// in the header in constant time; refuses a <c>t</c> that is more than some minutes from its own clock; and remembers the <c>id</c> for
/// as long, to refuse it the second time. In .NET a <see cref="CibaWebhookReceiver"/> does all of it. Names in the header other than
/// these are to be passed over.
/// </para>
/// </remarks>
public static class CibaWebhookSignature
{
    /// <summary>The name of the header.</summary>
    public const string HeaderName = "Ciba-Signature";

    private const string Time = "t=";
    private const string Name = "id=";
    private const string Old = "v1=";
    private const string Current = "v2=";

    /// <summary>Whether a call is what it says, by its <c>v1</c>; whether it came before is not looked at. One of several suffices.</summary>
    /// <param name="header">The value of the header; null where there is none.</param>
    /// <param name="body">The body, byte by byte as it came.</param>
    /// <param name="secret">What <see cref="CibaWebhookOptions.Secret"/> holds.</param>
    /// <param name="now">The receiver's time.</param>
    /// <param name="tolerance">How far the time of the signature may be from it, before or after: 5 min for instance.</param>
    public static bool Verify(string? header, ReadOnlySpan<byte> body, string secret, DateTimeOffset now, TimeSpan tolerance)
    {
        ArgumentException.ThrowIfNullOrEmpty(secret);
        var parts = Parts(header);
        return TimeOf(parts, now, tolerance) is { } time && HasSignature(parts, Old, SignOld(time, body, secret));
    }

    /// <summary>The name of the call that a header and a body are, where one of the secrets has signed it; else null.</summary>
    internal static string? Verify(string? header, ReadOnlySpan<byte> body, string url, IEnumerable<string> secrets, DateTimeOffset now, TimeSpan tolerance)
    {
        var parts = Parts(header);
        if (TimeOf(parts, now, tolerance) is not { } time || Only(parts, Name) is not { Length: > 0 } id)
        {
            return null;
        }

        foreach (var secret in secrets)
        {
            if (HasSignature(parts, Current, Sign(time, id, url, body, secret)))
            {
                return id;
            }
        }

        return null;
    }

    internal static string Create(string id, CibaWebhookOptions options, byte[] body, DateTimeOffset now)
    {
        var time = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var signatures = new[] { options.Secret, options.SecondSecret }.OfType<string>()
            .Select(secret => $",{Current}{Sign(time, id, options.Url, body, secret)},{Old}{SignOld(time, body, secret)}");
        return $"{Time}{time},{Name}{id}{string.Concat(signatures)}";
    }

    private static string[] Parts(string? header) => (header ?? "").Split(',', StringSplitOptions.TrimEntries);

    private static string? Only(string[] parts, string name) => parts.Where(part => part.StartsWith(name, StringComparison.Ordinal)).ToList() is [var only] ? only[name.Length..] : null;

    private static string? TimeOf(string[] parts, DateTimeOffset now, TimeSpan tolerance) =>
        Only(parts, Time) is { } time
        && long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
        && Math.Abs(now.ToUnixTimeSeconds() - seconds) <= tolerance.TotalSeconds ? time : null;

    private static bool HasSignature(string[] parts, string name, string right)
    {
        var expected = Encoding.ASCII.GetBytes(right);
        return parts.Any(part => part.StartsWith(name, StringComparison.Ordinal) && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(part[name.Length..]), expected));
    }

    private static string Sign(string time, string id, string url, ReadOnlySpan<byte> body, string secret) => Hmac($"{time}\n{id}\n{url}\n", body, secret);

    private static string SignOld(string time, ReadOnlySpan<byte> body, string secret) => Hmac($"{time}.", body, secret);

    private static string Hmac(string before, ReadOnlySpan<byte> body, string secret) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), (byte[])[.. Encoding.UTF8.GetBytes(before), .. body]));
}
