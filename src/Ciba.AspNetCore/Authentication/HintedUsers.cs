using Ciba.AspNetCore.Events;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Store;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Authentication;

/// <summary>Whom a request is for. A decoy stands in for nobody: its request is stored, never shown, and expires.</summary>
internal sealed record HintedUser(string Subject, bool IsDecoy);

/// <summary>From hint to user (section 7.1): who it is, whether the user may authenticate, whether the code is right.</summary>
internal sealed class HintedUsers(ICibaUserLookup users, IdTokenHints idTokenHints, ICibaClientBlocks? blocks, ICibaUserCodeLimiter limiter, AuthReqIds ids, CibaTenant tenant, Signals signals, IOptions<CibaOptions> options)
{
    private static readonly CibaError NotActive = CibaError.AccessDenied.With("This user cannot authenticate at present.");
    private static readonly CibaError Blocked = CibaError.AccessDenied.With("This user takes no requests of this client.");
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
        if (found.User is not { } user)
        {
            return found == CibaUserLookupResult.Unknown ? Nobody(asked, CibaError.UnknownUserId) : found.Error!;
        }

        if (asked.Claims.IsOfAnother(user.Subject))
        {
            return Nobody(asked, OtherSubject);
        }

        if (!await users.IsActiveAsync(user.Subject, cancellationToken))
        {
            return Nobody(asked, NotActive);
        }

        if (blocks is not null && await blocks.IsBlockedAsync(user.Subject, client.ClientId, cancellationToken))
        {
            return Nobody(asked, Blocked);
        }

        if (client.BackchannelUserCodeParameter && user.HasUserCode
            && await CheckUserCodeAsync(user.Subject, client.ClientId, asked.UserCode, cancellationToken) is { } wrong)
        {
            return wrong;
        }

        return new HintedUser(user.Subject, IsDecoy: false);
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

    // A decoy is treated as a user without a code, whatever code was sent.
    private Outcome<HintedUser> Nobody(AuthenticationRequest asked, CibaError error)
    {
        return options.Value.ConcealUnknownUsers ? new HintedUser(ids.Decoy(asked.Hint.Value), IsDecoy: true) : error;
    }

    private async ValueTask<CibaError?> CheckUserCodeAsync(string subject, string clientId, string? userCode, CancellationToken cancellationToken)
    {
        if (userCode is null)
        {
            return CibaError.MissingUserCode;
        }

        // The client's own tries first: they end before the user's do, or one client could keep the user from all others.
        var userKey = tenant.KeyOf(subject);
        var clientKey = $"\n{clientId}\n{userKey}";
        if (!await limiter.TryBeginAsync(clientKey, options.Value.UserCodeFailuresPerClient, options.Value.UserCodeWindow, cancellationToken))
        {
            return Refused(TooManyTriesOfClient);
        }

        if (!await limiter.TryBeginAsync(userKey, options.Value.MaxUserCodeFailures, options.Value.UserCodeWindow, cancellationToken))
        {
            await limiter.SucceededAsync(clientKey, cancellationToken);
            return Refused(TooManyTries);
        }

        if (!await users.IsUserCodeAsync(subject, userCode, cancellationToken))
        {
            return Refused(CibaError.InvalidUserCode);
        }

        await limiter.SucceededAsync(clientKey, cancellationToken);
        await limiter.SucceededAsync(userKey, cancellationToken);
        return null;

        CibaError Refused(CibaError error)
        {
            signals.UserCodeFailed(tenant.Realm, clientId, subject, error.Description);
            return error;
        }
    }
}
