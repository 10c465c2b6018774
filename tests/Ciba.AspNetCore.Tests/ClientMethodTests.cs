using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using static Ciba.AspNetCore.CibaClientAuthenticationMethods;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 7.1: a client authenticates by its registered method and no other, whoever keeps the registration.</summary>
public sealed class ClientMethodTests
{
    private static readonly string[] Methods = [ClientSecretBasic, ClientSecretPost, ClientSecretJwt, PrivateKeyJwt];

    private static IEnumerable<TestCaseData> WrongMethods =>
        from registered in Methods
        from used in Methods
        where registered != used
        // Both are an assertion: what tells them apart is the algorithm, of which ClientAssertionTests has the sentence.
        where !(registered is ClientSecretJwt or PrivateKeyJwt && used is ClientSecretJwt or PrivateKeyJwt)
        select new TestCaseData(registered, used);

    private static IEnumerable<TestCaseData> BadRegistrations
    {
        get
        {
            yield return Bad("BackchannelClientNotificationEndpoint", client => client.BackchannelTokenDeliveryMode = "push");
            yield return Bad("BackchannelClientNotificationEndpoint", client => client.BackchannelTokenDeliveryMode = "ping");
            yield return Bad("BackchannelTokenDeliveryMode", client => client.BackchannelTokenDeliveryMode = null);
            yield return Bad("TokenEndpointAuthMethod", client => client.TokenEndpointAuthMethod = "tls_client_auth");
            yield return Bad("TokenEndpointAuthMethod", client => client.TokenEndpointAuthMethod = "self_signed_tls_client_auth");
            yield return Bad("TokenEndpointAuthMethod", client => client.TokenEndpointAuthMethod = "none");
            yield return Bad("TokenEndpointAuthMethod", client => client.TokenEndpointAuthMethod = "");
            yield return Bad("BackchannelAuthenticationRequestSigningAlg", client => client.BackchannelAuthenticationRequestSigningAlg = "ES256");
            yield return Bad("IdTokenSignedResponseAlg", client => client.IdTokenSignedResponseAlg = "ES512");
            yield return Bad("SubjectType", client => (client.SubjectType, client.JwksUri) = ("pairwise", "https://rp.example/jwks"));
            yield return Bad("SubjectType", client => (client.SubjectType, client.BackchannelTokenDeliveryMode, client.BackchannelClientNotificationEndpoint) = ("pairwise", "push", "https://rp.example/cb"));
            yield return Bad("ClientSecrets", client => client.ClientSecrets = [CibaHost.Secret, "sha256:abc"]);
            yield return Bad("ClientSecrets", client => client.ClientSecrets = []);
            yield return Bad("ClientSecrets", client => client.ClientSecrets = [CibaHost.Secret, ""]);

            static TestCaseData Bad(string name, Action<CibaClient> change) => new(name, change);
        }
    }

    private const string BadRegistration = """{"error":"unauthorized_client","error_description":"This client's registration does not allow CIBA: the provider's log says why."}""";

    [TestCaseSource(nameof(WrongMethods))]
    [Spec("A2"), Spec("T9")]
    public async Task A_wrong_method_is_refused_as_an_unknown_client_is(string registered, string used)
    {
        await using var host = new CibaHost { Clients = [Client(registered)] };
        foreach (var endpoint in new[] { ClientCalls.Authorize, ClientCalls.Token })
        {
            var answer = await host.CallAsync(endpoint, used == ClientSecretBasic ? [ClientCalls.Basic($"client:{CibaHost.Secret}")] : [], Fields(host, used));

            Refusal.IsUnproven(host, answer, $"The client is registered with {registered} and used {(used is ClientSecretJwt or PrivateKeyJwt ? "client_assertion" : used)}.");
            Assert.That((await host.StoreAsync()).Count, Is.Zero);
        }
    }

