using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 7.1.1: a request that the client has signed, and everything that keeps it from being taken.</summary>
public sealed class SignedRequestTests
{
    private const string NotJwt = "The request is not a signed JWT: three parts of base64url, the first two JSON objects without a name twice or a crit, and kid a string if it is there.";
    private const string NotSigned = "The request is refused: no key of the client verifies its signature.";
    private const string OtherAlgorithm = "The request is refused: the client signs with ES256.";
    private const string NotIssuer = "The request is refused: its iss is not the client_id.";
    private const string NotAudience = "The request is refused: its aud does not hold the issuer.";
    private const string NotType = "The request is refused: its typ is neither absent nor JWT nor oauth-authz-req+jwt.";
    private const string Used = "The request is refused: its jti was used before: sign a new one for every request.";

    [Test, Spec("R1"), Spec("R2"), Spec("R3")]
    public async Task A_signed_request_is_taken_with_the_parameters_in_it()
    {
        await using var host = SignedCalls.Host();

        var answer = await host.SignedAsync(SignedCalls.Jwt(host).Claim("scope", "\"openid email\"").Claim("binding_message", "\"W4SCT\"").Claim("acr_values", "\"2 1\"").Claim("requested_expiry", "77"));
        var told = await host.Devices.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Body, Is.EqualTo($$"""{"auth_req_id":"{{answer.AuthReqId}}","expires_in":77,"interval":5}"""));
            Assert.That((told.Subject, told.BindingMessage, string.Join(' ', told.Scopes), string.Join(' ', told.AcrValues)), Is.EqualTo(("sub-alice", "W4SCT", "openid email", "2 1")));
        }

        await host.ApproveAsync(answer.AuthReqId);
        Assert.That((await host.PollAsync(answer.AuthReqId)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase("\"oauth-authz-req+jwt\"")]
    [TestCase("\"OAuth-AuthZ-Req+JWT\"")]
    [TestCase("\"application/oauth-authz-req+jwt\"")]
    [TestCase("\"Application/OAuth-authz-req+jwt\"")]
    [TestCase("\"JWT\"")]
    [TestCase("\"application/jwt\"")]
    [TestCase(null)]
    [Spec("R0")]
    public async Task The_type_may_be_that_of_a_request_or_of_any_JWT_in_any_case_or_absent(string? type)
    {
        await using var host = SignedCalls.Host();

        var answer = await host.SignedAsync(SignedCalls.Jwt(host).Header("typ", type));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [TestCase("\"at+jwt\"")]
    [TestCase("\"logout+jwt\"")]
    [TestCase("\"client-authentication+jwt\"")]
    [TestCase("\"dpop+jwt\"")]
    [TestCase("\"text/oauth-authz-req+jwt\"")]
    [TestCase("\"\"")]
    [TestCase("null")]
    [TestCase("1")]
    [TestCase("[\"oauth-authz-req+jwt\"]")]
    [TestCase("\"\\ud800\"")]
    [Spec("R0")]
    public async Task A_JWT_of_another_type_is_refused(string type)
    {
        await using var host = SignedCalls.Host();

        await host.RefusesAsync(SignedCalls.Jwt(host).Header("typ", type), NotType);
    }

    [TestCase("\"none\"")]
    [TestCase("\"HS256\"")]
    [TestCase("\"es256\"")]
    [TestCase("\"ES384\"")]
    [TestCase("\"PS256\"")]
    [TestCase("null")]
    [TestCase("[\"ES256\"]")]
    [Spec("R0"), Spec("R1")]
    public async Task Another_algorithm_than_the_registered_one_is_refused(string algorithm)
    {
        await using var host = SignedCalls.Host();

        await host.RefusesAsync(SignedCalls.Jwt(host).Header("alg", algorithm), OtherAlgorithm);
    }

    [Test, Spec("R1")]
    public async Task A_key_of_the_client_that_fits_another_algorithm_does_not_help()
    {
        var client = SignedCalls.Client();
        client.Jwks = TestKey.Set(SignedCalls.Key.Jwk(), TestKey.For("PS256").Jwk());
        await using var host = new CibaHost { Clients = [client] };

        await host.RefusesAsync(await host.SignedAsync(SignedCalls.Jwt(host).Sign(TestKey.For("PS256"), "PS256")), OtherAlgorithm);
    }

    [Test, Spec("R0"), Spec("R1")]
    public async Task A_bad_signature_is_an_invalid_request()
    {
        await using var host = SignedCalls.Host();
        var right = SignedCalls.Jwt(host).Sign(SignedCalls.Key);
        var others = SignedCalls.Jwt(host).Sign(SignedCalls.Key);
        var at = right.Length - 20;

        await host.RefusesAsync(await host.SignedAsync($"{right[..at]}{(right[at] == 'A' ? 'B' : 'A')}{right[(at + 1)..]}"), NotSigned);
        await host.RefusesAsync(await host.SignedAsync($"{right[..right.LastIndexOf('.')]}{others[others.LastIndexOf('.')..]}"), NotSigned);
    }

    [Test, Spec("R8")]
    public async Task A_request_of_another_client_is_refused_whoever_sends_and_whoever_signs()
    {
        await using var host = SignedCalls.Host();
        var others = TestKey.Ec("stranger");

        // Another key in either client's name, the other client's name over the right key, and the other client with all of it.
        await host.RefusesAsync(await host.SignedAsync(SignedCalls.Jwt(host).Sign(others)), NotSigned);
        await host.RefusesAsync(await host.SignedAsync(SignedCalls.Jwt(host, "other").Sign(others)), NotSigned);
        await host.RefusesAsync(SignedCalls.Jwt(host, "other"), NotIssuer);
        await host.RefusesAsync(await host.SignedAsync(SignedCalls.Jwt(host).Sign(SignedCalls.Key), ("client_id", "other")), NotSigned);
        await host.RefusesAsync(await host.SignedAsync(SignedCalls.Jwt(host, "other").Sign(SignedCalls.Key), ("client_id", "other")), NotSigned);
    }

    [Test, Spec("R4")]
    public async Task A_client_that_is_registered_to_sign_must()
    {
        await using var host = SignedCalls.Host();

        await host.RefusesAsync(await host.AuthorizeAsync(), "The client is registered to sign its authentication requests: send the parameters as claims of a JWT in request.");
        await host.RefusesAsync(await host.AuthorizeAsync(("request", "")), "The client is registered to sign its authentication requests: send the parameters as claims of a JWT in request.");
    }

    [Test, Spec("R1")]
    public async Task A_client_without_an_algorithm_is_told_to_register_one()
    {
        await using var host = SignedCalls.Host();

        var answer = await host.SignedAsync(SignedCalls.Jwt(host, "plain").Sign(SignedCalls.Key), ("client_id", "plain"));

        await host.RefusesAsync(answer, "The client has no backchannel_authentication_request_signing_alg: register one to send request, or send the parameters in the form.");
        Assert.That((await host.AuthorizeAsync(("client_id", "plain"))).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("R5")]
    public async Task A_request_is_used_once_until_it_expires()
    {
        await using var host = SignedCalls.Host();
        var request = SignedCalls.Jwt(host).Sign(SignedCalls.Key);

        var answers = new List<Answer> { await host.SignedAsync(request), await host.SignedAsync(request) };
        host.Time.Advance(TimeSpan.FromSeconds(59));
        answers.Add(await host.SignedAsync(request));
        host.Time.Advance(TimeSpan.FromSeconds(1));
        answers.Add(await host.SignedAsync(request));

        Assert.That(answers.Select(answer => answer.Description), Is.EqualTo(new[] { null, Used, Used, "The request is refused: it has expired." }));
        Assert.That((await host.StoreAsync()).Count, Is.EqualTo(1));
    }

    [Test, Spec("R5")]
    public async Task A_jti_is_the_clients_own_and_that_of_its_assertions_is_another()
    {
        var assertion = ClientCalls.KeyClient("asserting", TestKey.Set(SignedCalls.Key.Jwk()));
        assertion.BackchannelAuthenticationRequestSigningAlg = "ES256";
        await using var host = new CibaHost { Clients = [SignedCalls.Client(), SignedCalls.Client("same"), assertion], Options = options => options.Limits.SwitchOff() };

        TestJwt Request(string client) => SignedCalls.Jwt(host, client).Claim("jti", "\"same\"");
        Answer[] answers =
        [
            await host.SignedAsync(Request("client")),
            await host.SignedAsync(Request("same"), ("client_id", "same")),
            await host.SignedAsync(Request("asserting"), TestJwt.Form(new TestJwt(host, "asserting").Claim("jti", "\"same\"").Sign(SignedCalls.Key))),
        ];

        Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(HttpStatusCode.OK), answers[^1].Body);
    }

    [Test, Spec("R5")]
    public async Task A_request_that_is_refused_by_itself_uses_up_no_jti()
    {
        await using var host = SignedCalls.Host();
        TestJwt Same() => SignedCalls.Jwt(host).Claim("jti", "\"one\"");

        await host.RefusesAsync(await host.SignedAsync(Same().Sign(TestKey.Ec("ec-256"))), NotSigned);
        await host.RefusesAsync(Same().Claim("aud", null), NotAudience);
        await host.RefusesAsync(Same().Claim("user_code", "1"), "The claim user_code of the request is a string without NUL.");

        Assert.That((await host.SignedAsync(Same())).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("R5")]
    public async Task Of_many_that_send_it_at_once_one_is_taken()
    {
        await using var host = SignedCalls.Host();
        await host.StartedAsync();
        var request = SignedCalls.Jwt(host).Sign(SignedCalls.Key);

        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(() => host.SignedAsync(request))));

        Assert.That(answers.Select(answer => answer.Status), Has.Exactly(1).EqualTo(HttpStatusCode.OK).And.Exactly(31).EqualTo(HttpStatusCode.BadRequest));
    }

    [Test, Spec("R0"), Spec("R7")]
    public async Task What_is_no_signed_JWT_is_refused()
    {
        await using var host = SignedCalls.Host();
        var right = SignedCalls.Jwt(host).Sign(SignedCalls.Key);

        foreach (var request in new[] { "junk", "a.b.c", "..", ".", $"{right}.", $"{right}.x", right[..right.LastIndexOf('.')], $"{right}=", $" {right}", $"{right}\n", $"Bearer {right}" })
        {
            await host.RefusesAsync(await host.SignedAsync(request), NotJwt);
        }
    }

    [Test, Spec("R7")]
    public async Task An_encrypted_request_is_refused_by_a_sentence_of_its_own()
    {
        await using var host = SignedCalls.Host();

        foreach (var request in new[] { "a.b.c.d.e", "....", $"{TestJwt.Encode("""{"alg":"RSA-OAEP-256","enc":"A256GCM","cty":"JWT"}""")}.AAAA.AAAA.AAAA.AAAA" })
        {
            await host.RefusesAsync(await host.SignedAsync(request), "The request is encrypted, which is not supported: sign it and leave it unencrypted.");
        }
    }

    [Test, Spec("R7")]
    public async Task A_request_by_reference_is_refused()
    {
        await using var host = SignedCalls.Host();
        var right = SignedCalls.Jwt(host).Sign(SignedCalls.Key);

        await host.RefusesAsync(await host.AuthorizeAsync(("scope", null), ("login_hint", null), ("request_uri", "https://client.example/r")), "request_uri is not supported: send the JWT itself as request.");
        await host.RefusesAsync(await host.SignedAsync(right, ("request_uri", "https://client.example/r")), "request and request_uri exclude each other: send request alone.");
        await host.RefusesAsync(await host.AuthorizeAsync(("client_id", "plain"), ("request_uri", "https://client.example/r")), "request_uri is not supported: send the parameters in the form.");
    }
}
