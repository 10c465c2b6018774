using System.Net;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 4, section 7.1.1: with which keys and algorithms clients sign their requests.</summary>
public sealed class SignedRequestKeyTests
{
    private static readonly TestKey Old = TestKey.Ec("old");
    private static readonly TestKey New = TestKey.Ec("new");

    [TestCase("ES256"), TestCase("ES384"), TestCase("ES512"), TestCase("PS256"), TestCase("PS384"), TestCase("PS512"), TestCase("RS256"), TestCase("RS384"), TestCase("RS512"), Spec("R1")]
    public async Task Each_asymmetric_algorithm_may_be_registered(string algorithm)
    {
        await using var host = new CibaHost { Clients = [SignedCalls.Client(algorithm: algorithm)] };

        var answer = await host.SignedAsync(SignedCalls.Jwt(host).Sign(TestKey.For(algorithm), algorithm));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [TestCase(CibaClientAuthenticationMethods.ClientSecretBasic)]
    [TestCase(CibaClientAuthenticationMethods.ClientSecretPost)]
    [TestCase(CibaClientAuthenticationMethods.ClientSecretJwt)]
    [TestCase(CibaClientAuthenticationMethods.PrivateKeyJwt)]
    [Spec("R1")]
    public async Task A_client_signs_however_it_authenticates(string method)
    {
        var client = SignedCalls.Client(algorithm: "PS256");
        client.TokenEndpointAuthMethod = method;
        await using var host = new CibaHost { Clients = [client] };
        var request = SignedCalls.Jwt(host).Sign(TestKey.For("PS256"), "PS256");

        var answer = method switch
        {
            CibaClientAuthenticationMethods.ClientSecretBasic => await host.PostAsync("/bc-authorize", [("request", request)], sent => sent.Headers.Authorization = CibaHost.Basic("client", CibaHost.Secret)),
            CibaClientAuthenticationMethods.ClientSecretJwt => await host.SignedAsync(request, TestJwt.Form(new TestJwt(host).Mac(CibaHost.Secret))),
            CibaClientAuthenticationMethods.PrivateKeyJwt => await host.SignedAsync(request, TestJwt.Form(new TestJwt(host).Sign(TestKey.For("PS256"), "PS256"))),
            _ => await host.SignedAsync(request),
        };

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [Test, Spec("R1")]
    public async Task Keys_by_reference_may_be_replaced_there()
    {
        var remote = new FakeJwksUri(TestKey.Set(Old.Jwk()));
        await using var host = remote.Host();
        var client = host.Clients[0];
        (client.TokenEndpointAuthMethod, client.ClientSecrets, client.BackchannelAuthenticationRequestSigningAlg) = (CibaClientAuthenticationMethods.ClientSecretPost, [CibaHost.Secret], "ES256");

        var before = await host.SignedAsync(SignedCalls.Jwt(host).Sign(Old));
        remote.Jwks = TestKey.Set(New.Jwk());
        host.Time.Advance(TimeSpan.FromSeconds(31));
        var after = await host.SignedAsync(SignedCalls.Jwt(host).Sign(New));
        var late = await host.SignedAsync(SignedCalls.Jwt(host).Sign(Old));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((before.Status, after.Status), Is.EqualTo((HttpStatusCode.OK, HttpStatusCode.OK)), after.Body);
            Assert.That((late.Status, late.Description), Is.EqualTo((HttpStatusCode.BadRequest, "The request is refused: no key of the client verifies its signature.")));
            Assert.That(remote.Calls, Is.EqualTo(2));
        }
    }

    [Test, Spec("R0")]
    public async Task Keys_by_reference_that_cannot_be_read_are_an_invalid_request()
    {
        var remote = new FakeJwksUri("{}");
        await using var host = remote.Host();
        var client = host.Clients[0];
        (client.TokenEndpointAuthMethod, client.ClientSecrets, client.BackchannelAuthenticationRequestSigningAlg) = (CibaClientAuthenticationMethods.ClientSecretPost, [CibaHost.Secret], "ES256");

        await host.RefusesAsync(await host.SignedAsync(SignedCalls.Jwt(host).Sign(Old)), "The request is refused: the keys at the client's jwks_uri cannot be read.");
    }

    [Test, Spec("R1")]
    public async Task Of_several_keys_any_may_sign_and_kid_tells_which()
    {
        var client = SignedCalls.Client();
        client.Jwks = TestKey.Set(Old.Jwk(), New.Jwk());
        await using var host = new CibaHost { Clients = [client], Options = options => options.Limits.SwitchOff() };

        var answers = new List<HttpStatusCode>();
        foreach (var (key, kid) in new[] { (Old, "\"old\""), (New, "\"new\""), (New, null), (New, "\"old\""), (New, "\"other\"") })
        {
            answers.Add((await host.SignedAsync(SignedCalls.Jwt(host).Header("kid", kid).Sign(key))).Status);
        }

        Assert.That(answers, Is.EqualTo(new[] { HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.BadRequest, HttpStatusCode.BadRequest }));
    }

    [Test, Spec("D2")]
    public async Task Where_signed_requests_are_off_a_request_is_refused_and_forms_are_taken()
    {
        await using var host = new CibaHost { Options = options => options.BackchannelAuthenticationRequestSigningAlgValuesSupported = [] };

        await host.RefusesAsync(await host.SignedAsync(SignedCalls.Jwt(host)), "Signed authentication requests are off here: send the parameters in the form instead of request.");
        Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase("", "or leave it out."), TestCase("PS256 ES384", "or use PS256, ES384."), Spec("D2")]
    public async Task A_client_whose_algorithm_is_off_keeps_the_host_from_starting(string algorithms, string cure)
    {
        await using var host = SignedCalls.Host(options => options.BackchannelAuthenticationRequestSigningAlgValuesSupported = algorithms.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { "client", "other" }.Select(id =>
            $"Client '{id}': BackchannelAuthenticationRequestSigningAlg 'ES256' is switched off; add it to CibaOptions.BackchannelAuthenticationRequestSigningAlgValuesSupported, {cure}")));
    }

