namespace Ciba.AspNetCore;

/// <summary>
/// An optional check of the host's own, after all of the specification's: what a client may ask of which user, what a
/// binding message must look like. Register as many as you like with <c>AddRequestValidator</c>.
/// </summary>
public interface ICibaRequestValidator
{
    /// <summary>
    /// Null to accept, or the error to answer, for instance
    /// <c>CibaError.InvalidBindingMessage.With("Four digits are expected.")</c>. Nothing is stored or notified then. With
    /// <see cref="CibaOptions.ConcealUnknownUsers"/> the subject may be nobody's; it must make no difference to the answer. The
    /// secrets in <see cref="CibaRequest.Callback"/> are not to be logged.
    /// </summary>
    ValueTask<CibaError?> ValidateAsync(CibaRequest request, CibaClient client, CancellationToken cancellationToken);
}
