using System.Globalization;
using Ciba.AspNetCore.Store;
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

        var first = await cache.TryUseAsync("key", expiresAt, default);
        var other = await cache.TryUseAsync("kez", expiresAt, default);
        _time.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromTicks(1));
        var again = await cache.TryUseAsync("key", expiresAt.AddHours(1), default);
        _time.Advance(TimeSpan.FromTicks(1));
        var after = await cache.TryUseAsync("key", expiresAt.AddHours(1), default);

        Assert.That(new[] { first, other, again, after }, Is.EqualTo(new[] { true, true, false, true }));
    }

    [Test]
    public async Task A_full_cache_refuses_rather_than_forgets_and_has_room_again_when_keys_expire()
    {
        var cache = new MemoryReplayCache(_time, NullLogger<MemoryReplayCache>.Instance, 3);
        var now = _time.GetUtcNow();

        // The shortest life comes second: keys leave in the order of their expiry, not of their arrival.
        var used = new List<bool>();
        foreach (var (key, seconds) in new[] { ("a", 30), ("b", 10), ("c", 20), ("d", 5), ("a", 30) })
        {
            used.Add(await cache.TryUseAsync(key, now.AddSeconds(seconds), default));
        }

        _time.Advance(TimeSpan.FromSeconds(10));
        foreach (var key in new[] { "a", "c", "d", "b" })
        {
            used.Add(await cache.TryUseAsync(key, now.AddSeconds(60), default));
        }

        Assert.That(used, Is.EqualTo(new[] { true, true, true, false, false, false, false, true, false }));
    }

    [Test]
    public async Task What_is_expired_makes_room_however_much_came_before()
    {
        var cache = new MemoryReplayCache(_time, NullLogger<MemoryReplayCache>.Instance, 100);

        for (var i = 0; i < 10_000; i++)
        {
            var used = await cache.TryUseAsync(i.ToString(CultureInfo.InvariantCulture), _time.GetUtcNow().AddSeconds(100), default);
            Assert.That(used);
            _time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    [Test]
    public async Task Of_many_callers_at_once_one_is_the_first()
    {
        var cache = new MemoryReplayCache(_time, NullLogger<MemoryReplayCache>.Instance, 1000);
        var expiresAt = _time.GetUtcNow().AddMinutes(1);

        var used = await Task.WhenAll(Enumerable.Range(0, 640).Select(i => Task.Run(async () => (Key: i % 10, First: await cache.TryUseAsync($"{i % 10}", expiresAt, default)))));

        Assert.That(used.Where(call => call.First).Select(call => call.Key).Order(), Is.EqualTo(Enumerable.Range(0, 10)));
    }
}