    [TestCase(""), TestCase("PS256"), Spec("D2"), Spec("R4")]
    public async Task A_client_of_the_hosts_own_store_whose_algorithm_is_off_is_refused(string algorithms)
    {
        await using var host = new CibaHost
        {
            Clients = [],
            Options = options => options.BackchannelAuthenticationRequestSigningAlgValuesSupported = algorithms.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            Setup = ciba => ciba.Services.AddSingleton<ICibaClientStore>(new OneClient()),
        };
        (string, string?)[] client = [("client_id", "client"), ("client_secret", CibaHost.Secret)];

        foreach (var answer in new[]
        {
            await host.PostAsync("/bc-authorize", [.. client, ("scope", "openid"), ("login_hint", "alice")]),
            await host.PostAsync("/bc-authorize", [.. client, ("request", SignedCalls.Jwt(host).Sign(SignedCalls.Key))]),
        })
        {
            await Refusal.LeavesNothingAsync(host, answer, "unauthorized_client");
            Assert.That(answer.Description, Is.EqualTo("The client is registered to sign its authentication requests with an algorithm that is switched off here: register another one."));
        }
    }

    [TestCase("none"), TestCase("HS256"), TestCase("es256"), TestCase(""), Spec("D2")]
    public async Task Only_asymmetric_algorithms_can_be_on(string algorithm)
    {
        await using var host = new CibaHost { Options = options => options.BackchannelAuthenticationRequestSigningAlgValuesSupported = ["ES256", algorithm] };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[]
        {
            "CibaOptions: BackchannelAuthenticationRequestSigningAlgValuesSupported must be some of ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512, or empty (off).",
        }));
    }

    private sealed class OneClient : ICibaClientStore
    {
        private readonly CibaClient _client = SignedCalls.Client();

        public ValueTask<CibaClient?> FindAsync(string clientId, CancellationToken cancellationToken) => new(clientId == _client.ClientId ? _client : null);
    }
}
