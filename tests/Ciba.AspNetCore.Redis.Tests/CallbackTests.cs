using System.Net;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>Sections 10.2, 10.3 and 12 at a receiver with real TLS: made on one node, answered on another.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
public sealed class CallbackTests(string kind)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);

    private RedisServer Server => RedisServers.Get(kind);

    [Test, Spec("P1"), Spec("T6")]
    public async Task A_ping_client_is_told_of_either_answer_and_fetches_it_on_the_other_node([Values("approve", "deny")] string verb, [Values] bool protect)
    {
        await using var nodes = await CallbackNodes.StartAsync(Server, protect);
        var authReqId = await CallbackNodes.AskAsync(nodes.A, "ping");

        await nodes.B.AnsweredAsync(authReqId, verb);
        var call = await nodes.NextAsync(nodes.B);
        var poll = await CallbackNodes.PollAsync(nodes.A, authReqId, "ping");
        await nodes.IsDoneAsync();

        using (Assert.EnterMultipleScope())
        {
            IsCall(call, nodes, $$"""{"auth_req_id":"{{authReqId}}"}""");
            Assert.That(poll.Error, Is.EqualTo(verb == "approve" ? null : "access_denied"), poll.Body);
            Assert.That(nodes.Receiver.Calls, Is.EqualTo(1));
        }
    }

    [Test, Spec("P2"), Spec("P3"), Spec("I3")]
    public async Task A_push_client_is_sent_its_tokens([Values] bool protect)
    {
        await using var nodes = await CallbackNodes.StartAsync(Server, protect);
        var authReqId = await CallbackNodes.AskAsync(nodes.A, "push");

        await nodes.B.AnsweredAsync(authReqId, "approve");
        var call = await nodes.NextAsync(nodes.B);
        await nodes.IsDoneAsync();
        await nodes.StatusIsAsync(authReqId, "R");
        var poll = await CallbackNodes.PollAsync(nodes.A, authReqId, "push");

        var (access, idToken) = (call.Json.Text("access_token"), ReceivedToken.Id(call.Json));
        using (Assert.EnterMultipleScope())
        {
            IsCall(call, nodes, $$"""{"auth_req_id":"{{authReqId}}","access_token":"{{access}}","token_type":"Bearer","expires_in":3600,"id_token":"{{call.Json.Text("id_token")}}"}""");
            Assert.That(await idToken.IsSignedByAsync(nodes.B), Is.True);
            Assert.That(idToken.Claims.GetProperty("urn:openid:params:jwt:claim:auth_req_id").GetString(), Is.EqualTo(authReqId));
            Assert.That(idToken.Claims.GetProperty("at_hash").GetString(), Is.EqualTo(ReceivedToken.HalfHash(idToken.Algorithm, access!)));
            Assert.That(idToken.Claims.GetProperty("sub").GetString(), Is.EqualTo("sub-alice"));
            Assert.That(idToken.Claims.GetProperty("aud").GetString(), Is.EqualTo("push"));
            Assert.That(poll.Error, Is.EqualTo("unauthorized_client"));
            Assert.That(nodes.Receiver.Calls, Is.EqualTo(1));
        }
    }

    [Test, Spec("P4")]
    public async Task A_push_client_is_told_of_a_no([Values] bool protect)
    {
        await using var nodes = await CallbackNodes.StartAsync(Server, protect);
        var authReqId = await CallbackNodes.AskAsync(nodes.A, "push");

        await nodes.B.AnsweredAsync(authReqId, "deny");
        var call = await nodes.NextAsync(nodes.B);
        await nodes.IsDoneAsync();

        IsCall(call, nodes, $$"""{"auth_req_id":"{{authReqId}}","error":"access_denied","error_description":"The authentication request was denied."}""");
        Assert.That(nodes.Receiver.Calls, Is.EqualTo(1));
    }

    [Test, Spec("P4")]
    public async Task A_push_client_is_told_once_that_nobody_answered([Values] bool protect)
    {
        await using var nodes = await CallbackNodes.StartAsync(Server, protect);
        var authReqId = await CallbackNodes.AskAsync(nodes.A, "push");
        await nodes.ToldAsync(nodes.A, authReqId);

        await nodes.PassAsync(Lifetime);
        var call = await nodes.NextAsync(nodes.A);
        await nodes.IsDoneAsync();

        IsCall(call, nodes, $$"""{"auth_req_id":"{{authReqId}}","error":"expired_token","error_description":"The auth_req_id has expired: make a new authentication request."}""");
        Assert.That(nodes.Receiver.Calls, Is.EqualTo(1));
    }

    [TestCase(true), TestCase(false), Spec("P1")]
    public async Task A_ping_client_is_told_that_nobody_answered_where_the_host_wants_it(bool wanted)
    {
        await using var nodes = await CallbackNodes.StartAsync(Server, options: options => options.Callbacks.PingOnExpiry = wanted);
        var authReqId = await CallbackNodes.AskAsync(nodes.A, "ping");
        await nodes.ToldAsync(nodes.A, authReqId);

        await nodes.PassAsync(Lifetime);
        if (wanted)
        {
            IsCall(await nodes.NextAsync(nodes.A), nodes, $$"""{"auth_req_id":"{{authReqId}}"}""");
        }

        await nodes.IsDoneAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(nodes.Receiver.Calls, Is.EqualTo(wanted ? 1 : 0));
            Assert.That((await CallbackNodes.PollAsync(nodes.B, authReqId, "ping")).Error, Is.EqualTo("expired_token"));
        }
    }

    [Test, Spec("P1"), Spec("P9")]
    public async Task Of_two_nodes_that_look_at_the_same_time_one_delivers_each_of_a_hundred_decisions()
    {
        const int Decisions = 100;
        await using var nodes = await CallbackNodes.StartAsync(Server);
        var ids = new List<string>();
        for (var i = 0; i < Decisions; i++)
        {
            ids.Add(await CallbackNodes.AskAsync(i % 2 == 0 ? nodes.A : nodes.B, "ping"));
        }

        // Straight into the store, as a node does that dies at once: nobody begins before both look.
        foreach (var id in ids)
        {
            await nodes.A.DecidedAsync(id, CibaRequestStatus.Approved);
        }

        Assert.That(nodes.Receiver.Calls, Is.Zero);
        await nodes.PassAsync();
        var calls = await nodes.NextAsync(nodes.A, Decisions);
        await nodes.IsDoneAsync();
        await nodes.PassAsync(TimeSpan.FromMinutes(1));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(calls.Select(call => call.Json.AuthReqId), Is.EquivalentTo(ids));
            Assert.That(nodes.Receiver.Calls, Is.EqualTo(Decisions));
        }
    }

    [Test, Spec("P5"), Spec("P6"), Spec("P8")]
    public async Task A_receiver_whose_certificate_is_not_trusted_gets_nothing_and_the_client_can_still_poll()
    {
        await using var stranger = await HttpsReceiver.StartAsync();
        var events = new FakeEvents();
        await using var host = RedisHosts.On(Server.Endpoint, RedisNode.NewPrefix(), options: CallbackNodes.Open, add: builder =>
        {
            builder.Services.AddSingleton<IDataProtectionProvider>(new KeyRing());
            events.Use(builder);
        });
        host.Clients.Add(CallbackNodes.Client("ping", stranger.Url));
        var authReqId = await CallbackNodes.AskAsync(host, "ping", ("requested_expiry", "3"));
        await host.AnsweredAsync(authReqId, "approve");

        // Tried again after one second; two more would be too late.
        await RedisHosts.UntilAsync(() => Task.FromResult(host.Log.Ours.Any(line => line.Text.Contains("the next try is in 00:00:01"))));
        await host.WaitedAsync(1);
        var heard = await events.NextAsync(3);
        var poll = await CallbackNodes.PollAsync(host, authReqId, "ping");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(stranger.Connections, Is.EqualTo(2));
            Assert.That(stranger.Calls, Is.Zero);
            Assert.That(heard[^1].Kind, Is.EqualTo(CibaEventKind.Undelivered));
            Assert.That(heard[^1].Reason, Does.Contain("certificate"));
            Assert.That(poll.Status, Is.EqualTo(HttpStatusCode.OK), poll.Body);
        }
    }

    [Test, Spec("P8")]
    public async Task Where_no_network_is_opened_no_connection_is_made()
    {
        await using var receiver = await HttpsReceiver.StartAsync();

        // Not in the configuration, whose clients are looked at when the host starts.
        var clients = new OneClient(CallbackNodes.Client("ping", receiver.Url));
        await using var host = RedisHosts.On(Server.Endpoint, RedisNode.NewPrefix(), add: builder =>
        {
            builder.Services.AddSingleton<IDataProtectionProvider>(new KeyRing());
            receiver.BeTrustedBy(builder.Services);
            builder.Services.Replace(ServiceDescriptor.Singleton<ICibaClientStore>(clients));
        });
        var authReqId = await CallbackNodes.AskAsync(host, "ping");
        await host.AnsweredAsync(authReqId, "approve");
        await RedisHosts.UntilAsync(() => Task.FromResult(host.Log.Ours.Any(line => line.Text.Contains("the next try is in"))), host);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(receiver.Connections, Is.Zero);
            Assert.That(host.Log.Ours.Select(line => line.Text), Has.Some.Contains("no address that is open to outgoing calls"));
        }
    }

    [Test, Spec("A17")]
    public async Task Without_Data_Protection_no_secret_of_a_callback_is_stored()
    {
        var prefix = RedisNode.NewPrefix();
        var clients = new OneClient(CallbackNodes.Client("ping", "https://127.0.0.1:9/cb"));
        await using var host = RedisHosts.On(Server.Endpoint, prefix, add: builder => builder.Services.Replace(ServiceDescriptor.Singleton<ICibaClientStore>(clients)));

        var answer = await RedisHosts.ServedAsync(() => host.AuthorizeAsync(("client_id", "ping"), ("client_notification_token", CallbackNodes.NotificationToken)));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Error, Is.EqualTo("server_error"));
            Assert.That(host.Log.Ours.Select(line => line.Text), Has.Some.Contains("Ping, push and CollapseIdenticalRequests on Redis need services.AddDataProtection() with keys that all nodes share"));
            Assert.That(await Server.AskAsync("KEYS", $"{{{prefix}:*"), Is.Empty);
        }
    }

    [TestCase(false, "ping mode on Redis needs services.AddDataProtection() with keys that all nodes share.")]
    [TestCase(true, "ping mode on Redis needs Data Protection keys that all nodes share: those of UseEphemeralDataProtectionProvider are this process's own.")]
    public async Task A_configured_ping_client_needs_Data_Protection_when_the_host_starts(bool ephemeral, string problem)
    {
        await using var host = RedisHosts.On(Server.Endpoint, RedisNode.NewPrefix(), options: CallbackNodes.Open, add: builder =>
        {
            if (ephemeral)
            {
                builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
            }
        });
        host.Clients.Add(CallbackNodes.Client("ping", "https://127.0.0.1:9/cb"));

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { $"Client 'ping': {problem}" }));
    }

    private static void IsCall(HttpsCall call, CallbackNodes nodes, string body)
    {
        var expected = new Dictionary<string, string>
        {
            ["Host"] = new Uri(nodes.Receiver.Url).Authority,
            ["Authorization"] = $"Bearer {CallbackNodes.NotificationToken}",
            ["Content-Type"] = "application/json",
            ["Content-Length"] = $"{body.Length}",
        };
        using (Assert.EnterMultipleScope())
        {
            Assert.That(call.Line, Is.EqualTo("POST /cb HTTP/1.1"));
            Assert.That(call.Headers, Is.EquivalentTo(expected));
            Assert.That(call.Body, Is.EqualTo(body));
        }
    }

    private sealed class OneClient(CibaClient client) : ICibaClientStore
    {
        public ValueTask<CibaClient?> FindAsync(string clientId, CancellationToken cancellationToken) => new(clientId == client.ClientId ? client : null);
    }
}
