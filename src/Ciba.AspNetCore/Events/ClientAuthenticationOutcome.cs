namespace Ciba.AspNetCore.Events;

/// <summary>How a client's authentication ended. All but the first count as failed.</summary>
internal enum ClientAuthenticationOutcome
{
    Succeeded,

    /// <summary>No credentials, or none that can be read.</summary>
    Malformed,

    UnknownClient,

    /// <summary>Not by the method that the client is registered with.</summary>
    WrongMethod,

    /// <summary>A wrong secret, signature or certificate.</summary>
    WrongCredentials,

    /// <summary>The credentials are the client's and were not acceptable, such as an expired assertion.</summary>
    Refused,

    /// <summary>The client's registration is not acceptable.</summary>
    Misregistered,

    /// <summary>Too many failures: the credentials were not looked at.</summary>
    Limited,
}
