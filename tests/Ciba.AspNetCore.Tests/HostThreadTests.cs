using System.Collections.Concurrent;
using Ciba.AspNetCore.Hosting;

namespace Ciba.AspNetCore.Tests;

/// <summary>
/// What the host's classes do in the background runs on threads that are not those of the pool, before and after an await, so that
/// one that blocks takes no thread from the requests.
/// </summary>
[Spec("A21")]
public sealed class HostThreadTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly FakeReceiver _receiver = new();
    private readonly ConcurrentDictionary<string, bool> _onThePool = new();

    public void Dispose() => _receiver.Dispose();

    [Test]
    public async Task No_call_in_the_background_takes_a_thread_of_the_pool([Values] CibaDeviceNotificationMode mode)
    {
        var events = new FakeEvents { OnEvent = (_, _) => SeeAsync("event handler") };
        var users = new HookedUsers { OnActive = _ => SeeAsync("user look-up") };
        var clients = new HookedClients { Current = FakeReceiver.PushClient(), OnFind = () => SeeAsync("client store") };
        using var issuer = new PushIssuer { BeforeIssue = _ => SeeAsync("token issuer") };
        await using var host = new CibaHost
        {
            Clients = [],
            Options = options => options.DeviceNotification = mode,
            Setup = ciba =>
            {
                _receiver.Use(ciba);
                events.Use(ciba);
                users.Use(ciba);
                clients.Use(ciba);
                issuer.Use(ciba);
            },
        };
        host.Devices.OnNotify = (_, _) => SeeAsync("notifier");

        var authReqId = (await HookedClients.AskAsync(host)).AuthReqId;
        await host.Devices.NextAsync();
        await host.ApproveAsync(authReqId);
        await events.NextAsync(CibaEventKind.Delivered);

        // Of each the last call: what the client's request and the decision ask for runs where they do.
        Assert.That(
            _onThePool.OrderBy(seen => seen.Key, StringComparer.Ordinal).Select(seen => $"{seen.Key}: {seen.Value}"),
            Is.EqualTo(new[] { "client store: False", "event handler: False", "notifier: False", "token issuer: False", "user look-up: False" }));
    }

    [Test]
    public async Task A_call_that_blocks_on_what_it_awaits_ends()
    {
        var threads = new HostThreads("test", 4);

        var calls = Enumerable.Range(0, 2).Select(call => threads.RunAsync(() => Task.FromResult(ContinueAsync(call).GetAwaiter().GetResult())));

        Assert.That(await Task.WhenAll(calls).WaitAsync(Bound), Is.EqualTo(new[] { 0, 1 }));

        static async Task<int> ContinueAsync(int result)
        {
            await Task.Yield();
            return result;
        }
    }

    [Test]
    public async Task More_calls_than_threads_wait_for_one()
    {
        var threads = new HostThreads("test", 3);
        using var blocks = new SemaphoreSlim(0);
        using var began = new SemaphoreSlim(0);
        var running = 0;
        var most = 0;

        var calls = Enumerable.Range(0, 50).Select(_ => threads.RunAsync(() =>
        {
            var now = Interlocked.Increment(ref running);
            lock (threads)
            {
                most = Math.Max(most, now);
            }

            began.Release();
            var passed = blocks.Wait(Bound);
            Interlocked.Decrement(ref running);
            return passed;
        })).ToList();
        for (var call = 0; call < calls.Count; call++)
        {
            Assert.That(await began.WaitAsync(Bound));
            blocks.Release();
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await Task.WhenAll(calls).WaitAsync(Bound), Is.All.True);
            Assert.That(most, Is.InRange(1, 3));
        }
    }

    [Test]
    public async Task What_a_call_throws_comes_to_who_waits()
    {
        var threads = new HostThreads("test", 1);

        Assert.That(async () => await threads.RunAsync<int>(async () =>
        {
            await Task.Yield();
            throw new InvalidOperationException("broken");
        }), Throws.InvalidOperationException.With.Message.EqualTo("broken"));
        Assert.That(await threads.RunAsync(() => 1).WaitAsync(Bound), Is.EqualTo(1));
    }

    private async Task SeeAsync(string who)
    {
        var before = Thread.CurrentThread.IsThreadPoolThread;
        await Task.Yield();
        _onThePool[who] = before || Thread.CurrentThread.IsThreadPoolThread;
    }
}