    [TestCaseSource(nameof(Methods))]
    [Spec("A2"), Spec("A3"), Spec("T9")]
    public async Task The_registered_method_is_accepted(string method)
    {
        await using var host = new CibaHost { Clients = [Client(method)] };

        foreach (var endpoint in new[] { ClientCalls.Authorize, ClientCalls.Token })
        {
            var answer = await host.CallAsync(endpoint, method == ClientSecretBasic ? [ClientCalls.Basic($"client:{CibaHost.Secret}")] : [], Fields(host, method));

            Assert.That(answer.IsAuthenticated(), answer.Body);
        }
    }

    [TestCaseSource(nameof(BadRegistrations))]
    [Spec("A2"), Spec("A5"), Spec("D7")]
    public async Task A_client_that_the_hosts_own_store_registers_wrongly_is_refused(string field, Action<CibaClient> change)
    {
        var client = CibaHost.Client("client");
        change(client);
        await using var host = WithStore(new Registrations(id => id == "client" ? client : null));

        var answers = new[] { await AuthorizeAsync(host), await host.CallAsync(ClientCalls.Token, [], ("client_id", "client"), ("client_secret", CibaHost.Secret)) };

        // Without a method or a secret it cannot be told from a stranger.
        var body = client.TokenEndpointAuthMethod == ClientSecretPost && client.ClientSecrets.Count > 0 ? BadRegistration : Refusal.Unproven;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(body == Refusal.Unproven ? HttpStatusCode.Unauthorized : HttpStatusCode.BadRequest));
            Assert.That(answers.Select(answer => answer.Body), Is.All.EqualTo(body));
            Assert.That((await host.StoreAsync()).Count, Is.Zero);
            Assert.That(host.Log.Ours.Where(line => line.Level == LogLevel.Error).Select(line => line.Text), Has.One.Contains($"Client 'client': {field}"));
        }
    }

    [TestCaseSource(nameof(BadRegistrations))]
    [Spec("A2"), Spec("A5")]
    public async Task Strangers_learn_nothing_of_a_wrong_registration_and_fill_no_log(string field, Action<CibaClient> change)
    {
        await using var host = WithStore(new Registrations(id => id == "client" ? Changed() : null));
        var unknown = new[] { await AuthorizeAsync(host, "nobody"), await host.CallAsync(ClientCalls.Token, [ClientCalls.Basic("nobody:guess")]) };

        var answers = new List<Answer>();
        for (var i = 0; i < 3; i++)
        {
            answers.Add(await host.CallAsync(ClientCalls.Authorize, [], ("client_id", "client"), ("client_secret", "guess")));
            answers.Add(await host.CallAsync(ClientCalls.Token, [ClientCalls.Basic("client:guess")]));
            answers.Add(await host.CallAsync(ClientCalls.Token, [], TestJwt.Form(new TestJwt(host).Mac("guess"))));
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Concat(unknown).Select(answer => answer.Status), Is.All.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(answers.Concat(unknown).Select(answer => answer.Body), Is.All.EqualTo(Refusal.Unproven));
            Assert.That(host.Log.Ours.Where(line => line.Level == LogLevel.Error).Select(line => line.Text), Has.Exactly(1).Contains($"Client 'client': {field}"));
        }

        // As from a database: another object for every request.
        CibaClient Changed()
        {
            var client = CibaHost.Client("client");
            change(client);
            return client;
        }
    }

    [Test, Spec("A2"), Spec("A4")]
    public async Task A_store_that_ignores_letter_case_does_not_let_a_client_go_by_another_name()
    {
        var client = CibaHost.Client("client");
        await using var host = WithStore(new Registrations(_ => client));

        var answers = new[] { await AuthorizeAsync(host, "CLIENT"), await AuthorizeAsync(host, "client "), await AuthorizeAsync(host) };

        Assert.That(answers.Select(answer => answer.Status), Is.EqualTo(new[] { HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.OK }));
    }

    [Test, Spec("A2"), Spec("A20")]
    public async Task The_store_is_never_asked_for_an_endless_client_id()
    {
        var store = new Registrations(_ => null);
        await using var host = WithStore(store);
        var id = new string('a', 257);

        var answers = new[]
        {
            await AuthorizeAsync(host, id),
            await host.CallAsync(ClientCalls.Authorize, [ClientCalls.Basic($"{id}:{CibaHost.Secret}")]),
            await host.CallAsync(ClientCalls.Authorize, [], TestJwt.Form(new TestJwt(host, id).Mac(CibaHost.Secret))),
        };
        await AuthorizeAsync(host, id[..256]);

        Assert.That(answers.Select(answer => answer.Error), Is.All.EqualTo("invalid_client"));
        Assert.That(store.Asked, Is.EqualTo(new[] { id[..256] }));
    }

    [Test, Spec("T14")]
    public async Task Polls_with_wrong_credentials_leave_a_waiting_request_as_it_was()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var refused = new[] { await host.PollAsync(id, ("client_secret", "wrong")), await host.PollAsync(id, ("client_secret", null)), await host.PollAsync(id, ("client_id", "nobody")) };
        var first = await host.PollAsync(id);
        host.Time.Advance(TimeSpan.FromSeconds(5));
        var stillWrong = await host.PollAsync(id, ("client_secret", "wrong"));
        var second = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused.Append(stillWrong).Select(answer => answer.Status), Is.All.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(new[] { first.Error, second.Error }, Is.All.EqualTo("authorization_pending"));
        }
    }

    [Test, Spec("T14")]
    public async Task A_poll_with_wrong_credentials_leaves_the_users_yes_for_the_client()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);

        var wrong = await host.PollAsync(id, ("client_secret", "wrong"));
        var right = await host.PollAsync(id);

        Assert.That(new[] { wrong.Status, right.Status }, Is.EqualTo(new[] { HttpStatusCode.Unauthorized, HttpStatusCode.OK }));
    }

    [Test, Spec("A2")]
    public async Task No_secret_and_no_assertion_is_ever_logged()
    {
        await using var host = new CibaHost { Clients = [CibaHost.Client("client"), ClientCalls.KeyClient("key", TestKey.Set(TestKey.For("ES256").Jwk()))] };
        var assertion = new TestJwt(host, "key").Sign(TestKey.For("ES256"));

        await AuthorizeAsync(host);
        await host.AuthorizeAsync(("client_secret", "a-wrong-secret"));
        await host.CallAsync(ClientCalls.Authorize, [ClientCalls.Basic("a-name:a-wrong-secret")]);
        await host.AuthorizeAsync(TestJwt.Form(assertion));
        await host.AuthorizeAsync(TestJwt.Form(assertion));

        var text = string.Join('\n', host.Log.Ours.Select(line => line.Text));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(text, Does.Contain("accepted").And.Contain("refused"));
            Assert.That(new[] { CibaHost.Secret, "a-wrong-secret", "a-name", assertion.Split('.')[1], assertion.Split('.')[2] }.Where(text.Contains), Is.Empty);
        }
    }

    private static CibaHost WithStore(ICibaClientStore store) => new() { Clients = [], Setup = ciba => ciba.Services.AddSingleton(store) };

    private static Task<Answer> AuthorizeAsync(CibaHost host, string id = "client") =>
        host.CallAsync(ClientCalls.Authorize, [], ("client_id", id), ("client_secret", CibaHost.Secret));

    private static CibaClient Client(string method) => method == PrivateKeyJwt
        ? ClientCalls.KeyClient("client", TestKey.Set(TestKey.For("ES256").Jwk()))
        : CibaHost.Client("client", method);

    private static (string Name, string? Value)[] Fields(CibaHost host, string method) => method switch
    {
        ClientSecretBasic => [],
        ClientSecretPost => [("client_id", "client"), ("client_secret", CibaHost.Secret)],
        ClientSecretJwt => TestJwt.Form(new TestJwt(host).Mac(CibaHost.Secret)),
        _ => TestJwt.Form(new TestJwt(host).Sign(TestKey.For("ES256"))),
    };

    private sealed class Registrations(Func<string, CibaClient?> find) : ICibaClientStore
    {
        public ConcurrentQueue<string> Asked { get; } = new();

        public ValueTask<CibaClient?> FindAsync(string clientId, CancellationToken cancellationToken)
        {
            Asked.Enqueue(clientId);
            return new(find(clientId));
        }
    }
}
