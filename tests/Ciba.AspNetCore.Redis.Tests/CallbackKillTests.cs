using System.Collections.Concurrent;
using System.Net;
using Ciba.AspNetCore.Redis.Store;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>Two processes behind one Redis, of which one is killed while the client's endpoint keeps it waiting.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
[NonParallelizable]
public sealed class CallbackKillTests(string kind)
{
    private const int Decisions = 20;
    private const string AliceSubject = "1";

    // Held for three times the time-out and the lease: thirteen seconds.
    private static readonly string[] Settings =
    [
        "--Ciba:OutboxLease=00:00:01", "--Ciba:Callbacks:Timeout=00:00:04", "--Ciba:Callbacks:ConnectTimeout=00:00:04", "--Ciba:DeviceNotificationTimeout=00:00:02",
        "--Ciba:Callbacks:AllowedNetworks:0=127.0.0.0/8",
    ];

    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ciba-callbacks-");
    private HttpsReceiver _receiver = null!;
    private QuickstartProcess[] _nodes = [];

    private RedisServer Server => RedisServers.Get(kind);

    [SetUp]
    public async Task StartAsync()
    {
        _receiver = await HttpsReceiver.StartAsync();
        var certificate = Path.Combine(_folder.FullName, "receiver.pem");
        await File.WriteAllTextAsync(certificate, _receiver.Certificate.ExportCertificatePem());
        _nodes = await Task.WhenAll(new[] { "a", "b" }.Select(name => QuickstartProcess.StartAsync(
            Server.Endpoint, _prefix, [.. Settings, $"--Quickstart:TrustedCallbackCertificate={certificate}", .. Client(0, "ping", name), .. Client(1, "push", name)])));
    }

    [TearDown]
    public async Task EndAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        await _receiver.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Test, Spec("P9"), Spec("P2"), Spec("P4")]
    public async Task What_was_decided_on_a_node_that_is_killed_in_the_middle_of_a_callback_is_delivered_by_the_other()
    {
        var (a, b) = (_nodes[0], _nodes[1]);
        var gate = new Gate();
        _receiver.OnCall = async (_, gone) =>
        {
            await gate.PassAsync(gone);
            return HttpStatusCode.ServiceUnavailable;
        };
        var asked = new Dictionary<string, (string Mode, string Verb)>();
        for (var i = 0; i < Decisions; i++)
        {
            var mode = i % 2 == 0 ? "ping" : "push";
            asked[(await AuthorizeAsync(a, mode)).AuthReqId] = (mode, i % 4 < 2 ? "approve" : "deny");
        }

        await Task.WhenAll(asked.Select(one => AnswerAsync(a, one.Key, one.Value.Verb)));
        await gate.ReachedAsync();
        await a.KillAsync();
        var answered = new ConcurrentQueue<HttpsCall>();
        _receiver.OnCall = (call, _) =>
        {
            // What the dead one sent may still be on its way.
            if (call.Line.Contains("/b ", StringComparison.Ordinal))
            {
                answered.Enqueue(call);
            }

            return Task.FromResult(HttpStatusCode.NoContent);
        };

        await RedisHosts.UntilAsync(() => Task.FromResult(!answered.IsEmpty));
        await RedisHosts.UntilAsync(() => Task.FromResult(answered.Count >= Decisions));
        await RedisHosts.UntilAsync(async () => await Server.AskAsync("ZCARD", new RedisKeys(_prefix).Outbox(CibaRequestId.Shard(AliceSubject))!) == "0");

        Assert.That(answered.Select(call => call.Json.AuthReqId), Is.EquivalentTo(asked.Keys));
        var keys = (await b.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/jwks"))).Json.GetProperty("keys");
        foreach (var call in answered)
        {
            var (mode, verb) = asked[call.Json.AuthReqId];
            var poll = await RedisHosts.ServedAsync(() => b.PostAsync("/token", Basic(mode), ("grant_type", CibaHost.GrantType), ("auth_req_id", call.Json.AuthReqId)));
            using (Assert.EnterMultipleScope())
            {
                Assert.That(call.Headers["Authorization"], Is.EqualTo($"Bearer {CallbackNodes.NotificationToken}"));
                Assert.That(call.Json.Error, Is.EqualTo(mode == "push" && verb == "deny" ? "access_denied" : null));
                Assert.That(poll.Error, Is.EqualTo(mode == "push" ? "unauthorized_client" : verb == "deny" ? "access_denied" : null), poll.Body);
                if (mode == "push" && verb == "approve")
                {
                    var token = ReceivedToken.Id(call.Json);
                    Assert.That(token.IsSignedBy(keys.EnumerateArray().Single(key => key.GetProperty("kid").GetString() == token.KeyId && key.GetProperty("alg").GetString() == token.Algorithm)), Is.True);
                }
            }
        }
    }

    // It may have been taken the first time.
    private static async Task AnswerAsync(QuickstartProcess node, string authReqId, string verb) => Assert.That(
        (await RedisHosts.ServedAsync(() => node.AnswerAsync(authReqId, "alice", verb))).Status,
        Is.EqualTo(HttpStatusCode.NoContent).Or.EqualTo(HttpStatusCode.Conflict));

    private static Task<Answer> AuthorizeAsync(QuickstartProcess node, string client) => RedisHosts.ServedAsync(() => node.PostAsync(
        "/bc-authorize", Basic(client), ("scope", "openid"), ("login_hint", "alice"), ("client_notification_token", CallbackNodes.NotificationToken)));

    private static System.Net.Http.Headers.AuthenticationHeaderValue Basic(string client) => CibaHost.Basic(client, $"{client}-secret");

    private IEnumerable<string> Client(int number, string mode, string node) =>
        ((string[])
        [
            $"ClientId={mode}", $"ClientSecrets:0={mode}-secret", "TokenEndpointAuthMethod=client_secret_basic", $"BackchannelTokenDeliveryMode={mode}",
            $"BackchannelClientNotificationEndpoint={_receiver.Url}/{node}", "Scopes:0=openid",
        ]).Select(setting => $"--Ciba:Clients:{number}:{setting}");
}
