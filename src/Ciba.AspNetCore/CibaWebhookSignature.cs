using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Ciba.AspNetCore;

/// <summary>
/// The header by which a webhook knows that its call comes from this provider, is as it was sent, and is not an old one again:
/// <c>Ciba-Signature: t=1768478400,v1=5257a8...</c>. <c>t</c> is when it was signed, in seconds since 1970 UTC; <c>v1</c> is, in
/// lower-case hexadecimal, the HMAC-SHA256 of <c>t</c>, a dot and the body, under <see cref="CibaWebhookOptions.Secret"/> in UTF-8.
/// </summary>
/// <remarks>
/// A receiver computes <c>v1</c> over the bytes of the body as they came, before anything reads them as JSON; compares it with the
/// one in the header in constant time; and refuses a <c>t</c> that is more than some minutes from its own clock. In .NET
/// <see cref="Verify"/> does all of it. Names in the header other than these two are to be passed over.
/// </remarks>
public static class CibaWebhookSignature
{
    /// <summary>The name of the header.</summary>
    public const string HeaderName = "Ciba-Signature";

    /// <summary>Whether a call is what it says. One of several <c>v1</c> suffices.</summary>
    /// <param name="header">The value of the header; null where there is none.</param>
    /// <param name="body">The body, byte by byte as it came.</param>
    /// <param name="secret">What <see cref="CibaWebhookOptions.Secret"/> holds.</param>
    /// <param name="now">The receiver's time.</param>
    /// <param name="tolerance">How far the time of the signature may be from it, before or after: 5 min for instance.</param>
    public static bool Verify(string? header, ReadOnlySpan<byte> body, string secret, DateTimeOffset now, TimeSpan tolerance)
    {
        ArgumentException.ThrowIfNullOrEmpty(secret);
        var parts = (header ?? "").Split(',', StringSplitOptions.TrimEntries);
        if (parts.Where(part => part.StartsWith("t=", StringComparison.Ordinal)).ToList() is not [var time]
            || !long.TryParse(time[2..], NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || Math.Abs(now.ToUnixTimeSeconds() - seconds) > tolerance.TotalSeconds)
        {
            return false;
        }

        var right = Encoding.ASCII.GetBytes(Sign(time[2..], body, secret));
        return parts.Any(part => part.StartsWith("v1=", StringComparison.Ordinal) && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(part[3..]), right));
    }

    internal static string Of(ReadOnlySpan<byte> body, string secret, DateTimeOffset now)
    {
        var time = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return $"t={time},v1={Sign(time, body, secret)}";
    }

    private static string Sign(string time, ReadOnlySpan<byte> body, string secret) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), (byte[])[.. Encoding.ASCII.GetBytes($"{time}."), .. body]));
}
