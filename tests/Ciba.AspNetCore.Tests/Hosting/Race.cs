namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Lets several callers do something at the same moment, round after round, each on a thread of its own.</summary>
public static class Race
{
    public const int Rounds = 1000;

    private const int Spins = 2000;
    private const long BoundMilliseconds = 30_000;

    /// <summary>What each caller got, by round.</summary>
    public static async Task<T[][]> RunAsync<T>(params Func<int, ValueTask<T>>[] callers)
    {
        var arrived = 0;
        var results = Enumerable.Range(0, Rounds).Select(_ => new T[callers.Length]).ToArray();
        await Task.WhenAll(callers.Select((caller, number) => Task.Factory.StartNew(
            () =>
            {
                for (var round = 0; round < Rounds; round++)
                {
                    Interlocked.Increment(ref arrived);
                    WaitFor(ref arrived, (round + 1) * callers.Length);
                    results[round][number] = caller(round).AsTask().GetAwaiter().GetResult();
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));
        return results;
    }

    // Spinning, because a barrier wakes its threads further apart than a step of a store takes.
    private static void WaitFor(ref int arrived, int all)
    {
        var end = Environment.TickCount64 + BoundMilliseconds;
        for (var spins = 0; Volatile.Read(ref arrived) < all; spins++)
        {
            if (spins < Spins)
            {
                continue;
            }

            if (Environment.TickCount64 > end)
            {
                throw new TimeoutException("Another caller of the race did not come back.");
            }

            Thread.Yield();
        }
    }
}
