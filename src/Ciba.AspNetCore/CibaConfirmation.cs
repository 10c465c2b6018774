namespace Ciba.AspNetCore;

/// <summary>What an access token is bound to (RFC 7800): a certificate, a key, or both.</summary>
public sealed record CibaConfirmation
{
    /// <summary>The hash of the client's TLS certificate (<c>x5t#S256</c>, RFC 8705 section 3.1), or null.</summary>
    public string? CertificateThumbprint { get; init; }

    /// <summary>The thumbprint of the client's DPoP key (<c>jkt</c>, RFC 9449 section 6.1), or null.</summary>
    public string? DpopKeyThumbprint { get; init; }

    internal static CibaConfirmation None { get; } = new();

    internal bool IsNone => CertificateThumbprint is null && DpopKeyThumbprint is null;

    /// <summary>The claim <c>cnf</c> of an access token.</summary>
    public IReadOnlyDictionary<string, string> ToClaim()
    {
        var claim = new Dictionary<string, string>(StringComparer.Ordinal);
        if (CertificateThumbprint is not null)
        {
            claim["x5t#S256"] = CertificateThumbprint;
        }

        if (DpopKeyThumbprint is not null)
        {
            claim["jkt"] = DpopKeyThumbprint;
        }

        return claim;
    }
}
