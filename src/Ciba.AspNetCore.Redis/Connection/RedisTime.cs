using Ciba.AspNetCore.Redis.Store;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>How the clock of a master of Redis follows from this node's.</summary>
/// <param name="Offset">What is added to this node's time.</param>
internal readonly record struct RedisTime(TimeSpan Offset)
{
    /// <summary>An instant of this node as Redis holds it.</summary>
    public long Ticks(DateTimeOffset instant) => RedisTicks.Of(Shifted(instant, Offset));

    /// <summary>An instant that Redis holds, by the clock of this node.</summary>
    public DateTimeOffset Instant(long ticks) => Shifted(RedisTicks.Instant(ticks), -Offset);

    private static DateTimeOffset Shifted(DateTimeOffset instant, TimeSpan by) =>
        new(Math.Clamp(instant.UtcTicks + by.Ticks, DateTimeOffset.MinValue.Ticks, DateTimeOffset.MaxValue.Ticks), TimeSpan.Zero);
}
