namespace Ciba.AspNetCore;

/// <summary>
/// A check of an extension of the library when the host starts: what it finds stands in the same
/// <see cref="CibaConfigurationException"/> as everything else. Register it as a singleton.
/// </summary>
public interface ICibaStartupCheck
{
    /// <summary>The problems, a sentence or two each, with their cures; none where all is well. Waits for nothing.</summary>
    /// <param name="clients">The clients of <c>AddClients</c>; those of a store of the host's own are not known.</param>
    IEnumerable<string> FindProblems(IReadOnlyList<CibaClient> clients);
}
