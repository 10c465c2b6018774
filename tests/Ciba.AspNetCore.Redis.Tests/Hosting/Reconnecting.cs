using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>Calls through a client that has lost its server.</summary>
public static class Reconnecting
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Calls until the client has found its way back, which takes it about a second, and gives the first answer.</summary>
    public static async Task<T> WorksAgainAsync<T>(Func<Task<T>> call)
    {
        using var bound = new CancellationTokenSource(Bound);
        while (true)
        {
            try
            {
                return await call().WaitAsync(bound.Token);
            }
            catch (Exception exception) when (exception is RedisConnectionException or RedisServerException)
            {
                await Task.Delay(Pause, bound.Token);
            }
        }
    }
}
