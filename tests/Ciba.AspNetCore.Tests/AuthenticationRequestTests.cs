using Microsoft.Extensions.DependencyInjection;
using Moq;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 7.1: what a client asks for, and how it is refused (section 13).</summary>
public sealed class AuthenticationRequestTests
{
    [TestCase("openid"), TestCase("openid profile"), TestCase("profile openid"), TestCase("email openid profile"), TestCase("openid openid"), Spec("A7")]
    public async Task Openid_may_stand_anywhere_in_the_scope(string scope)
    {
        await using var host = new CibaHost();

        await host.AuthorizeAsync(("scope", scope));

        Assert.That((await host.Devices.NextAsync()).Scopes, Is.EqualTo(scope.Split(' ').Distinct()));
    }

    [TestCase(null, "invalid_request", "scope is required: send scope=openid, with other values behind it if need be.")]
    [TestCase("", "invalid_request", "scope is required: send scope=openid, with other values behind it if need be.")]
    [TestCase(" ", "invalid_scope", "scope must contain openid: send for instance scope=openid.")]
    [TestCase("profile", "invalid_scope", "scope must contain openid: send for instance scope=openid.")]
    [TestCase("OpenID", "invalid_scope", "scope must contain openid: send for instance scope=openid.")]
    [TestCase("openidprofile", "invalid_scope", "scope must contain openid: send for instance scope=openid.")]
    [TestCase("openid,profile", "invalid_scope", "scope must contain openid: send for instance scope=openid.")]
    [TestCase("openid admin", "invalid_scope", "The client may not ask for one of these scope values: leave it out, or have it added to the client's registration.")]
    [TestCase("openid Profile", "invalid_scope", "The client may not ask for one of these scope values: leave it out, or have it added to the client's registration.")]
    [TestCase("openid\tprofile", "invalid_scope", "scope is a list of values in printable ASCII, separated by single spaces.")]
    [TestCase("openid\nprofile", "invalid_scope", "scope is a list of values in printable ASCII, separated by single spaces.")]
    [TestCase("openid pro\"file", "invalid_scope", "scope is a list of values in printable ASCII, separated by single spaces.")]
    [TestCase("openid \u043e\u0440enid", "invalid_scope", "scope is a list of values in printable ASCII, separated by single spaces.")]
    [Spec("A7")]
    public async Task A_scope_without_openid_or_with_a_value_that_the_client_may_not_have_is_refused(string? scope, string error, string description)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("scope", scope));

        await Refusal.LeavesNothingAsync(host, answer, error);
        Assert.That(answer.Description, Is.EqualTo(description));
    }

    [Test, Spec("A5")]
    public async Task A_client_without_the_grant_is_unauthorized()
    {
        var client = CibaHost.Client("code-only");
        client.GrantTypes = ["authorization_code"];
        client.BackchannelTokenDeliveryMode = null;
        await using var host = new CibaHost { Clients = [client] };

        var answer = await host.AuthorizeAsync();

        await Refusal.LeavesNothingAsync(host, answer, "unauthorized_client");
    }

    [Test, Spec("A5")]
    public async Task A_public_client_never_passes_whatever_the_hosts_store_says()
    {
        var client = CibaHost.Client("public", "none");
        await using var host = new CibaHost { Clients = [], Setup = ciba => Store(ciba, client) };

        var answers = new[]
        {
            await host.PostAsync("/bc-authorize", [("client_id", "public"), ("client_secret", CibaHost.Secret), ("scope", "openid"), ("login_hint", "alice")]),
            await host.PostAsync("/bc-authorize", [("client_id", "public"), ("scope", "openid"), ("login_hint", "alice")]),
        };

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Select(answer => answer.Error), Is.All.EqualTo("invalid_client"));
            Assert.That((await host.StoreAsync()).Count, Is.Zero);
        }
    }

    [TestCase("1", 1), TestCase("90", 90), TestCase("0090", 90), TestCase("600", 600), TestCase("601", 600), TestCase("2147483648", 600), TestCase("99999999999999999999999999", 600), Spec("A11")]
    public async Task A_requested_expiry_is_granted_up_to_the_hosts_maximum(string asked, int seconds)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("requested_expiry", asked));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Json.GetProperty("expires_in").GetInt32(), Is.EqualTo(seconds));
            Assert.That((await host.Devices.NextAsync()).ExpiresAt, Is.EqualTo(host.Time.GetUtcNow().AddSeconds(seconds)));
        }
    }

    [TestCase("1", 10), TestCase("9", 10), TestCase("10", 10), TestCase("11", 11), TestCase(null, 120), Spec("A11"), Spec("U5")]
    public async Task A_requested_expiry_that_is_too_short_to_answer_is_raised_to_the_hosts_minimum(string? asked, int seconds)
    {
        await using var host = new CibaHost { Options = options => options.MinRequestLifetime = new CibaOptions().MinRequestLifetime };

        var answer = await host.AuthorizeAsync(("requested_expiry", asked));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Body, Is.EqualTo($$"""{"auth_req_id":"{{answer.AuthReqId}}","expires_in":{{seconds}},"interval":5}"""));
            Assert.That((await host.Devices.NextAsync()).ExpiresAt, Is.EqualTo(host.Time.GetUtcNow().AddSeconds(seconds)));
        }
    }

    [TestCase("0"), TestCase("000"), TestCase("-1"), TestCase("+1"), TestCase("1.5"), TestCase("1e3"), TestCase("0x10"), TestCase(" 60"), TestCase("60 "), TestCase("60s"), TestCase("1,000"), TestCase("NaN"), TestCase("\u0661\u0662"), TestCase("null"), Spec("A11")]
    public async Task A_requested_expiry_that_is_no_positive_whole_number_is_refused(string asked)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("requested_expiry", asked));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo("requested_expiry is a positive whole number of seconds."));
    }

    [Test, Spec("A12")]
    public async Task The_acr_values_reach_device_and_token_issuer_in_their_order()
    {
        var issuer = new Mock<ICibaTokenIssuer>();
        issuer.Setup(mock => mock.IssueAsync(It.IsAny<CibaTokenRequest>(), It.IsAny<CancellationToken>()))
            .ReturnsAsync(new CibaTokens { AccessToken = "a", IdToken = "i", ExpiresIn = TimeSpan.FromMinutes(1) });
        await using var host = new CibaHost { Setup = ciba => ciba.Services.AddSingleton(issuer.Object) };
        string[] expected = ["urn:z", "urn:a", "2"];

        await host.TokensAsync(null, ("acr_values", "urn:z  urn:a 2 urn:z"));

        Assert.That((await host.Devices.NextAsync()).AcrValues, Is.EqualTo(expected));
        issuer.Verify(mock => mock.IssueAsync(It.Is<CibaTokenRequest>(request => request.AcrValues.SequenceEqual(expected)), It.IsAny<CancellationToken>()), Times.Once);
    }

    [TestCase("urn:a\u202Eknab"), TestCase("urn:\u00E9"), TestCase("a\u200Bb"), TestCase("a\tb"), TestCase("a\nb"), TestCase("a \u2066b\u2069"), TestCase("a\u00A0b"), TestCase("a\"b"), TestCase("a\\b"), TestCase("a \u007F"), Spec("A12"), Spec("A20")]
    public async Task The_acr_values_are_printable_ascii(string acrValues)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("acr_values", acrValues));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo("acr_values is a list of values in printable ASCII without quotation marks and backslashes, separated by spaces."));
    }

    [TestCase("request", "a.b.c", "The client has no backchannel_authentication_request_signing_alg: register one to send request, or send the parameters in the form.")]
    [TestCase("request", "junk", "The client has no backchannel_authentication_request_signing_alg: register one to send request, or send the parameters in the form.")]
    [TestCase("request_uri", "https://client.example/request", "request_uri is not supported: send the parameters in the form.")]
    [Spec("R7")]
    public async Task Signed_requests_and_those_by_reference_are_refused_with_what_to_do_instead(string name, string value, string description)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync((name, value));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo(description));
    }

    [TestCase("scope", 1025), TestCase("login_hint", 1025), TestCase("acr_values", 1025), TestCase("user_code", 257), TestCase("login_hint_token", 16385), TestCase("id_token_hint", 16385), Spec("A1"), Spec("A20")]
    public async Task A_parameter_that_is_too_long_is_refused_before_anybody_looks_at_it(string name, int length)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("login_hint", null), (name, new string('x', length)));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Description, Is.EqualTo($"{name} is too long."));
            Assert.That(host.Users.Hints, Is.Empty);
        }
    }

    [Test, Spec("A20")]
    public async Task A_validator_of_the_host_may_refuse_and_then_nothing_is_kept()
    {
        var validator = new Mock<ICibaRequestValidator>();
        validator.Setup(mock => mock.ValidateAsync(It.IsAny<CibaRequest>(), It.IsAny<CibaClient>(), It.IsAny<CancellationToken>()))
            .ReturnsAsync(CibaError.InvalidBindingMessage.With("Four digits are expected."));
        await using var host = new CibaHost { Setup = ciba => ciba.Services.AddSingleton(validator.Object) };

        var answer = await host.AuthorizeAsync(("binding_message", "abc"), ("scope", "openid email"), ("acr_values", "2"));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_binding_message");
        Assert.That(answer.Description, Is.EqualTo("Four digits are expected."));
        validator.Verify(mock => mock.ValidateAsync(
            It.Is<CibaRequest>(request => request.Subject == "sub-alice" && request.ClientId == "client" && request.BindingMessage == "abc"
                && request.Scopes.SequenceEqual(new[] { "openid", "email" }) && request.AcrValues.Single() == "2"),
            It.Is<CibaClient>(client => client.ClientId == "client"),
            It.IsAny<CancellationToken>()), Times.Once);
    }

    [Test, Spec("A16")]
    public async Task All_validators_must_agree_and_the_first_refusal_counts()
    {
        await using var host = new CibaHost
        {
            Setup = ciba => ciba
                .AddRequestValidator<Agrees>()
                .AddRequestValidator<Refuses>()
                .AddRequestValidator<Throws>(),
        };

        var answer = await host.AuthorizeAsync();

        await Refusal.LeavesNothingAsync(host, answer, "access_denied", 403);
        Assert.That(answer.Body, Is.EqualTo("""{"error":"access_denied","error_description":"Not on Sundays, says ?the ?boss?."}"""));
    }

    [Test, Spec("A20")]
    public async Task A_validator_is_not_asked_about_a_request_that_the_specification_refuses()
    {
        var validator = new Mock<ICibaRequestValidator>(MockBehavior.Strict);
        await using var host = new CibaHost { Setup = ciba => ciba.Services.AddSingleton(validator.Object) };

        await host.AuthorizeAsync(("scope", "profile"));
        await host.AuthorizeAsync(("login_hint", "nobody"));

        validator.VerifyNoOtherCalls();
    }

    private static void Store(CibaBuilder ciba, CibaClient client)
    {
        var clients = new Mock<ICibaClientStore>();
        clients.Setup(mock => mock.FindAsync(client.ClientId, It.IsAny<CancellationToken>())).ReturnsAsync(client);
        ciba.Services.AddSingleton(clients.Object);
    }

    private sealed class Agrees : ICibaRequestValidator
    {
        public ValueTask<CibaError?> ValidateAsync(CibaRequest request, CibaClient client, CancellationToken cancellationToken) => default;
    }

    private sealed class Refuses : ICibaRequestValidator
    {
        public ValueTask<CibaError?> ValidateAsync(CibaRequest request, CibaClient client, CancellationToken cancellationToken) =>
            new(CibaError.AccessDenied.With("Not on Sundays, says \"the \\boss\u00df."));
    }

    private sealed class Throws : ICibaRequestValidator
    {
        public ValueTask<CibaError?> ValidateAsync(CibaRequest request, CibaClient client, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
