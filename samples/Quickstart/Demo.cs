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

    /// <summary>Made anew each time: the library keeps only the hashes of the secrets in those that it is given.</summary>
    public static CibaClient[] Clients =>
    [
        new()
        {
            ClientId = "shop",
            ClientName = "The Shop",
            ClientSecrets = ["shop-secret"],
            TokenEndpointAuthMethod = CibaClientAuthenticationMethods.ClientSecretBasic,
            BackchannelTokenDeliveryMode = CibaTokenDeliveryModes.Poll,
            Scopes = ["openid", "profile", "payment"],
        },
        new()
        {
            ClientId = "call-center",
            ClientName = "The Call Center",
            ClientSecrets = ["call-center-secret"],
            TokenEndpointAuthMethod = CibaClientAuthenticationMethods.ClientSecretPost,
            BackchannelTokenDeliveryMode = CibaTokenDeliveryModes.Poll,
            BackchannelUserCodeParameter = true,
            Scopes = ["openid", "profile"],
        },
    ];
}
