using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Protocol;

namespace Ciba.AspNetCore.Authentication;

/// <summary>The parameters of section 7.1, one by one.</summary>
internal sealed partial class AuthenticationRequest
{
    private const int MaxTextLength = 1024;
    private const int MaxTokenLength = Jose.Jwt.MaxLength;
    private const int MaxUserCodeLength = 256;
    private const int MaxContextLength = 4096;
    private const int MaxContextDepth = 8;

    private static readonly SearchValues<char> BearerCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/");

    private static readonly (string Name, int Limit)[] Limits =
    [
        ("scope", MaxTextLength),
        ("login_hint", MaxTextLength),
        ("acr_values", MaxTextLength),
        ("user_code", MaxUserCodeLength),
        ("login_hint_token", MaxTokenLength),
        ("id_token_hint", MaxTokenLength),
    ];

    private static readonly CibaError RequestUri = CibaError.InvalidRequest.With("request_uri is not supported: send the parameters in the form.");
    private static readonly CibaError NoScope = CibaError.InvalidRequest.With("scope is required: send scope=openid, with other values behind it if need be.");
    private static readonly CibaError NoOpenId = CibaError.InvalidScope.With("scope must contain openid: send for instance scope=openid.");
    private static readonly CibaError MalformedScope = CibaError.InvalidScope.With("scope is a list of values in printable ASCII, separated by single spaces.");
    private static readonly CibaError ForeignScope = CibaError.InvalidScope.With("The client may not ask for one of these scope values: leave it out, or have it added to the client's registration.");
    private static readonly CibaError NoHint = CibaError.InvalidRequest.With("Send exactly one of login_hint, login_hint_token and id_token_hint: there is none.");
    private static readonly CibaError ManyHints = CibaError.InvalidRequest.With("Send exactly one of login_hint, login_hint_token and id_token_hint: there are several, leave out all but one.");
    private static readonly CibaError BadAcrValues = CibaError.InvalidRequest.With("acr_values is a list of values in printable ASCII without quotation marks and backslashes, separated by spaces.");
    private static readonly CibaError NoNotificationToken = CibaError.InvalidRequest.With("client_notification_token is required: the provider sends it back to the client notification endpoint.");
    private static readonly CibaError BadNotificationToken = CibaError.InvalidRequest.With($"client_notification_token is a bearer token (RFC 6750 section 2.1) of {MaxTextLength} characters at most.");
    private static readonly CibaError BadExpiry = CibaError.InvalidRequest.With("requested_expiry is a positive whole number of seconds.");
    private static readonly CibaError BadContext = CibaError.InvalidRequest.With($"request_context is a JSON object of {MaxContextLength} characters and {MaxContextDepth} levels at most, without a name twice in an object.");

    private static CibaError? Unreadable(FormParameters form)
    {
        if (form["request_uri"] is not null)
        {
            return RequestUri;
        }

        foreach (var (name, limit) in Limits)
        {
            if (form[name]?.Length > limit)
            {
                return CibaError.InvalidRequest.With($"{name} is too long.");
            }
        }

        return form["acr_values"]?.Split(' ', StringSplitOptions.RemoveEmptyEntries).All(SpaceSeparated.IsValue) is false ? BadAcrValues : null;
    }

    // RFC 6750 section 2.1: one or more of these characters, and then any number of equals signs.
    private static bool IsBearerToken(string text) =>
        text.Length <= MaxTextLength && text.TrimEnd('=') is { Length: > 0 } token && !token.AsSpan().ContainsAnyExcept(BearerCharacters);

    private static bool TryReadNotificationToken(FormParameters form, RegisteredClient client, out string? token, [NotNullWhen(false)] out CibaError? error)
    {
        token = client.TokenDeliveryMode == CibaTokenDeliveryModes.Poll ? null : form["client_notification_token"] ?? "";
        error = token switch
        {
            null => null,
            "" => NoNotificationToken,
            _ when IsBearerToken(token) => null,
            _ => BadNotificationToken,
        };
        return error is null;
    }

    private static Outcome<string[]> ReadScope(string? scope, RegisteredClient client)
    {
        if (scope is null)
        {
            return NoScope;
        }

        var scopes = SpaceSeparated.Values(scope);
        return !scopes.All(SpaceSeparated.IsValue) ? MalformedScope
            : !scopes.Contains("openid") ? NoOpenId
            : !scopes.All(client.Scopes.Contains) ? ForeignScope
            : scopes;
    }

    private static Outcome<CibaHint> ReadHint(FormParameters form)
    {
        CibaHint? hint = null;
        foreach (var kind in new ReadOnlySpan<CibaHintKind>([CibaHintKind.LoginHint, CibaHintKind.LoginHintToken, CibaHintKind.IdTokenHint]))
        {
            var name = kind switch
            {
                CibaHintKind.LoginHint => "login_hint",
                CibaHintKind.LoginHintToken => "login_hint_token",
                _ => "id_token_hint",
            };
            if (form[name] is not { } value)
            {
                continue;
            }

            if (hint is not null)
            {
                return ManyHints;
            }

            hint = new CibaHint(kind, value);
        }

        return hint is null ? NoHint : hint;
    }

    private static bool TryReadExpiry(string? text, CibaOptions options, out TimeSpan? expiry, out CibaError error)
    {
        expiry = null;
        error = BadExpiry;
        if (text is null)
        {
            return true;
        }

        if (!text.All(char.IsAsciiDigit) || text.All(digit => digit == '0'))
        {
            return false;
        }

        // A number that is too long to be read is above the maximum all the same.
        var (least, most) = (options.MinRequestLifetime, options.MaxRequestLifetime);
        expiry = !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds >= most.TotalSeconds ? most
            : seconds <= least.TotalSeconds ? least
            : TimeSpan.FromSeconds(seconds);
        return true;
    }

    private static bool TryReadBindingMessage(string? text, CibaOptions options, out string? message, [NotNullWhen(false)] out CibaError? error)
    {
        message = null;
        error = null;
        if (text is not null && BindingMessageRule.Read(text, options.BindingMessageMaxLength).Failed(out error, out message))
        {
            return false;
        }

        error = options.NumberMatching ? NumberMatching.WhyNot(message) : null;
        return error is null;
    }

    // FAPI-CIBA section 5.3.
    private static bool TryReadContext(string? json, out JsonElement? context, [NotNullWhen(false)] out CibaError? error)
    {
        context = json is { Length: <= MaxContextLength } ? JsonText.Parse(json, MaxContextDepth) : null;
        error = json is null || context?.ValueKind == JsonValueKind.Object ? null : BadContext;
        return error is null;
    }
}
