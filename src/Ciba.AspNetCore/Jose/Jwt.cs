using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Jose;

/// <summary>
/// A signed JWT (RFC 7519) that somebody sent, read but not yet believed. IdentityModel's handlers are not used to read it:
/// what they let through (a claim twice, a number in a string, a deep nesting) differs from version to version.
/// </summary>
internal sealed class Jwt
{
    public const int MaxLength = 16 * 1024;

    /// <summary>A <c>jti</c> that is longer is refused where it must be used once.</summary>
    public const int MaxIdLength = 512;

    /// <summary>A signed request has hints and authorization details in it. No field of a form is longer.</summary>
    public const int MaxRequestLength = 64 * 1024;

    private const string MediaTypePrefix = "application/";

    private static readonly SearchValues<char> Base64UrlCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    // What may stand in a form may stand one level deeper in a claim.
    private static readonly JsonDocumentOptions StrictRequest = Strict with { MaxDepth = 17 };

    private readonly JsonElement _header;
    private readonly JsonElement _claims;

    private Jwt(JsonElement header, JsonElement claims, byte[] signingInput, byte[] signature)
    {
        _header = header;
        _claims = claims;
        SigningInput = signingInput;
        Signature = signature;
    }

    public string? Algorithm => Text(_header, "alg");

    public string? KeyId => Text(_header, "kid");

    /// <summary>Gets a value indicating whether <c>typ</c> says nothing of the kind of JWT: it is absent, or <c>JWT</c>.</summary>
    public bool IsUntyped => !_header.TryGetProperty("typ", out _) || IsOfType("JWT");

    public string? Issuer => Text(_claims, "iss");

    public string? Subject => Text(_claims, "sub");

    public string? Id => Text(_claims, "jti");

    public byte[] SigningInput { get; }

    public byte[] Signature { get; }

    /// <summary>The token's parts, or null where it is no signed JWT: too long, encrypted, not JSON, a name twice, a <c>crit</c>, a <c>kid</c> that is not a string.</summary>
    public static Jwt? Read(string token) => token.Length > MaxLength ? null : Parse(token, Strict);

    /// <summary>The same for a signed authentication request, which may be longer and one level deeper.</summary>
    public static Jwt? ReadRequest(string token) => token.Length > MaxRequestLength ? null : Parse(token, StrictRequest);

    /// <summary>The same for a token that this provider has issued: long lists of groups and roles are in order.</summary>
    public static Jwt? ReadOwn(string token) => Parse(token, Strict);

    private static Jwt? Parse(string token, in JsonDocumentOptions claimsOptions)
    {
        var first = token.IndexOf('.');
        var second = first < 0 ? -1 : token.IndexOf('.', first + 1);
        if (second < 0 || token.IndexOf('.', second + 1) >= 0)
        {
            return null;
        }

        if (Decode(token.AsSpan(second + 1)) is not { Length: > 0 } signature
            || ParseObject(Decode(token.AsSpan(0, first)), Strict) is not { } header
            || ParseObject(Decode(token.AsSpan(first + 1, second - first - 1)), claimsOptions) is not { } claims
            || header.TryGetProperty("crit", out _)
            || (header.TryGetProperty("kid", out var keyId) && Text(keyId) is null))
        {
            return null;
        }

        return new Jwt(header, claims, Encoding.ASCII.GetBytes(token, 0, second), signature);
    }

    /// <summary>Returns whether <c>typ</c> is this media type, in any case and with or without <c>application/</c> (RFC 7515 section 4.1.9).</summary>
    public bool IsOfType(string type)
    {
        var actual = Text(_header, "typ").AsSpan();
        if (actual.StartsWith(MediaTypePrefix, StringComparison.OrdinalIgnoreCase))
        {
            actual = actual[MediaTypePrefix.Length..];
        }

        return actual.Equals(type, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>A member of the header, or null.</summary>
    public JsonElement? HeaderMember(string name) => _header.TryGetProperty(name, out var member) ? member : null;

    /// <summary>A claim that is a string; null where it is none.</summary>
    public string? Claim(string name) => Text(_claims, name);

    public bool TryGetClaim(string name, out JsonElement claim) => _claims.TryGetProperty(name, out claim);

    /// <summary>Whether <c>aud</c>, a string or an array of strings, contains one of the values.</summary>
    public bool IsFor(ReadOnlySpan<string> audiences)
    {
        if (!_claims.TryGetProperty("aud", out var aud))
        {
            return false;
        }

        if (aud.ValueKind != JsonValueKind.Array)
        {
            return Text(aud) is { } audience && audiences.Contains(audience);
        }

        foreach (var value in aud.EnumerateArray())
        {
            if (Text(value) is { } audience && audiences.Contains(audience))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// A NumericDate claim. False where it is there and no such thing; true with null where it is absent.
    /// </summary>
    public bool TryGetTime(string name, out DateTimeOffset? time)
    {
        time = null;
        if (!_claims.TryGetProperty(name, out var claim))
        {
            return true;
        }

        if (claim.ValueKind != JsonValueKind.Number
            || !double.TryParse(claim.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)
            || !(seconds >= 0 && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()))
        {
            return false;
        }

        time = DateTimeOffset.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond));
        return true;
    }

    /// <summary>The first claim of a time that is in milliseconds, as some libraries have it, where seconds must be; or null.</summary>
    public string? FindMilliseconds()
    {
        foreach (var name in (ReadOnlySpan<string>)["exp", "iat", "nbf"])
        {
            // As seconds they would be after the year 9999; as milliseconds they are from 2001 to 2286.
            if (_claims.TryGetProperty(name, out var claim) && claim.ValueKind == JsonValueKind.Number && claim.TryGetDouble(out var number) && number is >= 1e12 and < 1e13)
            {
                return name;
            }
        }

        return null;
    }

    /// <summary>A member that is a string; null where it is none.</summary>
    internal static string? Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) ? Text(value) : null;

    /// <summary>A value that is a string; null where it is none. Half a surrogate pair as an escape is well-formed JSON, and no string.</summary>
    public static string? Text(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Base64url as RFC 7515 section 2 has it and in no other way; null where it is something else.</summary>
    internal static byte[]? Decode(ReadOnlySpan<char> part)
    {
        // No padding, no white space, which the decoder would pass over.
        if (part.ContainsAnyExcept(Base64UrlCharacters))
        {
            return null;
        }

        var bytes = new byte[Base64Url.GetMaxDecodedLength(part.Length)];

        // Not TryDecodeFromChars, which throws where the length is wrong or bits that stand for nothing are set.
        return Base64Url.DecodeFromChars(part, bytes, out _, out var written) == OperationStatus.Done ? bytes[..written] : null;
    }

    /// <summary>What is said of a claim that <see cref="FindMilliseconds"/> has found.</summary>
    public static string NotMilliseconds(string name) => $"its {name} is in milliseconds: seconds since 1970-01-01T00:00:00Z are expected (RFC 7519 section 2)";

    private static JsonElement? ParseObject(byte[]? utf8, in JsonDocumentOptions options)
    {
        // The parser leaves the bytes within strings unchecked.
        if (utf8 is null || !Utf8.IsValid(utf8))
        {
            return null;
        }

        try
        {
            var element = JsonElement.Parse(utf8, options);
            return element.ValueKind == JsonValueKind.Object ? element : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
