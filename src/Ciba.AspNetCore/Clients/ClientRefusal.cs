using Ciba.AspNetCore.Events;

namespace Ciba.AspNetCore.Clients;

/// <summary>Why a client is not authenticated.</summary>
/// <param name="Outcome">What is counted.</param>
/// <param name="Reason">For the operator: no secret, and nothing that the caller wrote.</param>
/// <param name="Error">For the client.</param>
internal sealed record ClientRefusal(ClientAuthenticationOutcome Outcome, string Reason, CibaError Error)
{
    /// <summary>Whether the caller may be anyone.</summary>
    public bool IsUnproven => ReferenceEquals(Error, CibaError.InvalidClient);

    /// <summary>Found before the proof, or by it: the answer is always the same, or it would tell which clients there are, and of what kind.</summary>
    public static ClientRefusal Unproven(ClientAuthenticationOutcome outcome, string reason) => new(outcome, reason, CibaError.InvalidClient);

    /// <summary>Found after the proof: the client is told what to mend.</summary>
    public static ClientRefusal Proven(string description) => new(ClientAuthenticationOutcome.Refused, description, CibaError.InvalidClient.With(description));
}
