namespace Ciba.AspNetCore.Redis.Store;

/// <summary>Instants as the scripts have them: ticks since 2024, exact in a double until 2052 and near enough afterwards.</summary>
internal static class RedisTicks
{
    private static readonly long Epoch = new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero).UtcTicks;

    public static long Of(DateTimeOffset instant) => Math.Max(0, instant.UtcTicks - Epoch);

    public static DateTimeOffset Instant(long ticks) => new(ticks + Epoch, TimeSpan.Zero);
}
