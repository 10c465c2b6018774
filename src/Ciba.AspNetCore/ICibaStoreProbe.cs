namespace Ciba.AspNetCore;

/// <summary>
/// What a store knows to be wrong though its steps are taken, for the health check of CIBA: with a problem it is degraded. Register
/// it as a singleton; there may be several.
/// </summary>
public interface ICibaStoreProbe
{
    /// <summary>Finds a problem of this node, a sentence or two with its cure; null if there is none.</summary>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <exception cref="CibaStoreUnavailableException">The store does not take its steps: the health check fails.</exception>
    ValueTask<string?> FindProblemAsync(CancellationToken cancellationToken);
}
