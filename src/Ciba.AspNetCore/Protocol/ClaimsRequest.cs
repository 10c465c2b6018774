using System.Text.Json;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Text;

namespace Ciba.AspNetCore.Protocol;

/// <summary>OpenID Connect Core section 5.5: the parameter <c>claims</c>, of which the ID Token's part counts here.</summary>
internal sealed class ClaimsRequest
{
    private const int MaxLength = 4096;
    private const int MaxDepth = 8;
    private const int MaxNames = 64;
    private const int MaxNameLength = 128;

    private static readonly ClaimsRequest None = new();

    private static readonly CibaError TooLong = CibaError.InvalidRequest.With($"claims is too long: {MaxLength} characters at most.");
    private static readonly CibaError Malformed = CibaError.InvalidRequest.With($"claims is a JSON object of {MaxDepth} levels at most, without a name twice in an object.");
    private static readonly CibaError BadIdToken = CibaError.InvalidRequest.With("id_token in claims is an object whose members are null or objects, with essential as true or false and values as a list.");
    private static readonly CibaError BadNames = CibaError.InvalidRequest.With($"id_token in claims asks for {MaxNames} claims at most, each by a name of {MaxNameLength} characters at most that can all be seen: no spaces, no control or text direction characters.");
    private static readonly CibaError BadAcr = CibaError.InvalidRequest.With("The values of acr in claims are texts in printable ASCII without spaces, quotation marks and backslashes.");
    private static readonly CibaError AcrNotSupported = CibaError.InvalidRequest.With("None of the essential acr values in claims can be reached here: ask for one that discovery lists in acr_values_supported.");
    private static readonly CibaError NoSubject = CibaError.InvalidRequest.With("A value of sub in claims cannot be asked for by a client with pairwise subjects: name the user by a hint alone.");

    private JsonElement? _subject;

    /// <summary>The member <c>id_token</c>, null where it is absent or empty.</summary>
    public JsonElement? IdToken { get; private init; }

    /// <summary>The authentication context classes that it asks for.</summary>
    public IReadOnlyList<string> AcrValues { get; private init; } = [];

    /// <summary>The same where <c>acr</c> is essential, else none.</summary>
    public IReadOnlyList<string> RequiredAcrValues { get; private init; } = [];

    public static Outcome<ClaimsRequest> Read(string? json, CibaClient client, CibaOptions options)
    {
        if (json is null)
        {
            return None;
        }

        if (json.Length > MaxLength)
        {
            return TooLong;
        }

        if (JsonText.Parse(json, MaxDepth) is not { ValueKind: JsonValueKind.Object } claims)
        {
            return Malformed;
        }

        if (!claims.TryGetProperty("id_token", out var idToken))
        {
            return None;
        }

        if (idToken.ValueKind != JsonValueKind.Object || !idToken.EnumerateObject().All(claim => IsRequest(claim.Value)))
        {
            return BadIdToken;
        }

        if (idToken.GetPropertyCount() > MaxNames || !idToken.EnumerateObject().All(claim => IsName(claim.Name)))
        {
            return BadNames;
        }

        return idToken.GetPropertyCount() == 0 ? None : Of(idToken, client, options);
    }

    /// <summary>Whether <c>sub</c> is asked for with a value, and this is another user.</summary>
    public bool IsOfAnother(string subject) => _subject is { } asked && !ValuesOf(asked).Any(value => value.ValueKind == JsonValueKind.String && value.GetString() == subject);

    /// <summary>What the claim is to be, in order of preference: <c>value</c>, then <c>values</c>.</summary>
    public static IEnumerable<JsonElement> ValuesOf(JsonElement claim)
    {
        if (claim.ValueKind != JsonValueKind.Object)
        {
            yield break;
        }

        if (claim.TryGetProperty("value", out var value))
        {
            yield return value;
        }

        if (claim.TryGetProperty("values", out var values))
        {
            foreach (var one in values.EnumerateArray())
            {
                yield return one;
            }
        }
    }

    /// <summary>Whether the claim is asked for with what it is to be.</summary>
    public static bool HasValues(JsonElement claim) =>
        claim.ValueKind == JsonValueKind.Object && (claim.TryGetProperty("value", out _) || claim.TryGetProperty("values", out _));

    private static Outcome<ClaimsRequest> Of(JsonElement idToken, CibaClient client, CibaOptions options)
    {
        JsonElement? subject = idToken.TryGetProperty("sub", out var sub) && HasValues(sub) ? sub : null;
        if (subject is not null && client.SubjectType == CibaSubjectTypes.Pairwise)
        {
            return NoSubject;
        }

        string[] acrValues = [];
        var isEssential = false;
        if (idToken.TryGetProperty("acr", out var acr))
        {
            if (!ValuesOf(acr).All(IsAcr))
            {
                return BadAcr;
            }

            acrValues = [.. ValuesOf(acr).Select(value => value.GetString()!).Distinct(StringComparer.Ordinal)];
            isEssential = acr.ValueKind == JsonValueKind.Object && acr.TryGetProperty("essential", out var essential) && essential.GetBoolean();
        }

        if (isEssential && acrValues.Length > 0 && options.AcrValuesSupported.Count > 0 && !acrValues.Any(options.AcrValuesSupported.Contains))
        {
            return AcrNotSupported;
        }

        return new ClaimsRequest { IdToken = idToken, AcrValues = acrValues, RequiredAcrValues = isEssential ? acrValues : [], _subject = subject };
    }

    // The names are shown on the user's device.
    private static bool IsName(string name) => name.Length <= MaxNameLength && DisplayText.IsPlain(name);

    private static bool IsRequest(JsonElement claim) => claim.ValueKind switch
    {
        JsonValueKind.Null => true,
        JsonValueKind.Object => (!claim.TryGetProperty("essential", out var essential) || essential.ValueKind is JsonValueKind.True or JsonValueKind.False)
            && (!claim.TryGetProperty("values", out var values) || values.ValueKind == JsonValueKind.Array),
        _ => false,
    };

    private static bool IsAcr(JsonElement value) => value.ValueKind == JsonValueKind.String && SpaceSeparated.IsValue(value.GetString()!);
}
