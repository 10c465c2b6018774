namespace Ciba.AspNetCore;

/// <summary>The values of <see cref="CibaClient.SubjectType"/> (OpenID Connect Core section 8).</summary>
public static class CibaSubjectTypes
{
    /// <summary>All clients get the same <c>sub</c> for a user.</summary>
    public const string Public = "public";

    /// <summary>Each sector gets its own <c>sub</c> for a user.</summary>
    public const string Pairwise = "pairwise";
}
