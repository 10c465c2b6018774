using Ciba.AspNetCore.Events;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Store;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Authentication;

/// <summary>Whom a request is for.</summary>
/// <param name="Subject">The user; where there is none, a subject that no user has.</param>
/// <param name="LimitGroup">See <see cref="CibaRequest.LimitGroup"/>.</param>
/// <param name="IsConcealed">See <see cref="CibaRequest.IsConcealed"/>.</param>
internal sealed record HintedUser(string Subject, string? LimitGroup = null, bool IsConcealed = false);

/// <summary>From hint to user (section 7.1): who it is, whether the user may authenticate, whether the code is right.</summary>
internal sealed class HintedUsers(ICibaUserLookup users, IdTokenHints idTokenHints, ICibaClientBlocks? blocks, ICibaUserCodeLimiter limiter, AuthReqIds ids, CibaTenant tenant, Signals signals, IOptions<CibaOptions> options)
{
    private static readonly CibaError NotActive = CibaError.AccessDenied.With("This user cannot authenticate at present.");
    private static readonly CibaError OtherSubject = CibaError.UnknownUserId.With("The hint does not name the user whom sub in claims names.");
    private static readonly CibaError TooManyTries = CibaError.AccessDenied.With("Too many wrong user codes for this user: try again later.");
    private static readonly CibaError TooManyTriesOfClient = CibaError.AccessDenied.With("Too many wrong user codes of this client for this user: try again later.");

    public async ValueTask<Outcome<HintedUser>> FindAsync(AuthenticationRequest asked, CibaClient client, CancellationToken cancellationToken)
    {
        if ((await ReadHintAsync(asked.Hint, client, cancellationToken)).Failed(out var error, out var hint))
        {
            return error;
        }

        var found = await users.FindAsync(hint, client, cancellationToken);
        if (found.User is null && found != CibaUserLookupResult.Unknown)
        {
            return found.Error!;
        }

        return options.Value.ConcealUnknownUsers
            ? await ConcealAsync(asked, hint, found.User, client, cancellationToken)
            : await CheckAsync(asked, found.User, client, cancellationToken);
    }

    private async ValueTask<Outcome<HintedUser>> CheckAsync(AuthenticationRequest asked, CibaUser? user, CibaClient client, CancellationToken cancellationToken)
    {
        if (user is null)
        {
            return CibaError.UnknownUserId;
        }

        if (asked.Claims.IsOfAnother(user.Subject))
        {
            return OtherSubject;
        }

        if (!await users.IsActiveAsync(user.Subject, cancellationToken))
        {
            return NotActive;
        }

        if (blocks is not null && await blocks.IsBlockedAsync(user.Subject, client.ClientId, cancellationToken))
        {
            return LimitErrors.UserBlocksClient;
        }

        if (client.BackchannelUserCodeParameter && user.HasUserCode
            && await CheckUserCodeAsync(user.Subject, client.ClientId, asked.UserCode, cancellationToken) is { } wrong)
        {
            return wrong;
        }

        return new HintedUser(user.Subject);
    }

    /// <summary>
    /// Section 15: whatever stands against a request is found out, and not told. The host is asked the same for everybody, known or
    /// not, so that the time that it takes tells nothing either.
    /// </summary>
    private async ValueTask<HintedUser> ConcealAsync(AuthenticationRequest asked, CibaHint hint, CibaUser? user, CibaClient client, CancellationToken cancellationToken)
    {
        var decoy = ids.Decoy(hint);
        var subject = user?.Subject ?? decoy;
        var isActive = await AskAsync(user, () => users.IsActiveAsync(subject, cancellationToken));
        var isBlocked = blocks is not null && await AskAsync(user, () => blocks.IsBlockedAsync(subject, client.ClientId, cancellationToken));
        var isCodeRight = !client.BackchannelUserCodeParameter || await IsCodeRightAsync(user, decoy, client, asked.UserCode, cancellationToken);
        var isReached = user is not null && !asked.Claims.IsOfAnother(subject) && isActive && !isBlocked && isCodeRight;
        return new HintedUser(subject, decoy, IsConcealed: !isReached);
    }

    private async ValueTask<bool> IsCodeRightAsync(CibaUser? user, string decoy, CibaClient client, string? userCode, CancellationToken cancellationToken)
    {
        if (user is { HasUserCode: true })
        {
            return await CheckUserCodeAsync(user.Subject, client.ClientId, userCode, cancellationToken) is null;
        }

        if (userCode is not null)
        {
            await TryUserCodeAsync(decoy, client.ClientId, () => AskAsync(user, () => users.IsUserCodeAsync(user?.Subject ?? decoy, userCode, cancellationToken)), cancellationToken);
        }

        return true;
    }

    /// <summary>Asks the host. What it makes of a subject that no user has is of no interest, an exception neither.</summary>
    private static async ValueTask<bool> AskAsync(CibaUser? user, Func<ValueTask<bool>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception exception) when (user is null && exception is not OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>The hint as the host's look-up takes it: of an ID Token, its <c>sub</c>.</summary>
    private async ValueTask<Outcome<CibaHint>> ReadHintAsync(CibaHint hint, CibaClient client, CancellationToken cancellationToken)
    {
        if (hint.Kind != CibaHintKind.IdTokenHint)
        {
            return hint;
        }

        return (await idTokenHints.SubjectOfAsync(hint.Value, client, cancellationToken)).Failed(out var error, out var subject)
            ? error
            : new CibaHint(CibaHintKind.IdTokenHint, subject);
    }

    private async ValueTask<CibaError?> CheckUserCodeAsync(string subject, string clientId, string? userCode, CancellationToken cancellationToken)
    {
        if (userCode is null)
        {
            return CibaError.MissingUserCode;
        }

        var error = await TryUserCodeAsync(subject, clientId, () => users.IsUserCodeAsync(subject, userCode, cancellationToken), cancellationToken);
        if (error is not null)
        {
            signals.UserCodeFailed(tenant.Realm, clientId, subject, error.Description);
        }

        return error;
    }

    private async ValueTask<CibaError?> TryUserCodeAsync(string subject, string clientId, Func<ValueTask<bool>> isRight, CancellationToken cancellationToken)
    {
        // The client's own tries first: they end before the user's do, or one client could keep the user from all others.
        var userKey = tenant.KeyOf(subject);
        var clientKey = $"\n{clientId}\n{userKey}";
        await using var attempt = new CountedAttempt(limiter);
        if (!await attempt.TryBeginAsync(clientKey, options.Value.UserCodeFailuresPerClient, options.Value.UserCodeWindow, cancellationToken))
        {
            return TooManyTriesOfClient.WithRetryAfter(await limiter.GetRemainingTimeAsync(clientKey, cancellationToken));
        }

        if (!await attempt.TryBeginAsync(userKey, options.Value.MaxUserCodeFailures, options.Value.UserCodeWindow, cancellationToken))
        {
            return TooManyTries.WithRetryAfter(await limiter.GetRemainingTimeAsync(userKey, cancellationToken));
        }

        // A look-up that fails is no wrong code, and nobody is to be locked out by it.
        attempt.Counts = !await isRight();
        return attempt.Counts ? CibaError.InvalidUserCode : null;
    }
}
