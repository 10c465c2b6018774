using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Ciba.AspNetCore.Tests;

/// <summary>A store that cannot say what is due is asked again, and holds up neither the host nor what it can say.</summary>
[Spec("P9")]
public sealed class OutboxOutageTests : IDisposable
{
    private readonly FakeReceiver _receiver = new();
    private readonly HookedStore _store = new();

    public void Dispose()
    {
        _store.Dispose();
        _receiver.Dispose();
    }

    [TestCase(typeof(OperationCanceledException)), TestCase(typeof(TaskCanceledException)), TestCase(typeof(InvalidOperationException)), TestCase(typeof(CibaStoreUnavailableException))]
    public async Task Whatever_a_look_throws_the_host_stays_and_looks_again(Type type)
    {
        await using var host = Host();
        await host.FirstLookAsync();
        await DecideAsync(host);
        _store.BeforeLook = _ => throw (Exception)Activator.CreateInstance(type, "The store is away.")!;
        await host.LookAsync();
        await host.LookAsync();
        Assert.That(_receiver.Calls, Is.Zero);

        _store.BeforeLook = _ => { };
        await host.LookAsync();

        await _receiver.NextAsync();
        Assert.That((await host.ServicesAsync()).GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested, Is.False);
    }

    [Test]
    public async Task A_shard_that_cannot_be_read_keeps_no_other_from_being_looked_at()
    {
        await using var host = Host();
        await host.FirstLookAsync();
        await DecideAsync(host);
        _store.BeforeLook = shard => ThrowIf(shard != CibaRequestId.Shard("sub-alice"), new OperationCanceledException("The store is away."));

        await host.LookAsync();

        await _receiver.NextAsync();
    }

    [Test]
    public async Task Each_outage_is_told_once()
    {
        await using var host = Host();
        await host.FirstLookAsync();
        foreach (var isAway in new[] { true, true, false, false, true, true, false })
        {
            _store.BeforeLook = _ => ThrowIf(isAway, new CibaStoreUnavailableException("The store is away."));
            await host.LookAsync();
        }

        Assert.That(Told(host), Is.EqualTo(2));
    }

    [Test]
    public async Task An_outage_of_one_shard_is_told_once_while_it_lasts()
    {
        await using var host = Host();
        await host.FirstLookAsync();
        _store.BeforeLook = shard => ThrowIf(shard == 'm', new CibaStoreUnavailableException("The store is away."));
        for (var looks = 0; looks < 4; looks++)
        {
            await host.LookAsync();
        }

        Assert.That(Told(host), Is.EqualTo(1));
    }

    private static void ThrowIf(bool isSo, Exception exception)
    {
        if (isSo)
        {
            throw exception;
        }
    }

    private static int Told(CibaHost host) => host.Log.Ours.Count(line => line.Text.Trim() == "The outbox could not be read: The store is away.");

    /// <summary>The step alone, as on a node that dies then.</summary>
    private async Task DecideAsync(CibaHost host)
    {
        var id = await host.HandleAsync((await host.AskAsync()).AuthReqId);
        var now = host.Time.GetUtcNow();
        var decision = new CibaDecision { Outcome = CibaRequestStatus.Approved, DecidedAt = now, Scopes = ["openid"], AuthTime = now };
        Assert.That(await _store.DecideAsync(id, "sub-alice", decision, now, CancellationToken.None), Is.EqualTo(CibaDecideResult.Done));
    }

    private CibaHost Host() => new()
    {
        Clients = [FakeReceiver.PingClient()],
        Options = CallbackCalls.Quietly,
        Setup = ciba =>
        {
            _receiver.Use(ciba);
            _store.Use(ciba);
        },
    };
}
