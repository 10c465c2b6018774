using Ciba.AspNetCore.Callbacks;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 10: a client whose endpoint never answers is in nobody's way, however much there is for it.</summary>
public sealed class HangingReceiverTests
{
    private const int Waiting = 12;
    private const int Calls = 9;

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    [Test, Spec("P5"), Spec("P7")]
    public async Task One_that_hangs_gets_one_call_at_a_time_also_where_callbacks_waited_for_it_in_vain()
    {
        var endpoint = new HangingEndpoint();
        var client = CibaHost.Client("ping");
        client.BackchannelTokenDeliveryMode = CibaTokenDeliveryModes.Ping;
        client.BackchannelClientNotificationEndpoint = "https://hangs.example/cb";
        await using var host = new CibaHost
        {
            Clients = [client],
            Options = options =>
            {
                options.Limits.SwitchOff();
                options.RequestLifetime = options.MaxRequestLifetime;
            },
            Setup = ciba => ciba.Services.AddHttpClient(CibaCallbackOptions.HttpClientName).ConfigurePrimaryHttpMessageHandler(() => endpoint),
        };
        var began = host.Time.GetUtcNow();
        for (var i = 0; i < Waiting; i++)
        {
            var authReqId = (await host.AuthorizeAsync(("client_notification_token", "token"))).AuthReqId;
            host.Time.Advance(TimeSpan.FromMilliseconds(1));
            await host.ApproveAsync(authReqId);
        }

        await endpoint.CalledAsync(1);

        using var bound = new CancellationTokenSource(Bound);
        while (endpoint.Calls < Calls)
        {
            host.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(Look, bound.Token);
        }

        // Each hangs for 10 s. Two at a time would have been through in half of it.
        Assert.That(host.Time.GetUtcNow() - began, Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(10) * (Calls - 1)));
    }

    [TestCase("https://slow.example/cb", "https://quick.example/cb"), TestCase("https://shared.example/slow", "https://shared.example/quick"), Spec("P7")]
    public async Task A_hanging_receiver_delays_neither_the_devices_answer_nor_another_clients_ping(string slow, string quick)
    {
        var gate = new Gate();
        using var receiver = new FakeReceiver
        {
            OnCall = async (call, _) =>
        {
            if (call.Url.AbsoluteUri == slow)
            {
                await gate.PassAsync(CancellationToken.None);
            }

            return await FakeReceiver.Answer(204);
        }
        };
        var events = new FakeEvents();
        await using var host = Host(receiver, events, slow: slow, quick: quick);

        for (var i = 0; i < 5; i++)
        {
            var id = (await host.AskAsync()).AuthReqId;
            var answer = await host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(id)}/approve", "alice").WaitAsync(Bound);
            Assert.That((int)answer.Status, Is.EqualTo(204), answer.Body);
        }

        await gate.ReachedAsync();
        await host.ApproveAsync((await host.AskAsync(("client_id", "other"))).AuthReqId);

        Assert.That((await events.NextAsync(CibaEventKind.Delivered)).ClientId, Is.EqualTo("other"));
        gate.Open();
    }

    [Test]
    public async Task Stopping_the_host_waits_for_the_call_on_its_way_and_begins_none_that_waits()
    {
        var gate = new Gate();
        using var receiver = new FakeReceiver
        {
            OnCall = async (_, _) =>
        {
            await gate.PassAsync(CancellationToken.None);
            return await FakeReceiver.Answer(503);
        }
        };
        await using var host = Host(receiver, new FakeEvents(), options => options.Callbacks.MaxConcurrentPerReceiver = 1);
        await host.ApproveAsync((await host.AskAsync()).AuthReqId);
        await host.ApproveAsync((await host.AskAsync()).AuthReqId);
        await gate.ReachedAsync();

        var stopping = host.StopAsync();
        Assert.That(stopping.IsCompleted, Is.False);
        gate.Open();
        await stopping;

        Assert.That(receiver.Calls, Is.EqualTo(1));
    }

    [Test, Spec("P7")]
    public async Task What_waits_for_one_that_hangs_costs_the_store_little()
    {
        const int Many = 200;
        var endpoint = new HangingEndpoint();
        using var store = new HookedStore();
        await using var host = new CibaHost
        {
            Clients = [FakeReceiver.PingClient("client", "https://hangs.example/cb")],
            Options = options =>
            {
                CallbackCalls.Quietly(options);
                options.Limits.SwitchOff();
                options.RequestLifetime = options.MaxRequestLifetime;
            },
            Setup = ciba =>
            {
                store.Use(ciba);
                ciba.Services.AddHttpClient(CibaCallbackOptions.HttpClientName).ConfigurePrimaryHttpMessageHandler(() => endpoint);
            },
        };
        await host.FirstLookAsync();
        for (var i = 0; i < Many; i++)
        {
            await host.ApproveAsync((await host.AskAsync()).AuthReqId);
        }

        // The first call has failed, and whoever waited behind it has been sent away.
        var worker = (await host.ServicesAsync()).GetRequiredService<OutboxWorker>();
        using var bound = new CancellationTokenSource(Bound);
        while (worker.InWork > 1)
        {
            await host.LookAsync(isHeldUp: true);
            await Task.Delay(Look, bound.Token);
        }

        store.Calls.Clear();
        for (var looks = 0; looks < 12; looks++)
        {
            await host.LookAsync(isHeldUp: true);
            while (worker.InWork > 1)
            {
                await Task.Delay(Look, bound.Token);
            }
        }

        // In a minute each comes back about twice.
        Assert.That(store.Calls.Count(call => call == nameof(ICibaOutbox.PostponeAsync)), Is.InRange(Many, Many * 4));
    }

    private static CibaHost Host(FakeReceiver receiver, FakeEvents events, Action<CibaOptions>? change = null, string slow = "https://slow.example/cb", string quick = "https://quick.example/cb") => new()
    {
        Clients = [FakeReceiver.PingClient("client", slow), FakeReceiver.PingClient("other", quick)],
        Options = options =>
        {
            CallbackCalls.Quietly(options);
            change?.Invoke(options);
        },
        Setup = ciba =>
        {
            receiver.Use(ciba);
            events.Use(ciba);
        },
    };

    private sealed class HangingEndpoint : HttpMessageHandler
    {
        private int _calls;

        public int Calls => Volatile.Read(ref _calls);

        public async Task CalledAsync(int times)
        {
            using var bound = new CancellationTokenSource(Bound);
            while (Calls < times)
            {
                await Task.Delay(Look, bound.Token);
            }
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _calls);
            await Task.Delay(Timeout.Infinite, cancellationToken);
            throw new InvalidOperationException("It never comes to this.");
        }
    }
}
