using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>The FAPI-CIBA profile: what a request must hold, for every client of the provider or for one.</summary>
[TestFixture(true), TestFixture(false)]
public sealed class FapiCibaRequestTests(bool wholeProvider)
{
    private static readonly TestKey Key = TestKey.For("ES256");

    [Test, Spec("F4"), Spec("F5")]
    public async Task A_signed_request_with_a_binding_message_is_taken()
    {
        await using var host = Host();

        Assert.That((await AskAsync(host)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("F4")]
    public async Task A_request_that_is_not_signed_is_refused()
    {
        await using var host = Host();

        var answer = await host.AuthorizeAsync(TestJwt.Form(new TestJwt(host).Sign(Key), ("binding_message", "W4SCT")));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo("The client is registered to sign its authentication requests: send the parameters as claims of a JWT in request."));
    }

    [Test, Spec("F5")]
    public async Task A_request_that_names_nothing_to_approve_is_refused()
    {
        await using var host = Host();

        var answer = await AskAsync(host, jwt => jwt.Claim("binding_message", null));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo("binding_message or authorization_details is required, so that the user knows what is approved (FAPI-CIBA section 5.2.2)."));
    }

    [Test, Spec("F5")]
    public async Task Authorization_details_name_what_is_approved()
    {
        await using var host = Host();

        var answer = await AskAsync(host, jwt => jwt.Claim("binding_message", null).Claim("authorization_details", """[{"type":"payment_initiation"}]"""));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase("RS256"), TestCase("ES384"), TestCase("PS512"), Spec("F3")]
    public async Task An_assertion_by_another_algorithm_is_refused(string algorithm)
    {
        await using var host = Host(client => client.Jwks = TestKey.Set(Key.Jwk(), TestKey.For(algorithm).Jwk()));

        var answer = await AskAsync(host, assertion: TestKey.For(algorithm), algorithm: algorithm);

        await Refusal.LeavesNothingAsync(host, answer, "invalid_client", 401);
        Assert.That(answer.Description, Is.EqualTo("The client_assertion is refused: the FAPI-CIBA profile takes PS256 and ES256."));
    }

    [TestCase("client_secret_basic"), TestCase("client_secret_post"), TestCase("client_secret_jwt"), Spec("F2")]
    public async Task A_client_of_the_hosts_store_that_authenticates_with_a_secret_is_refused(string method)
    {
        var client = Change(FapiCibaRegistrationTests.FapiClient());
        (client.TokenEndpointAuthMethod, client.ClientSecrets) = (method, [CibaHost.Secret]);
        await using var host = Host(setup: new HookedClients { Current = client }.Use);

        var answer = method switch
        {
            "client_secret_basic" => await host.CallAsync(ClientCalls.Authorize, [ClientCalls.Basic($"client:{CibaHost.Secret}")]),
            "client_secret_post" => await host.CallAsync(ClientCalls.Authorize, [], ("client_id", "client"), ("client_secret", CibaHost.Secret)),
            _ => await host.CallAsync(ClientCalls.Authorize, [], ("client_assertion_type", TestJwt.AssertionType), ("client_assertion", new TestJwt(host).Mac(CibaHost.Secret))),
        };

        Assert.That((answer.Status, answer.Error), Is.EqualTo((HttpStatusCode.Unauthorized, "invalid_client")));
    }

    [Test, Spec("F1"), Spec("F6")]
    public async Task A_client_of_the_hosts_store_that_breaks_the_profile_is_refused([Values] bool push)
    {
        var client = Change(FapiCibaRegistrationTests.FapiClient());
        _ = push
            ? (client.BackchannelTokenDeliveryMode, client.BackchannelClientNotificationEndpoint) = ("push", "https://rp.example/cb")
            : ("", (client.DpopBoundAccessTokens = false).ToString());
        await using var host = Host(setup: new HookedClients { Current = client }.Use);

        var answer = await AskAsync(host);

        Assert.That((answer.Status, answer.Error), Is.EqualTo((HttpStatusCode.BadRequest, "unauthorized_client")));
    }

    [Test, Spec("F8")]
    public async Task Of_the_acr_values_that_are_supported_one_must_be_reached()
    {
        await using var host = Host();
        var authReqId = (await AskAsync(host, jwt => jwt.Claim("acr_values", "\"urn:acr:9 urn:acr:2 urn:acr:1\""))).AuthReqId;

        var results = new List<CibaDecisionResult>();
        foreach (var acr in (string?[])[null, "urn:acr:0", "urn:acr:9", "urn:acr:1"])
        {
            results.Add(await host.ApproveAsync(authReqId, approval: new CibaApproval { Acr = acr }));
        }

        Assert.That(results, Is.EqualTo(new[] { CibaDecisionResult.AcrNotReached, CibaDecisionResult.AcrNotReached, CibaDecisionResult.AcrNotReached, CibaDecisionResult.Done }));
    }

    [Test, Spec("F8")]
    public async Task Where_none_of_the_acr_values_is_supported_none_need_be_reached()
    {
        await using var host = Host();
        var authReqId = (await AskAsync(host, jwt => jwt.Claim("acr_values", "\"urn:acr:9\""))).AuthReqId;

        Assert.That(await host.ApproveAsync(authReqId), Is.EqualTo(CibaDecisionResult.Done));
    }

    private CibaClient Change(CibaClient client)
    {
        client.Profile = wholeProvider ? CibaProfile.Core : CibaProfile.FapiCiba;
        client.AuthorizationDetailsTypes = ["payment_initiation"];
        return client;
    }

    private CibaHost Host(Action<CibaClient>? change = null, Action<CibaBuilder>? setup = null)
    {
        var client = Change(FapiCibaRegistrationTests.FapiClient());
        change?.Invoke(client);
        return new()
        {
            Clients = setup is null ? [client] : [],
            Setup = setup,
            Options = options =>
            {
                options.Profile = wholeProvider ? CibaProfile.FapiCiba : CibaProfile.Core;
                options.AcrValuesSupported = ["urn:acr:1", "urn:acr:2"];
                options.AuthorizationDetailsTypesSupported = ["payment_initiation"];
            },
        };
    }

    private static Task<Answer> AskAsync(CibaHost host, Func<TestJwt, TestJwt>? change = null, TestKey? assertion = null, string algorithm = "ES256")
    {
        var request = SignedCalls.Jwt(host).Claim("binding_message", "\"W4SCT\"");
        return host.PostAsync(ClientCalls.Authorize, [
            ("client_assertion_type", TestJwt.AssertionType), ("client_assertion", new TestJwt(host).Sign(assertion ?? Key, algorithm)),
            ("request", (change?.Invoke(request) ?? request).Sign(Key))]);
    }
}
