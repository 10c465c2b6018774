namespace Ciba.AspNetCore;

/// <summary>Counts wrong user codes, so that nobody tries them all (CIBA Core section 7.1, <c>user_code</c>).</summary>
public interface ICibaUserCodeLimiter
{
    /// <summary>
    /// Counts a try as wrong before it is looked at, in one atomic step; false, and nothing counted, where
    /// <paramref name="maxFailures"/> are counted already. However many tries come at once, no more get through.
    /// </summary>
    /// <param name="subject">The user.</param>
    /// <param name="attempt">The caller's own name for this try. A limiter whose answer can get lost may be asked again under it, and counts it once.</param>
    /// <param name="maxFailures">How many wrong tries the user has.</param>
    /// <param name="window">How long a count lasts, from its first wrong try.</param>
    /// <param name="cancellationToken">Fires when the client has gone.</param>
    ValueTask<bool> TryBeginAsync(string subject, string attempt, int maxFailures, TimeSpan window, CancellationToken cancellationToken);

    /// <summary>Takes back a try that was right after all, or came to no answer. One that is not counted takes back no other.</summary>
    /// <param name="subject">The user.</param>
    /// <param name="attempt">The name under which the try began.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask SucceededAsync(string subject, string attempt, CancellationToken cancellationToken);

    /// <summary>Gets the time until the window of a count ends: when a try that was refused may be made again. Zero where nothing is counted.</summary>
    /// <param name="subject">The user.</param>
    /// <param name="cancellationToken">Fires when the client has gone.</param>
    ValueTask<TimeSpan> GetRemainingTimeAsync(string subject, CancellationToken cancellationToken);
}
