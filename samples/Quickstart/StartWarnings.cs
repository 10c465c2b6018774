namespace Quickstart;

/// <summary>What the warnings at the start depend on.</summary>
/// <param name="IsDemo">Whether built-in users and clients are used if none are configured, and the page has a desk.</param>
/// <param name="HasClients">Whether clients are configured.</param>
public sealed record StartFacts(bool IsDemo, bool HasClients);

/// <summary>Warns at start of settings that suit a demonstration and nothing else.</summary>
public sealed partial class StartWarnings(StartFacts facts, UserList users, IConfiguration configuration, ILogger<StartWarnings> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (facts.IsDemo)
        {
            DemoMode(
                ReferenceEquals(users.All, Demo.Users) ? "the built-in users with their known passwords" : "the configured users",
                facts.HasClients ? "the configured clients" : "the built-in clients with their known secrets",
                configuration.HasPage() ? "everyone who opens the page can act as these clients" : "the page is off");
        }
        else
        {
            if (!facts.HasClients)
            {
                NoClients();
            }

            if (users.All.Count == 0)
            {
                NoUsers();
            }
        }

        if (configuration.HasAutomation())
        {
            AutomationIsOn();
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(1, LogLevel.Warning, "Demo mode, for trying out only, with {Users} and {Clients}; {Page}. Demo mode is on in the Development environment, or if Quickstart:Demo is true")]
    private partial void DemoMode(string users, string clients, string page);

    [LoggerMessage(2, LogLevel.Warning, "No clients are configured: every client is refused. Configure Ciba:Clients, or set Quickstart:Demo to true to try the built-in ones")]
    private partial void NoClients();

    [LoggerMessage(3, LogLevel.Warning, "No users are configured. Configure Quickstart:Users, or set Quickstart:Demo to true to try the built-in ones")]
    private partial void NoUsers();

    [LoggerMessage(4, LogLevel.Warning, "Quickstart:Automation is on: anyone who can reach /automation can approve every request without its user")]
    private partial void AutomationIsOn();
}
