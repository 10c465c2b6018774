namespace ExistingIdentityServer;

/// <summary>The section <c>Server</c> of the configuration.</summary>
public sealed class ServerOptions
{
    /// <summary>The address of this server: <c>iss</c> in the tokens, and what the links in mails begin with.</summary>
    public string Issuer { get; set; } = "http://localhost:5090";

    /// <summary>
    /// Whether a new database starts with users and clients whose passwords and secrets are known. By default it does in the
    /// Development environment.
    /// </summary>
    public bool? Demo { get; set; }

    /// <summary>Where mails go out. Without it none does, and the log says so.</summary>
    public string? SmtpHost { get; set; }

    public int SmtpPort { get; set; } = 25;

    public string MailFrom { get; set; } = "id@example.com";

    /// <summary>A PEM file with an EC key on the curve P-256. Without it a key is made at the start.</summary>
    public string? SigningKeyFile { get; set; }
}
