using System.Globalization;
using System.Text.Json;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Jose;

namespace Ciba.AspNetCore.Authentication;

/// <summary>Section 7.1.1: the parameters of a signed request are claims of the JWT, and none of them stands beside it.</summary>
internal static class SignedParameters
{
    private const int MaxResources = 32;

    private static readonly (string Name, Shape Shape)[] Known =
    [
        ("scope", Shape.Text), ("client_notification_token", Shape.Text), ("acr_values", Shape.Text), ("login_hint_token", Shape.Text), ("id_token_hint", Shape.Text),
        ("login_hint", Shape.Text), ("binding_message", Shape.Text), ("user_code", Shape.Text), ("requested_expiry", Shape.Number), ("dpop_jkt", Shape.Text),
        ("resource", Shape.Texts), ("authorization_details", Shape.Array), ("claims", Shape.Object), ("request_context", Shape.Object),
        ("request", Shape.Nothing), ("request_uri", Shape.Nothing),
    ];

    /// <summary>What a claim may be besides a string.</summary>
    private enum Shape
    {
        Text,
        Number,
        Texts,
        Array,
        Object,
        Nothing,
    }

    /// <summary>The error about a parameter that stands in the form beside <c>request</c>; null where there is none.</summary>
    public static CibaError? FindBeside(FormParameters form)
    {
        foreach (var (name, _) in Known)
        {
            if (name != "request" && form[name] is not null)
            {
                return CibaError.InvalidRequest.With(name == "request_uri"
                    ? "request and request_uri exclude each other: send request alone."
                    : $"{name} stands beside request: make it a claim of the request, with every other parameter of it.");
            }
        }

        return null;
    }

    /// <summary>The parameters as a form would have them. Claims that are no parameters are left alone.</summary>
    public static Outcome<FormParameters> Read(Jwt jwt)
    {
        var fields = new List<KeyValuePair<string, string>>(Known.Length);
        foreach (var (name, shape) in Known)
        {
            if (!jwt.TryGetClaim(name, out var claim))
            {
                continue;
            }

            if (shape == Shape.Texts && claim.ValueKind == JsonValueKind.Array)
            {
                if (claim.GetArrayLength() > MaxResources || !claim.EnumerateArray().All(each => TryAdd(fields, name, Jwt.Text(each))))
                {
                    return Malformed(name, shape);
                }
            }
            else if (!TryAdd(fields, name, Read(claim, shape)))
            {
                return Malformed(name, shape);
            }
        }

        return FormParameters.Of(fields);
    }

    private static string? Read(JsonElement claim, Shape shape) => (claim.ValueKind, shape) switch
    {
        (_, Shape.Nothing) => null,
        (JsonValueKind.Number, Shape.Number) => WholeNumber(claim.GetRawText()),
        (JsonValueKind.Array, Shape.Array) or (JsonValueKind.Object, Shape.Object) => claim.GetRawText(),
        _ => Jwt.Text(claim),
    };

    // JSON knows one kind of number: 300.0 and 3e2 are 300. What is not a whole number is refused by the parameter's own rule.
    private static string WholeNumber(string number) =>
        number.AsSpan().ContainsAny(".eE") && decimal.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && decimal.IsInteger(value)
            ? decimal.Truncate(value).ToString(CultureInfo.InvariantCulture)
            : number;

    private static bool TryAdd(List<KeyValuePair<string, string>> fields, string name, string? value)
    {
        // A form has no NUL either.
        if (value is null || value.Contains('\0'))
        {
            return false;
        }

        fields.Add(new(name, value));
        return true;
    }

    private static CibaError Malformed(string name, Shape shape) => CibaError.InvalidRequest.With(shape switch
    {
        Shape.Nothing => $"A signed request holds no {name}: make the parameters claims of the one JWT.",
        Shape.Number => $"The claim {name} of the request is a number, or a string without NUL that holds one.",
        Shape.Texts => $"The claim {name} of the request is a string without NUL, or an array of {MaxResources} such strings at most.",
        Shape.Array => $"The claim {name} of the request is a JSON array, or a string without NUL that holds one.",
        Shape.Object => $"The claim {name} of the request is a JSON object, or a string without NUL that holds one.",
        _ => $"The claim {name} of the request is a string without NUL.",
    });
}
