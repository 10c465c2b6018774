using System.Globalization;
using Ciba.AspNetCore.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 7519 section 4.1.7: the memory replay cache.</summary>
[Spec("A4")]
public sealed class ReplayCacheTests
{
    private readonly ManualTime _time = new();

    [Test]
    public async Task A_key_is_new_once_until_its_expiry()
    {
        var cache = new MemoryReplayCache(_time, NullLogger<MemoryReplayCache>.Instance, 10);
        var expiresAt = _time.GetUtcNow().AddSeconds(10);

        var first = await cache.TryUseAsync("key", "use", expiresAt, default);
        var other = await cache.TryUseAsync("kez", "use", expiresAt, default);
        _time.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromTicks(1));
        var again = await cache.TryUseAsync("key", "use", expiresAt.AddHours(1), default);
        _time.Advance(TimeSpan.FromTicks(1));
        var after = await cache.TryUseAsync("key", "use", expiresAt.AddHours(1), default);

        Assert.That(new[] { first, other, again, after }, Is.EqualTo(new[] { true, true, false, true }));
    }

    [TestCase(0), TestCase(1), TestCase(10_000_000)]
    public async Task A_key_is_not_taken_again_at_its_expiry_or_after(long ticks)
    {
        var cache = new MemoryReplayCache(_time, NullLogger<MemoryReplayCache>.Instance, 10);
        var expiresAt = _time.GetUtcNow().AddSeconds(10);

        var first = await cache.TryUseAsync("key", "use", expiresAt, default);
        _time.Advance(TimeSpan.FromSeconds(10) + TimeSpan.FromTicks(ticks));
        var again = await cache.TryUseAsync("key", "use", expiresAt, default);
        var expired = await cache.TryUseAsync("never used", "use", expiresAt, default);

        Assert.That(new[] { first, again, expired }, Is.EqualTo(new[] { true, false, false }));
    }

    [Test]
    public async Task A_key_that_was_forgotten_is_not_taken_again_when_the_clock_is_set_back()
    {
        var cache = new MemoryReplayCache(_time, NullLogger<MemoryReplayCache>.Instance, 10);
        var expiresAt = _time.GetUtcNow().AddSeconds(10);

        var used = new List<bool> { await cache.TryUseAsync("key", "use", expiresAt, default) };
        _time.Advance(TimeSpan.FromSeconds(15));
        used.Add(await cache.TryUseAsync("other", "use", expiresAt.AddSeconds(10), default));
        _time.Advance(TimeSpan.FromSeconds(-10));
        used.Add(await cache.TryUseAsync("key", "use", expiresAt, default));
        used.Add(await cache.TryUseAsync("third", "use", expiresAt.AddTicks(1), default));

        Assert.That(used, Is.EqualTo(new[] { true, true, false, true }));
    }

    [Test]
    public async Task A_full_cache_is_unavailable_rather_than_forgets_and_has_room_again_when_keys_expire()
    {
        var cache = new MemoryReplayCache(_time, NullLogger<MemoryReplayCache>.Instance, 3);
        var now = _time.GetUtcNow();

        // The shortest life comes second: keys leave in the order of their expiry, not of their arrival.
        var used = new List<bool?>();
        foreach (var (key, seconds) in new[] { ("a", 30), ("b", 10), ("c", 20), ("d", 5), ("a", 30) })
        {
            used.Add(await UseAsync(cache, key, now.AddSeconds(seconds)));
        }

        _time.Advance(TimeSpan.FromSeconds(10));
        foreach (var key in new[] { "a", "c", "d", "b" })
        {
            used.Add(await UseAsync(cache, key, now.AddSeconds(60)));
        }

        Assert.That(used, Is.EqualTo(new bool?[] { true, true, true, null, false, false, false, true, null }));
    }

    [Test]
    public async Task One_client_has_an_eighth_of_the_places_and_has_room_again_when_its_keys_expire()
    {
        var cache = new MemoryReplayCache(_time, NullLogger<MemoryReplayCache>.Instance, 16);
        var now = _time.GetUtcNow();

        var used = new List<bool?>();
        foreach (var (key, seconds) in new[] { (Of("one", "a"), 10), (Of("one", "b"), 20), (Of("one", "c"), 20), (Of("one", "a"), 20), (Of("two", "a"), 20) })
        {
            used.Add(await UseAsync(cache, key, now.AddSeconds(seconds)));
        }

        _time.Advance(TimeSpan.FromSeconds(10));
        used.Add(await UseAsync(cache, Of("one", "c"), now.AddSeconds(60)));
        used.Add(await UseAsync(cache, Of("one", "d"), now.AddSeconds(60)));

        Assert.That(used, Is.EqualTo(new bool?[] { true, true, null, false, true, true, null }));

        static string Of(string client, string id) => $"{client,-12}{id}";
    }

    [TestCase("assertion"), TestCase("proof")]
    public async Task A_client_with_too_many_JWTs_is_told_to_wait_and_no_other_is(string kind)
    {
        var clients = kind == "proof" ? new[] { "client", "other" }.Select(DpopCalls.BoundClient) : new[] { "client", "other" }.Select(id => ClientCalls.MacClient(id));
        await using var host = new CibaHost
        {
            Clients = [.. clients],
            Setup = ciba => ciba.Services.Replace(ServiceDescriptor.Singleton<ICibaReplayCache>(new MemoryReplayCache(_time, NullLogger<MemoryReplayCache>.Instance, 8))),
        };

        var answers = new List<Answer>();
        foreach (var client in new[] { "client", "client", "other" })
        {
            answers.Add(kind == "proof"
                ? await host.PostAsync(ClientCalls.Token, Poll(client), DpopCalls.Send(host.Proof(key: TestKey.Ec($"key {answers.Count}"))))
                : await host.CallAsync(ClientCalls.Token, [], TestJwt.Form(new TestJwt(host, client).Mac(CibaHost.Secret))));
        }

        Assert.That(answers.Select(answer => answer.Error), Is.EqualTo(new[] { "invalid_grant", "temporarily_unavailable", "invalid_grant" }));

        static (string, string?)[] Poll(string client) =>
            [("client_id", client), ("client_secret", CibaHost.Secret), ("grant_type", CibaHost.GrantType), ("auth_req_id", ClientCalls.UnknownRequest)];
    }

    [Test]
    public async Task What_is_expired_makes_room_however_much_came_before()
    {
        var cache = new MemoryReplayCache(_time, NullLogger<MemoryReplayCache>.Instance, 100);

        for (var i = 0; i < 10_000; i++)
        {
            var used = await cache.TryUseAsync(i.ToString(CultureInfo.InvariantCulture), "use", _time.GetUtcNow().AddSeconds(100), default);
            Assert.That(used);
            _time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    [Test]
    public async Task Of_many_callers_at_once_one_is_the_first()
    {
        var cache = new MemoryReplayCache(_time, NullLogger<MemoryReplayCache>.Instance, 1000);
        var expiresAt = _time.GetUtcNow().AddMinutes(1);

        var used = await Task.WhenAll(Enumerable.Range(0, 640).Select(i => Task.Run(async () => (Key: i % 10, First: await cache.TryUseAsync($"{i % 10}", "use", expiresAt, default)))));

        Assert.That(used.Where(call => call.First).Select(call => call.Key).Order(), Is.EqualTo(Enumerable.Range(0, 10)));
    }

    /// <summary>Null where the cache has no place for the key.</summary>
    private static async Task<bool?> UseAsync(MemoryReplayCache cache, string key, DateTimeOffset expiresAt)
    {
        try
        {
            return await cache.TryUseAsync(key, "use", expiresAt, CancellationToken.None);
        }
        catch (CibaStoreUnavailableException)
        {
            return null;
        }
    }
}
