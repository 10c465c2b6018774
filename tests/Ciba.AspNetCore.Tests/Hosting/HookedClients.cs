using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A client store of the host's own, whose one client a test changes or makes slow to find.</summary>
public sealed class HookedClients : ICibaClientStore
{
    public required CibaClient? Current { get; set; }

    /// <summary>Runs before the client is found.</summary>
    public Func<Task> OnFind { get; set; } = () => Task.CompletedTask;

    /// <summary>A right authentication request of that client, of which the host itself knows nothing.</summary>
    public static Task<Answer> AskAsync(CibaHost host, string user = "alice") => host.PostAsync("/bc-authorize", [
        ("client_id", "client"), ("client_secret", CibaHost.Secret), ("scope", "openid"), ("login_hint", user), ("client_notification_token", CallbackCalls.NotificationToken)]);

    public void Use(CibaBuilder builder)
    {
        builder.Services.AddSingleton(this);
        builder.AddClientStore<HookedClients>();
    }

    public async ValueTask<CibaClient?> FindAsync(string clientId, CancellationToken cancellationToken)
    {
        await OnFind();
        return Current;
    }
}
