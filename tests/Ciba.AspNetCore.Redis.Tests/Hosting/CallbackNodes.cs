using System.Globalization;
using Ciba.AspNetCore.Redis.Store;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>Two nodes of a provider with a client for ping and one for push, and their receiver.</summary>
public sealed class CallbackNodes : IAsyncDisposable
{
    public const string NotificationToken = "8d67dc78-7faa-4d41-aabd-67707b374255";

    // The outbox's own; the tests leave this time to it alone, so that its timers can be told from others.
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly RedisServer _server;

    private CallbackNodes(RedisServer server, HttpsReceiver receiver)
    {
        (_server, Receiver) = (server, receiver);
        Network = new FaultProxy(server);
    }

    public HttpsReceiver Receiver { get; }

    /// <summary>Between A and Redis.</summary>
    public FaultProxy Network { get; }

    public CibaHost A { get; private set; } = null!;

    public CibaHost B { get; private set; } = null!;

    public static async Task<CallbackNodes> StartAsync(RedisServer server, bool protect = false, Action<CibaOptions>? options = null, Action<CibaBuilder>? add = null)
    {
        var nodes = new CallbackNodes(server, await HttpsReceiver.StartAsync());
        var keys = new KeyRing();
        nodes.A = Node(nodes.Network.Endpoint);
        nodes.B = Node(server.Endpoint);

        // No two nodes ever have quite the same time, and times are what an entry's holder is known by.
        nodes.B.Time.Advance(TimeSpan.FromMicroseconds(500));
        foreach (var node in (CibaHost[])[nodes.A, nodes.B])
        {
            node.Clients.AddRange([Client(CibaTokenDeliveryModes.Ping, nodes.Receiver.Url), Client(CibaTokenDeliveryModes.Push, nodes.Receiver.Url)]);
            await node.StartedAsync().WaitAsync(RedisHosts.Bound);
            await LookedAsync(node);
        }

        return nodes;

        CibaHost Node(string configuration) => RedisHosts.On(
            configuration,
            nodes._prefix,
            redis => redis.ProtectPayload = protect,
            chosen =>
            {
                Open(chosen);
                chosen.Limits.SwitchOff();
                options?.Invoke(chosen);
            },
            builder =>
            {
                builder.Services.AddSingleton<IDataProtectionProvider>(keys);
                nodes.Receiver.BeTrustedBy(builder.Services);
                add?.Invoke(builder);
            });
    }

    /// <summary>A client that is called back, named like its mode.</summary>
    public static CibaClient Client(string mode, string url)
    {
        var client = CibaHost.Client(mode);
        client.BackchannelTokenDeliveryMode = mode;
        client.BackchannelClientNotificationEndpoint = url;
        return client;
    }

    /// <summary>Opens loopback and nothing else.</summary>
    public static void Open(CibaOptions options)
    {
        options.Callbacks.AllowedNetworks = ["127.0.0.0/8"];
        options.Callbacks.ConnectTimeout = TimeSpan.FromSeconds(4);
    }

    /// <summary>A request for alice, who takes a moment.</summary>
    public static async Task<string> AskAsync(CibaHost node, string mode, params (string Name, string? Value)[] more)
    {
        var authReqId = await node.AuthorizedAsync([("client_id", mode), ("client_notification_token", NotificationToken), .. more]);
        node.Time.Advance(TimeSpan.FromMilliseconds(1));
        return authReqId;
    }

    public static Task<Answer> PollAsync(CibaHost node, string authReqId, string mode) => node.PolledAsync(authReqId, ("client_id", mode));

    /// <summary>Waits until the node has looked through the outbox.</summary>
    public static Task LookedAsync(CibaHost node) => node.Time.TimerSetAsync(LookEvery);

    /// <summary>Lets time pass on a node, at least until it looks through the outbox, and waits until it has.</summary>
    public static async Task PassAsync(CibaHost node, TimeSpan time = default)
    {
        node.Time.Advance(time);
        if (time >= LookEvery)
        {
            await LookedAsync(node);
        }

        // One that was under way while the clock ran saw only a part.
        node.Time.Advance(LookEvery);
        await LookedAsync(node);
    }

    /// <summary>The next call. A look that Redis did not answer is made up for by the node's next, so time passes until it comes.</summary>
    public Task<HttpsCall> NextAsync(CibaHost node) => WithLooksAsync(node, Receiver.NextAsync());

    /// <summary>As many calls, for each of which the node may look again.</summary>
    public async Task<List<HttpsCall>> NextAsync(CibaHost node, int count)
    {
        var calls = new List<HttpsCall>();
        while (calls.Count < count)
        {
            calls.Add(await NextAsync(node));
        }

        return calls;
    }

    /// <summary>The next request that the node tells a device of; it may look again for it.</summary>
    public static Task<CibaDeviceRequest> NextToldAsync(CibaHost node) => WithLooksAsync(node, node.Devices.NextAsync());

    private static async Task<T> WithLooksAsync<T>(CibaHost node, Task<T> next)
    {
        for (var looks = 0; looks < 5 && await Task.WhenAny(next, Task.Delay(TimeSpan.FromSeconds(4))) != next; looks++)
        {
            await PassAsync(node);
        }

        return await next;
    }

    /// <summary>Lets time pass on both nodes at once.</summary>
    public Task PassAsync(TimeSpan time = default) => Task.WhenAll(PassAsync(A, time), PassAsync(B, time));

    /// <summary>
    /// Waits until the device is told and this node has let go of the request: held on, it would come due later than the clock is
    /// moved to.
    /// </summary>
    public async Task ToldAsync(CibaHost node, string authReqId)
    {
        await node.Devices.NextAsync();
        var held = RedisTicks.Of(node.Time.GetUtcNow() + TimeSpan.FromMinutes(1));
        await RedisHosts.UntilAsync(async () =>
            !double.TryParse(await _server.AskAsync("ZSCORE", Outbox, RedisKeys.Digest(RedisHosts.Handle(authReqId))), CultureInfo.InvariantCulture, out var due) || due <= 0 || due > held, node);
    }

    /// <summary>Waits until nothing is left to be done for alice.</summary>
    public Task IsDoneAsync() => RedisHosts.UntilAsync(async () => await _server.AskAsync("ZCARD", Outbox) == "0", A, B);

    public Task StatusIsAsync(string authReqId, string status) => RedisHosts.UntilAsync(async () => await _server.StatusAsync(_prefix, authReqId) == status, A, B);

    public async ValueTask DisposeAsync()
    {
        foreach (var node in new[] { A, B }.OfType<CibaHost>())
        {
            await node.DisposeAsync();
        }

        await Network.DisposeAsync();
        await Receiver.DisposeAsync();
    }

    private string Outbox => new RedisKeys(_prefix).Outbox(CibaRequestId.Shard(FakeUsers.SubjectOf("alice")))!;
}
