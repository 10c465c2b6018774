namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Lets several callers do something at the same moment, round after round, each on a thread of its own.</summary>
public static class Race
{
    public const int Rounds = 1000;

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    /// <summary>What each caller got, by round.</summary>
    public static async Task<T[][]> RunAsync<T>(params Func<int, ValueTask<T>>[] callers)
    {
        using var start = new Barrier(callers.Length);
        var results = Enumerable.Range(0, Rounds).Select(_ => new T[callers.Length]).ToArray();
        await Task.WhenAll(callers.Select((caller, number) => Task.Factory.StartNew(
            () =>
            {
                for (var round = 0; round < Rounds; round++)
                {
                    if (!start.SignalAndWait(Bound))
                    {
                        throw new TimeoutException("Another caller of the race did not come back.");
                    }

                    results[round][number] = caller(round).AsTask().GetAwaiter().GetResult();
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));
        return results;
    }
}
