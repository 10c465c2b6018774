using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Ciba.AspNetCore.Redis.Store;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>A claim that came to nothing keeps the entry from nobody for long.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
[Spec("P9")]
public sealed class OutboxClaimTests(string kind)
{
    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _time = new();

    private DateTimeOffset Now => _time.GetUtcNow();

    [Test]
    public async Task A_claim_whose_answer_is_lost_is_given_back()
    {
        var server = RedisServers.Get(kind);
        await using var proxy = new FaultProxy(server);
        await server.LoadScriptsAsync();
        await using var other = RedisNode.On(server, 0, _prefix, _time);
        await using var node = RedisNode.On(proxy.Endpoint, _prefix, _time);
        var request = await node.Store.DueAddedAsync(Now);

        proxy.DropAnswers();
        var claim = node.Store.ClaimAsync(request, Now).AsTask();
        await RedisHosts.UntilAsync(async () => double.Parse(await server.AskAsync("ZSCORE", new RedisKeys(_prefix).Outbox(request.Id[0])!, RedisKeys.Digest(request.Id)), CultureInfo.InvariantCulture) > RedisTicks.Of(Now));
        Assert.That(await other.Store.ClaimAsync(request, Now), Is.Null, "it is held");
        proxy.CutAll();
        proxy.Resume();
        Assert.That(() => claim.WaitAsync(RedisHosts.Bound), Throws.TypeOf<CibaStoreUnavailableException>());
        await RedisHosts.UntilAsync(() => IsBackAsync(node));
        _time.Advance(TimeSpan.FromSeconds(1));

        CibaOutboxEntry? entry = null;
        await RedisHosts.UntilAsync(async () => (entry = await other.Store.ClaimAsync(request, Now)) is not null, _time);
        Assert.That(entry!.Request.Callback, Is.EqualTo(request.Callback));
    }

    [Test]
    public async Task An_entry_that_a_node_cannot_read_is_anybodys_again_at_once_and_left_alone_by_it()
    {
        var server = RedisServers.Get(kind);
        await using var owner = RedisNode.On(server, 0, _prefix, _time);
        await using var stranger = RedisNode.On(server, 1, _prefix, _time, add: services => services.AddSingleton<IDataProtectionProvider>(new EphemeralDataProtectionProvider()));
        var request = await owner.Store.DueAddedAsync(Now);
        var claimedAt = Now;

        Assert.That(await stranger.Store.ClaimDueAsync(claimedAt), Is.Empty);

        Assert.That(await stranger.Store.ClaimDueAsync(claimedAt), Is.Empty);

        var entry = (await owner.Store.ClaimDueAsync(claimedAt)).Single();

        Assert.That(entry.Request.Callback, Is.EqualTo(request.Callback));
    }

    [Test]
    public async Task An_entry_whose_keys_could_not_be_fetched_for_a_moment_is_taken_at_the_next_look()
    {
        var keys = new RemoteKeys();
        await using var node = RedisNode.On(RedisServers.Get(kind), 0, _prefix, _time, add: services => services.AddSingleton<IDataProtectionProvider>(keys));
        var request = await node.Store.DueAddedAsync(Now);

        keys.AreAway = true;
        Assert.That(async () => await node.Store.ClaimDueAsync(Now), Throws.TypeOf<CibaStoreUnavailableException>());
        keys.AreAway = false;

        Assert.That((await node.Store.ClaimDueAsync(Now)).Single().Request.Callback, Is.EqualTo(request.Callback));
    }

    [Test]
    public async Task Entries_that_are_taken_together_wait_for_the_keys_on_one_thread()
    {
        var keys = new RemoteKeys();
        await using var node = RedisNode.On(RedisServers.Get(kind), 0, _prefix, _time, add: services => services.AddSingleton<IDataProtectionProvider>(keys));
        var requests = new List<CibaRequest>();
        for (var i = 0; i < 10; i++)
        {
            requests.Add(await node.Store.DueAddedAsync(Now));
        }

        var claimed = await node.Store.ClaimDueAsync(Now);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(claimed.Select(entry => entry.Request.Id), Is.EquivalentTo(requests.Select(request => request.Id)));
            Assert.That(keys.Threads.Distinct().Count(), Is.EqualTo(1));
        }
    }

    private async Task<bool> IsBackAsync(RedisNode node)
    {
        try
        {
            return await node.Store.ClaimAsync(Requests.Due(Now), Now) is null;
        }
        catch (CibaStoreUnavailableException)
        {
            return false;
        }
    }

    /// <summary>A key ring that has to be fetched, and answers like Data Protection's own where that fails.</summary>
    private sealed class RemoteKeys : IDataProtectionProvider, IDataProtector
    {
        private readonly IDataProtector _keys = new EphemeralDataProtectionProvider().CreateProtector("test");

        public bool AreAway { get; set; }

        /// <summary>Who came for the keys; each would have to wait for them.</summary>
        public ConcurrentQueue<int> Threads { get; } = new();

        public IDataProtector CreateProtector(string purpose) => this;

        public byte[] Protect(byte[] plaintext) => _keys.Protect(plaintext);

        public byte[] Unprotect(byte[] protectedData)
        {
            Threads.Enqueue(Environment.CurrentManagedThreadId);
            return AreAway ? throw new CryptographicException("The keys are not there.", new TimeoutException()) : _keys.Unprotect(protectedData);
        }
    }
}
