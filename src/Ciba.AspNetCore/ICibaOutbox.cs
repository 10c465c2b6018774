namespace Ciba.AspNetCore;

/// <summary>
/// What is still to be done for stored requests: tell the device, call the client back, or take note of an expiry; which of
/// these follows from where the request stands. A request is in the outbox once at most. Every method is one atomic step,
/// as in <see cref="ICibaRequestStore"/>, which writes the entries.
/// </summary>
/// <remarks>
/// Who is handed an entry holds it until <see cref="CibaOutboxEntry.HeldUntil"/>: until then nobody else gets it, and
/// afterwards anybody may, on whichever node. A decision takes the entry from its holder and makes it due at once. A request
/// that is handed out as expired is expired from then on, by whatever clock. An entry goes with its request.
/// </remarks>
public interface ICibaOutbox
{
    /// <summary>
    /// Hands out entries that are due (at <paramref name="now"/> or before) in one shard of users, those first that are due
    /// longest, to this caller alone until <paramref name="heldUntil"/>.
    /// </summary>
    /// <param name="shard">See <see cref="CibaRequestId.Shard"/>.</param>
    /// <param name="now">The time.</param>
    /// <param name="heldUntil">Later than <paramref name="now"/>.</param>
    /// <param name="most">How many at most.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask<IReadOnlyList<CibaOutboxEntry>> ClaimDueAsync(char shard, DateTimeOffset now, DateTimeOffset heldUntil, int most, CancellationToken cancellationToken);

    /// <summary>Hands out the entry of one request, where there is one and it is due; else null.</summary>
    ValueTask<CibaOutboxEntry?> ClaimAsync(string id, DateTimeOffset now, DateTimeOffset heldUntil, CancellationToken cancellationToken);

    /// <summary>
    /// Ends an entry. False where it is no longer the caller's: held until another time, decided meanwhile, or gone.
    /// </summary>
    ValueTask<bool> SettleAsync(string id, DateTimeOffset heldUntil, CibaSettlement settlement, CancellationToken cancellationToken);

    /// <summary>Gives an entry back, due at another time, which is not its <paramref name="heldUntil"/>. False as for <see cref="SettleAsync"/>.</summary>
    ValueTask<bool> PostponeAsync(string id, DateTimeOffset heldUntil, DateTimeOffset dueAt, CancellationToken cancellationToken);

    /// <summary>
    /// Keeps the tokens of a push with its entry until that is ended, so that every try sends the same ones, whichever node makes it;
    /// in the place of those that are kept, if any. They are secrets: what leaves the process is encrypted. False as for
    /// <see cref="SettleAsync"/>; then they must not be sent.
    /// </summary>
    /// <param name="id">The request.</param>
    /// <param name="heldUntil">Until when the entry is the caller's.</param>
    /// <param name="tokens">What <see cref="CibaOutboxEntry.Tokens"/> gives back.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask<bool> KeepTokensAsync(string id, DateTimeOffset heldUntil, ReadOnlyMemory<byte> tokens, CancellationToken cancellationToken);
}

/// <summary>A request with something to be done for it, held by the caller.</summary>
/// <param name="Request">The request, with its <see cref="CibaRequest.Callback"/> in ping and push mode.</param>
/// <param name="Status">
/// Where it stood when it was handed out. A poll whose lease has run out by then counts for nothing: the request is approved.
/// </param>
/// <param name="Decision">The user's answer, where it is approved.</param>
/// <param name="HeldUntil">Until when the entry is the caller's.</param>
public sealed record CibaOutboxEntry(CibaRequest Request, CibaRequestStatus Status, CibaDecision? Decision, DateTimeOffset HeldUntil)
{
    /// <summary>Gets what <see cref="ICibaOutbox.KeepTokensAsync"/> has kept. The default is empty: nothing.</summary>
    public ReadOnlyMemory<byte> Tokens { get; init; }

    /// <summary>Shows nothing of the secrets.</summary>
    public override string ToString() => nameof(CibaOutboxEntry);
}

/// <summary>What an entry of the outbox came to.</summary>
public enum CibaSettlement
{
    /// <summary>There is nothing more to be done, or nothing that can be.</summary>
    Done,

    /// <summary>The client was sent its tokens (push mode): an approved request is redeemed from now on.</summary>
    TokensSent,
}
