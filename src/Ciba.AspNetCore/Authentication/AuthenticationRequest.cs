using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Http;

namespace Ciba.AspNetCore.Authentication;

/// <summary>Section 7.1: what the client sent, read and checked as far as the form alone allows.</summary>
internal sealed class AuthenticationRequest
{
    private const int MaxTextLength = 1024;
    private const int MaxTokenLength = Jose.Jwt.MaxLength;
    private const int MaxUserCodeLength = 256;

    private static readonly SearchValues<char> BearerCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/");

    private static readonly string[] OpenIdOnly = ["openid"];

    private static readonly CibaError RequestUri = CibaError.InvalidRequest.With("request_uri is not supported: send the parameters in the form.");
    private static readonly CibaError NoScope = CibaError.InvalidRequest.With("scope is required: send scope=openid, with other values behind it if need be.");
    private static readonly CibaError NoOpenId = CibaError.InvalidScope.With("scope must contain openid: send for instance scope=openid.");
    private static readonly CibaError MalformedScope = CibaError.InvalidScope.With("scope is a list of values in printable ASCII, separated by single spaces.");
    private static readonly CibaError ForeignScope = CibaError.InvalidScope.With("The client may not ask for one of these scope values: leave it out, or have it added to the client's registration.");
    private static readonly CibaError NoHint = CibaError.InvalidRequest.With("Send exactly one of login_hint, login_hint_token and id_token_hint: there is none.");
    private static readonly CibaError ManyHints = CibaError.InvalidRequest.With("Send exactly one of login_hint, login_hint_token and id_token_hint: there are several, leave out all but one.");
    private static readonly CibaError BadAcrValues = CibaError.InvalidRequest.With("acr_values is a list of values without control characters, separated by spaces.");
    private static readonly CibaError NoNotificationToken = CibaError.InvalidRequest.With("client_notification_token is required: the provider sends it back to the client notification endpoint.");
    private static readonly CibaError BadNotificationToken = CibaError.InvalidRequest.With($"client_notification_token is a bearer token (RFC 6750 section 2.1) of {MaxTextLength} characters at most.");
    private static readonly CibaError ModeIsOff = CibaError.UnauthorizedClient.With("The client's token delivery mode is switched off here.");
    private static readonly CibaError BadExpiry = CibaError.InvalidRequest.With("requested_expiry is a positive whole number of seconds.");

    private AuthenticationRequest(IReadOnlyList<string> scopes, CibaHint hint)
    {
        Scopes = scopes;
        Hint = hint;
    }

    public IReadOnlyList<string> Scopes { get; }

    /// <summary>As it was sent: an <c>id_token_hint</c> is not checked yet.</summary>
    public CibaHint Hint { get; }

    /// <summary>In ping and push mode; a poll client's is ignored.</summary>
    public string? ClientNotificationToken { get; private init; }

    public string? BindingMessage { get; private init; }

    public string? UserCode { get; private init; }

    /// <summary>What the client asked for, not more than the maximum; null where it asked for nothing.</summary>
    public TimeSpan? RequestedExpiry { get; private init; }

    public IReadOnlyList<string> AcrValues { get; private init; } = [];

    public IReadOnlyList<JsonElement> AuthorizationDetails { get; private init; } = [];

    /// <summary>Requests that have the same ask for the same; a digest, because a token is in it.</summary>
    public string Fingerprint => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(
        [string.Join(' ', Scopes.Order(StringComparer.Ordinal)), BindingMessage, string.Join(' ', AcrValues), string.Join(',', AuthorizationDetails.Select(detail => detail.GetRawText())), ClientNotificationToken],
        WireJson.Default.StringArray))));

    public static Outcome<AuthenticationRequest> Read(FormParameters form, RegisteredClient client, CibaOptions options)
    {
        if (!client.MayUseCiba)
        {
            return CibaError.UnauthorizedClient;
        }

        if (!options.DeliveryModes.Contains(client.TokenDeliveryMode))
        {
            return ModeIsOff;
        }

        if (Unreadable(form) is { } unreadable)
        {
            return unreadable;
        }

        var notificationToken = client.TokenDeliveryMode == CibaTokenDeliveryModes.Poll ? null : form["client_notification_token"] ?? "";
        if (notificationToken is not null && !IsBearerToken(notificationToken))
        {
            return notificationToken is "" ? NoNotificationToken : BadNotificationToken;
        }

        if (ReadScope(form["scope"], client).Failed(out var error, out var scopes)
            || ReadHint(form).Failed(out error, out var hint)
            || !TryReadExpiry(form["requested_expiry"], options.MaxRequestLifetime, out var expiry, out error))
        {
            return error;
        }

        string? bindingMessage = null;
        if (form["binding_message"] is { } message && BindingMessageRule.Read(message, options.BindingMessageMaxLength).Failed(out error, out bindingMessage))
        {
            return error;
        }

        if (options.NumberMatching && NumberMatching.WhyNot(bindingMessage) is { } noCode)
        {
            return noCode;
        }

        JsonElement[]? details = null;
        if (form["authorization_details"] is { } json && Authentication.AuthorizationDetails.Read(json, client.Client, options).Failed(out error, out details))
        {
            return error;
        }

        return new AuthenticationRequest(scopes, hint)
        {
            ClientNotificationToken = notificationToken,
            BindingMessage = bindingMessage,
            UserCode = form["user_code"],
            RequestedExpiry = expiry,
            AcrValues = Values(form["acr_values"]),
            AuthorizationDetails = details ?? [],
        };
    }

    /// <summary>RFC 6749 section 3.3: whether the text is one scope value.</summary>
    public static bool IsScopeValue(string text) =>
        !string.IsNullOrEmpty(text) && text.All(c => c is >= '!' and <= '~' and not ('"' or '\\'));

    /// <summary>The values of a list that is separated by spaces, each once, in their order.</summary>
    public static string[] Values(string? list) =>
        list is null or "" ? [] : list is "openid" ? OpenIdOnly : [.. list.Split(' ', StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal)];

    private static CibaError? Unreadable(FormParameters form)
    {
        if (form["request_uri"] is not null)
        {
            return RequestUri;
        }

        foreach (var (name, limit) in new ReadOnlySpan<(string, int)>(
            [("scope", MaxTextLength), ("login_hint", MaxTextLength), ("acr_values", MaxTextLength),
             ("user_code", MaxUserCodeLength), ("login_hint_token", MaxTokenLength), ("id_token_hint", MaxTokenLength)]))
        {
            if (form[name]?.Length > limit)
            {
                return CibaError.InvalidRequest.With($"{name} is too long.");
            }
        }

        return form["acr_values"]?.Any(char.IsControl) is true ? BadAcrValues : null;
    }

    // RFC 6750 section 2.1: one or more of these characters, and then any number of equals signs.
    private static bool IsBearerToken(string text) =>
        text.Length <= MaxTextLength && text.TrimEnd('=') is { Length: > 0 } token && !token.AsSpan().ContainsAnyExcept(BearerCharacters);

    private static Outcome<string[]> ReadScope(string? scope, RegisteredClient client)
    {
        if (scope is null)
        {
            return NoScope;
        }

        var scopes = Values(scope);
        return !scopes.All(IsScopeValue) ? MalformedScope
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

    private static bool TryReadExpiry(string? text, TimeSpan max, out TimeSpan? expiry, out CibaError error)
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
        expiry = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds < max.TotalSeconds
            ? TimeSpan.FromSeconds(seconds)
            : max;
        return true;
    }
}
