namespace Ciba.AspNetCore.Clients;

/// <summary>What the token issuer cannot do for a client, by the client's registration.</summary>
internal interface IIssuerRules
{
    /// <summary>The problems, each with its cure; none for a client whose tokens can be issued.</summary>
    IReadOnlyList<string> Check(CibaClient client);
}
