using System.Security.Cryptography;
using System.Text;
using Ciba.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Authentication;

/// <summary>Whom a request is for. A decoy stands in for nobody: its request is stored, never shown, and expires.</summary>
internal sealed record HintedUser(string Subject, bool IsDecoy);

/// <summary>From hint to user (section 7.1): who it is, whether the user may authenticate, whether the code is right.</summary>
internal sealed class HintedUsers(ICibaUserLookup users, IdTokenHints idTokenHints, ICibaUserCodeLimiter limiter, IOptions<CibaOptions> options)
{
    // Nobody outside this process can work out which hint a decoy stands for.
    private static readonly byte[] DecoyKey = RandomNumberGenerator.GetBytes(32);

    private static readonly CibaError NotActive = CibaError.AccessDenied.With("This user cannot authenticate at present.");
    private static readonly CibaError TooManyTries = CibaError.AccessDenied.With("Too many wrong user codes for this user: try again later.");

    public async ValueTask<Outcome<HintedUser>> FindAsync(AuthenticationRequest asked, CibaClient client, CancellationToken cancellationToken)
    {
        var hint = asked.Hint;
        if (hint.Kind == CibaHintKind.IdTokenHint)
        {
            if ((await idTokenHints.SubjectOfAsync(hint.Value, client, cancellationToken)).Failed(out var error, out var subject))
            {
                return error;
            }

            hint = new CibaHint(CibaHintKind.IdTokenHint, subject);
        }

        var found = await users.FindAsync(hint, client, cancellationToken);
        if (found.User is not { } user)
        {
            return found == CibaUserLookupResult.Unknown ? await NobodyAsync(asked, client, CibaError.UnknownUserId, cancellationToken) : found.Error!;
        }

        if (!await users.IsActiveAsync(user.Subject, cancellationToken))
        {
            return await NobodyAsync(asked, client, NotActive, cancellationToken);
        }

        if (client.BackchannelUserCodeParameter && user.HasUserCode
            && await CheckUserCodeAsync(user.Subject, asked.UserCode, cancellationToken) is { } wrong)
        {
            return wrong;
        }

        return new HintedUser(user.Subject, IsDecoy: false);
    }

    private async ValueTask<Outcome<HintedUser>> NobodyAsync(AuthenticationRequest asked, CibaClient client, CibaError error, CancellationToken cancellationToken)
    {
        if (!options.Value.ConcealUnknownUsers)
        {
            return error;
        }

        var digest = HMACSHA256.HashData(DecoyKey, Encoding.UTF8.GetBytes(asked.Hint.Value));
        var subject = $"nobody:{Base64Url.EncodeToString(digest)}";

        // Whatever code is sent, it is not the code of nobody; and nobody has no more tries than anybody.
        if (client.BackchannelUserCodeParameter && asked.UserCode is not null)
        {
            return await TryUserCodeAsync(subject, cancellationToken) ? CibaError.InvalidUserCode : TooManyTries;
        }

        return new HintedUser(subject, IsDecoy: true);
    }

    private async ValueTask<CibaError?> CheckUserCodeAsync(string subject, string? userCode, CancellationToken cancellationToken)
    {
        if (userCode is null)
        {
            return CibaError.MissingUserCode;
        }

        if (!await TryUserCodeAsync(subject, cancellationToken))
        {
            return TooManyTries;
        }

        if (!await users.IsUserCodeAsync(subject, userCode, cancellationToken))
        {
            return CibaError.InvalidUserCode;
        }

        await limiter.SucceededAsync(subject, cancellationToken);
        return null;
    }

    private ValueTask<bool> TryUserCodeAsync(string subject, CancellationToken cancellationToken) =>
        limiter.TryBeginAsync(subject, options.Value.MaxUserCodeFailures, options.Value.UserCodeWindow, cancellationToken);
}
