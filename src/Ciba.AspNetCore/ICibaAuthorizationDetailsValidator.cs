using System.Text.Json;

namespace Ciba.AspNetCore;

/// <summary>
/// Knows what authorization details of one type must hold (RFC 9396 section 5). Register with <c>AddAuthorizationDetailsType</c>.
/// </summary>
public interface ICibaAuthorizationDetailsValidator
{
    /// <summary>
    /// Null to accept, or a sentence for the client's developer that says what is wrong, without anything of the user's: the client
    /// gets <c>invalid_authorization_details</c> with it, and nothing is stored or notified. Called for each object of the type,
    /// before any <see cref="ICibaRequestValidator"/>. With <see cref="CibaOptions.ConcealUnknownUsers"/> the request's subject may
    /// be nobody's; it must make no difference to the answer.
    /// </summary>
    /// <param name="detail">A JSON object whose <c>type</c> is the one that was registered. Bounded in length and depth, no name twice.</param>
    /// <param name="request">The request that it stands in. The secrets in <see cref="CibaRequest.Callback"/> are not to be logged.</param>
    /// <param name="client">The client, which may ask for the type.</param>
    /// <param name="cancellationToken">Fires when the client has gone.</param>
    ValueTask<string?> FindProblemAsync(JsonElement detail, CibaRequest request, CibaClient client, CancellationToken cancellationToken);
}
