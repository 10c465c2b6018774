namespace Ciba.AspNetCore;

/// <summary>
/// The host cannot start with CIBA as it is set up. The message lists everything that is wrong or missing, each with its
/// cure.
/// </summary>
public sealed class CibaConfigurationException : InvalidOperationException
{
    /// <summary>Creates the exception, for what an extension of the library finds wrong.</summary>
    /// <param name="problems">The problems, a sentence or two each, with their cures.</param>
    public CibaConfigurationException(IReadOnlyList<string> problems)
        : base($"CIBA is not set up correctly:{Environment.NewLine}- {string.Join($"{Environment.NewLine}- ", problems)}") => Problems = problems;

    /// <summary>The problems, a sentence or two each.</summary>
    public IReadOnlyList<string> Problems { get; }
}
