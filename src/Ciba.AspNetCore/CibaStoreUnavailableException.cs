namespace Ciba.AspNetCore;

/// <summary>
/// A store cannot be reached, or did not answer in its time: the endpoints answer 503 <c>temporarily_unavailable</c>. Whether
/// the step was taken is not known. The message is logged and holds nothing of the request.
/// </summary>
public sealed class CibaStoreUnavailableException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What is wrong, for the operator.</param>
    /// <param name="innerException">What the store's client library said.</param>
    public CibaStoreUnavailableException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
