using Microsoft.Extensions.DependencyInjection;
using Moq;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 13: every refusal, and that the store and the device never hear of it.</summary>
public sealed class AuthenticationRefusalTests
{
    public static IEnumerable<TestCaseData> Refusals()
    {
        yield return Case("invalid_client", 401, ("client_secret", "wrong"));
        yield return Case("invalid_client", 401, ("client_secret", null));
        yield return Case("invalid_client", 401, ("client_id", "unknown"));
        yield return Case("invalid_client", 401, ("client_id", null));
        yield return Case("invalid_client", 401, ("client_id", "basic"));
        yield return Case("invalid_request", 400, ("client_assertion", "a.b.c"));
        yield return Case("unauthorized_client", 400, ("client_id", "code-only"));
        yield return Case("invalid_request", 400, ("request", "a.b.c"));
        yield return Case("invalid_request", 400, ("request_uri", "https://client.example/r"));
        yield return Case("invalid_request", 400, ("scope", null));
        yield return Case("invalid_scope", 400, ("scope", "profile"));
        yield return Case("invalid_scope", 400, ("scope", "openid admin"));
        yield return Case("invalid_request", 400, ("login_hint", null));
        yield return Case("invalid_request", 400, ("id_token_hint", "a.b.c"));
        yield return Case("invalid_request", 400, ("login_hint", null), ("id_token_hint", "a.b.c"));
        yield return Case("invalid_request", 400, ("requested_expiry", "0"));
        yield return Case("invalid_binding_message", 400, ("binding_message", "\u202e"));
        yield return Case("invalid_request", 400, ("login_hint", "a\0b"));
        yield return Case("unknown_user_id", 400, ("login_hint", "nobody"));
        yield return Case("expired_login_hint_token", 400, ("login_hint", null), ("login_hint_token", "expired"));
        yield return Case("access_denied", 403, ("login_hint", "carol"));
        yield return Case("missing_user_code", 400, ("client_id", "coded"));
        yield return Case("invalid_user_code", 400, ("client_id", "coded"), ("user_code", "wrong"));
        yield return Case("invalid_request", 400, ("binding_message", "refused by the validator"));

        static TestCaseData Case(string error, int status, params (string Name, string? Value)[] changes) =>
            new TestCaseData(error, status, changes).SetArgDisplayNames([error, .. changes.Select(change => $"{change.Name}={change.Value?.Replace("\0", "NUL", StringComparison.Ordinal).Replace("\u202e", "RLO", StringComparison.Ordinal) ?? "absent"}")]);
    }

    [TestCaseSource(nameof(Refusals)), Spec("A18"), Spec("A20")]
    public async Task A_refused_request_is_neither_stored_nor_notified(string error, int status, (string Name, string? Value)[] changes)
    {
        var codeOnly = CibaHost.Client("code-only");
        codeOnly.GrantTypes = ["authorization_code"];
        var coded = CibaHost.Client("coded");
        coded.BackchannelUserCodeParameter = true;
        var store = new Mock<ICibaRequestStore>(MockBehavior.Strict);
        store.Setup(outbox => outbox.ClaimDueAsync(It.IsAny<char>(), It.IsAny<DateTimeOffset>(), It.IsAny<DateTimeOffset>(), It.IsAny<int>(), It.IsAny<CancellationToken>())).ReturnsAsync([]);
        await using var host = new CibaHost
        {
            Clients = [CibaHost.Client("client"), CibaHost.Client("basic", CibaClientAuthenticationMethods.ClientSecretBasic), codeOnly, coded],
            Setup = ciba => ciba.AddRequestValidator<RefusesByMessage>().Services.AddSingleton(store.Object),
        };
        host.Users.Codes["alice"] = "right";
        host.Users.Lock("carol");
        host.Users.ReadLoginHintToken = _ => CibaUserLookupResult.ExpiredLoginHintToken;

        var answer = await host.AuthorizeAsync(changes);

        Refusal.Says(answer, error, status);
        Assert.That(store.Invocations.Select(call => call.Method.Name).Except([nameof(ICibaOutbox.ClaimDueAsync)]), Is.Empty);
        Assert.That(host.Devices.Calls, Is.Zero);
    }

    private sealed class RefusesByMessage : ICibaRequestValidator
    {
        public ValueTask<CibaError?> ValidateAsync(CibaRequest request, CibaClient client, CancellationToken cancellationToken) =>
            new(request.BindingMessage is null ? null : CibaError.InvalidRequest.With("Not this one."));
    }
}
