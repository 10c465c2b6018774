using System.Net;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>Section 8: a device hears of what happens on whichever node; and a request is one, whichever node it is made on.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
public sealed class DeviceEventsOnTwoNodesTests(string kind)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly KeyRing _keys = new();
    private CibaHost _a = null!;
    private CibaHost _b = null!;
    private FaultProxy _network = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _network = new FaultProxy(RedisServers.Get(kind));
        _a = Host(_network.Endpoint);
        _b = Host(RedisServers.Get(kind).Endpoint);
        await Task.WhenAll(_a.ListeningAsync(), _b.ListeningAsync());
    }

    [TearDown]
    public async Task EndAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
        await _network.DisposeAsync();
    }

    [TestCase("approve", "approved"), TestCase("deny", "denied"), Spec("U3")]
    public async Task What_happens_on_one_node_is_heard_on_the_other(string verb, string outcome)
    {
        await using var device = await ListeningDevice.OpenAsync(_a);
        var authReqId = await _b.AuthorizedAsync();
        var asked = await SaidAsync(device);

        await _b.AnsweredAsync(authReqId, verb);
        var answered = await SaidAsync(device);

        var id = RedisHosts.Handle(authReqId);
        Assert.That(new[] { asked, answered }, Is.EqualTo(new[] { $"requested {id}", $"decided {id} {outcome}" }));
    }

    [Test]
    public async Task A_request_that_its_client_takes_back_on_another_node_is_told_as_withdrawn()
    {
        await using var device = await ListeningDevice.OpenAsync(_a);
        var authReqId = await _b.AuthorizedAsync();
        await SaidAsync(device);

        var answer = await RedisHosts.ServedAsync(() => _b.PostAsync("/bc-authorize/cancel", [("client_id", "client"), ("client_secret", CibaHost.Secret), ("auth_req_id", authReqId)]));

        Assert.That((answer.Status, await SaidAsync(device)), Is.EqualTo((HttpStatusCode.NoContent, $"withdrawn {RedisHosts.Handle(authReqId)}")));
    }

    [Test]
    public async Task Where_the_message_is_lost_the_device_hears_of_it_at_the_next_look()
    {
        await using var device = await ListeningDevice.OpenAsync(_a);

        // Where nobody is marked as listening, nothing is called out.
        await RedisServers.Get(kind).AskAsync("DEL", await PresenceKeyAsync());
        var id = RedisHosts.Handle(await _b.AuthorizedAsync());
        await _a.Time.TimerSetAsync(LookEvery);
        _a.Time.Advance(LookEvery);

        Assert.That(await SaidAsync(device), Is.EqualTo($"requested {id}"));
    }

    [Test, Spec("U5")]
    public async Task The_same_request_made_on_two_nodes_is_one_and_its_auth_req_id_is_not_to_be_read_on_Redis()
    {
        var first = await _a.AuthorizedAsync(("binding_message", "W4SCT"));
        var second = await _b.AuthorizedAsync(("binding_message", "W4SCT"));
        var record = await RedisServers.Get(kind).AskAsync("GET", $"{{{_prefix}:{CibaRequestId.ShardNumber(first[0]):00}}}:r:{RedisHosts.Handle(first)[1..]}");
        await _a.AnsweredAsync(second, "approve");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(second, Is.EqualTo(first));
            Assert.That(record, Is.Not.Empty.And.Not.Contain(first[1..]));
            Assert.That((await _b.PolledAsync(first)).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test, Spec("U5")]
    public async Task A_client_that_was_denied_on_one_node_is_quiet_on_the_other()
    {
        await _a.AnsweredAsync(await _a.AuthorizedAsync(), "deny");

        Assert.That((await RedisHosts.ServedAsync(() => _b.AuthorizeAsync())).Error, Is.EqualTo("access_denied"));
    }

    [TestCase(false, "CollapseIdenticalRequests on Redis needs services.AddDataProtection() with keys that all nodes share.")]
    [TestCase(true, "CollapseIdenticalRequests on Redis needs Data Protection keys that all nodes share: those of UseEphemeralDataProtectionProvider are this process's own.")]
    public async Task Without_shared_keys_a_host_that_collapses_requests_does_not_start(bool ephemeral, string problem)
    {
        await using var host = RedisHosts.On(RedisServers.Get(kind).Endpoint, _prefix, options: options => options.CollapseIdenticalRequests = true, add: builder =>
        {
            if (ephemeral)
            {
                builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
            }
        });

        Assert.That(
            async () => await host.StartedAsync(),
            Throws.TypeOf<CibaConfigurationException>().With.Property(nameof(CibaConfigurationException.Problems)).EqualTo(new[] { $"CibaOptions: {problem}" }));
    }

    // What got lost on the way A tells the device when it looks the next time. A third look would come with the heartbeat.
    private async Task<string> SaidAsync(ListeningDevice device)
    {
        var said = device.SaidAsync();
        for (var looks = 0; looks < 2 && await Task.WhenAny(said, Task.Delay(LookEvery)) != said; looks++)
        {
            _a.Time.Advance(LookEvery);
        }

        return await said;
    }

    private async Task<string> PresenceKeyAsync() => (await RedisServers.Get(kind).AskAsync("KEYS", $"{{{_prefix}:*l:*")).Split('\n').Single();

    private CibaHost Host(string endpoint) => RedisHosts.On(
        endpoint,
        _prefix,
        options: options =>
        {
            options.ClientsMayCancel = true;
            options.CollapseIdenticalRequests = true;
            options.DenialCooldown = TimeSpan.FromMinutes(1);
        },
        add: builder => builder.Services.AddSingleton<IDataProtectionProvider>(_keys));
}
