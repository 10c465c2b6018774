namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>What a node had begun and did not end, another node does when the lease is over.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
public sealed class CallbackCrashTests(string kind)
{
    // Three times what a callback may take, and the lease.
    private static readonly TimeSpan Held = (TimeSpan.FromSeconds(10) * 3) + TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Little = TimeSpan.FromSeconds(10);

    private CallbackNodes _nodes = null!;

    [SetUp]
    public async Task StartAsync() => _nodes = await CallbackNodes.StartAsync(RedisServers.Get(kind));

    [TearDown]
    public Task EndAsync() => _nodes.DisposeAsync().AsTask();

    [Test, Spec("P9")]
    public async Task A_callback_whose_node_is_cut_off_in_the_middle_is_delivered_by_the_other_when_the_lease_ends(
        [Values("ping", "push")] string mode, [Values("approve", "deny")] string verb)
    {
        var gate = new Gate();
        _nodes.Receiver.OnCall = async (_, gone) =>
        {
            await gate.PassAsync(gone);
            return System.Net.HttpStatusCode.ServiceUnavailable;
        };
        var authReqId = await CallbackNodes.AskAsync(_nodes.A, mode);
        await _nodes.A.AnsweredAsync(authReqId, verb);
        var first = await _nodes.NextAsync(_nodes.A);
        _nodes.Network.Refuse();

        _nodes.Receiver.OnCall = (_, _) => Task.FromResult(System.Net.HttpStatusCode.NoContent);
        await CallbackNodes.PassAsync(_nodes.B, Little);
        Assert.That(_nodes.Receiver.Calls, Is.EqualTo(1), "B took what A still held");
        await CallbackNodes.PassAsync(_nodes.B, Held - Little);
        var second = await _nodes.NextAsync(_nodes.B);
        await _nodes.IsDoneAsync();

        // A finds out that it was too late.
        gate.Open();
        _nodes.Network.Resume();
        await _nodes.A.BackAsync();
        await CallbackNodes.PassAsync(_nodes.A, Held);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(second.Headers["Authorization"], Is.EqualTo($"Bearer {CallbackNodes.NotificationToken}"));
            IsSameOutcome(first, second);
            Assert.That(_nodes.Receiver.Calls, Is.EqualTo(2));
        }
    }

    [Test, Spec("P9")]
    public async Task A_decision_whose_node_dies_before_it_begins_is_delivered_by_the_other(
        [Values("ping", "push")] string mode, [Values(CibaRequestStatus.Approved, CibaRequestStatus.Denied, CibaRequestStatus.Failed)] CibaRequestStatus outcome)
    {
        var authReqId = await CallbackNodes.AskAsync(_nodes.A, mode);
        await _nodes.ToldAsync(_nodes.A, authReqId);
        await _nodes.A.DecidedAsync(authReqId, outcome);
        _nodes.Network.Refuse();

        await CallbackNodes.PassAsync(_nodes.B);
        var call = await _nodes.NextAsync(_nodes.B);
        await _nodes.IsDoneAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(call.Json.AuthReqId, Is.EqualTo(authReqId));
            Assert.That(call.Json.Error, Is.EqualTo(mode == "ping" ? null : outcome switch
            {
                CibaRequestStatus.Denied => "access_denied",
                CibaRequestStatus.Failed => "transaction_failed",
                _ => null,
            }));
            Assert.That(call.Json.Text("id_token"), mode == "push" && outcome == CibaRequestStatus.Approved ? Is.Not.Null : Is.Null);
            Assert.That(_nodes.Receiver.Calls, Is.EqualTo(1));
        }
    }

    [Test, Spec("P9")]
    public async Task A_device_whose_node_dies_before_it_is_told_is_told_by_the_other([Values("client", "ping")] string client)
    {
        var gate = new Gate();
        _nodes.A.Devices.OnNotify = (_, cancellationToken) => gate.PassAsync(cancellationToken);
        var authReqId = await CallbackNodes.AskAsync(_nodes.A, client);
        await gate.ReachedAsync();
        _nodes.Network.Refuse();

        await CallbackNodes.PassAsync(_nodes.B, Little);
        Assert.That(_nodes.B.Devices.Calls, Is.Zero, "B took what A still held");
        await CallbackNodes.PassAsync(_nodes.B, Held - Little);
        var told = await CallbackNodes.NextToldAsync(_nodes.B);
        await _nodes.B.AnsweredAsync(authReqId, "approve");
        var poll = await CallbackNodes.PollAsync(_nodes.B, authReqId, client);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(told.Id, Is.EqualTo(RedisHosts.Handle(authReqId)));
            Assert.That(poll.Text("id_token"), Is.Not.Null, poll.Body);
            Assert.That(_nodes.B.Devices.Calls, Is.EqualTo(1));
        }

        gate.Open();
    }

    // The same tokens, of which less time is left.
    private static void IsSameOutcome(HttpsCall first, HttpsCall second)
    {
        if (first.Json.Text("id_token") is null)
        {
            Assert.That(second.Body, Is.EqualTo(first.Body));
            return;
        }

        foreach (var name in new[] { "auth_req_id", "access_token", "id_token", "refresh_token", "scope" })
        {
            Assert.That(second.Json.Text(name), Is.EqualTo(first.Json.Text(name)), name);
        }

        Assert.That(second.Json.Json.GetProperty("expires_in").GetInt64(), Is.LessThan(first.Json.Json.GetProperty("expires_in").GetInt64()));
    }
}
