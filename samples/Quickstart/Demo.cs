using Ciba.AspNetCore;

namespace Quickstart;

/// <summary>Who is there when the configuration names nobody.</summary>
public static class Demo
{
    public static User[] Users { get; } =
    [
        new() { Subject = "1", Username = "alice", Password = "alice", Name = "Alice", Email = "alice@example.com", Phone = "+12025550101" },
        new() { Subject = "2", Username = "bob", Password = "bob", Name = "Bob", Email = "bob@example.com", Phone = "+12025550102", UserCode = "1234" },
    ];

    /// <summary>The type of authorization details that says how much is to be paid.</summary>
    public const string Payment = "payment_initiation";

    /// <summary>Made anew each time: the library keeps only the hashes of the secrets in those that it is given.</summary>
    /// <param name="issuer">Whose page has the logos.</param>
    public static CibaClient[] Clients(string issuer) =>
    [
        new()
        {
            ClientId = "shop",
            ClientName = "The Shop",
            LogoUri = Logo(issuer, "shop"),
            ClientSecrets = ["shop-secret"],
            TokenEndpointAuthMethod = CibaClientAuthenticationMethods.ClientSecretBasic,
            BackchannelTokenDeliveryMode = CibaTokenDeliveryModes.Poll,
            Scopes = ["openid", "profile", "payment"],
            AuthorizationDetailsTypes = [Payment],
        },
        new()
        {
            ClientId = "call-center",
            ClientName = "The Call Center",
            LogoUri = Logo(issuer, "call-center"),
            ClientSecrets = ["call-center-secret"],
            TokenEndpointAuthMethod = CibaClientAuthenticationMethods.ClientSecretPost,
            BackchannelTokenDeliveryMode = CibaTokenDeliveryModes.Poll,
            BackchannelUserCodeParameter = true,
            Scopes = ["openid", "profile"],
            AuthorizationDetailsTypes = [Payment],
        },
    ];

    // A logo is at a safe address, or there is none.
    private static string? Logo(string issuer, string name) =>
        Uri.TryCreate(issuer, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttps || uri.IsLoopback) ? $"{issuer}/logos/{name}.svg" : null;
}
