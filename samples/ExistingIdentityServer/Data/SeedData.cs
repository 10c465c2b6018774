using System.Text.Json;
using Microsoft.EntityFrameworkCore;

namespace ExistingIdentityServer;

/// <summary>Who is there when the database is new. For trying things out: the password stands here, and the secret of a client is its identifier with <c>-secret</c> behind.</summary>
public static partial class SeedData
{
    private const string Password = "Passw0rd!";

    private static readonly string ClientFile = Path.Combine(AppContext.BaseDirectory, "clients.json");

    public static async Task CreateDatabaseAsync(IServiceProvider services, bool isDemo)
    {
        await using var scope = services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<AppDb>();
        await db.Database.EnsureCreatedAsync();
        var logger = scope.ServiceProvider.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(SeedData));
        if (await db.Clients.AnyAsync())
        {
            return;
        }

        if (!isDemo)
        {
            NobodyIsThere(logger);
            return;
        }

        KnownPasswords(logger);
        var users = scope.ServiceProvider.GetRequiredService<UserManager<IdentityUser>>();
        await AddUserAsync(users, "alice", "+12025550101");
        await users.SetPinAsync(await AddUserAsync(users, "bob", "+12025550102"), "1234");
        foreach (var registration in JsonElement.Parse(await File.ReadAllTextAsync(ClientFile)).EnumerateArray())
        {
            db.Clients.Add(new OAuthClient { Id = registration.GetProperty("ClientId").GetString()!, Registration = registration.GetRawText() });
        }

        await db.SaveChangesAsync();
    }

    private static async Task<IdentityUser> AddUserAsync(UserManager<IdentityUser> users, string name, string phone)
    {
        var user = new IdentityUser
        {
            UserName = name,
            Email = $"{name}@example.com",
            EmailConfirmed = true,
            PhoneNumber = phone,
            PhoneNumberConfirmed = true,
        };
        var result = await users.CreateAsync(user, Password);
        return result.Succeeded ? user : throw new InvalidOperationException(result.ToString());
    }

    [LoggerMessage(1, LogLevel.Warning, "The database is new and gets demo users and clients, whose passwords and secrets are known. For trying out only: this happens in the Development environment, or if Server:Demo is true")]
    private static partial void KnownPasswords(ILogger logger);

    [LoggerMessage(2, LogLevel.Warning, "The database has no clients. Add clients and users, or set Server:Demo to true to try the demo ones")]
    private static partial void NobodyIsThere(ILogger logger);
}
