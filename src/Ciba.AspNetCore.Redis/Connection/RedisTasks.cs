namespace Ciba.AspNetCore.Redis.Connection;

internal static class RedisTasks
{
    /// <summary>
    /// Waits for Redis so long and no longer, and goes on off the thread that brought the answer: StackExchange.Redis 1 hands
    /// out all answers in order, and would hand out no other while this one's caller works.
    /// </summary>
    /// <exception cref="TimeoutException">Redis did not answer; whether it will is not known.</exception>
    public static async Task<T> WithinAsync<T>(this Task<T> answer, TimeSpan timeout, TimeProvider time)
    {
        if (!answer.IsCompleted)
        {
            await ((Task)answer).WaitAsync(timeout, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.Yield();
        }

        return answer.IsCompleted ? await answer : throw new TimeoutException();
    }
}
