using ExistingIdentityServer;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Samples.Tests.Hosting;

/// <summary>The sample in this process, with its seed users and clients and a mail server of the test's.</summary>
public sealed class IdentityServerApp(string? postgres, bool hasMailServer = true) : WebApplicationFactory<Program>
{
    public const string Password = "Passw0rd!";

    public SmtpSink Mails { get; } = new();

    public LogRecorder Log { get; } = new();

    /// <summary>What the sample and the library have logged.</summary>
    public string LogText => string.Join('\n', Log.Lines.Where(line => !line.Category.StartsWith("Microsoft.", StringComparison.Ordinal)).Select(line => line.Text));

    /// <summary>A right authentication request of the call centre, with some parameters changed or added.</summary>
    public Task<Answer> AuthorizeAsync(string loginHint, params (string Name, string Value)[] more) =>
        PostAsync("/bc-authorize", "call-centre", [("scope", "openid profile offline_access"), ("login_hint", loginHint), .. more]);

    public Task<Answer> PollAsync(string authReqId) =>
        TokenAsync("call-centre", ("grant_type", CibaHost.GrantType), ("auth_req_id", authReqId));

    public Task<Answer> TokenAsync(string clientId, params (string Name, string Value)[] form) => PostAsync("/connect/token", clientId, form);

    public async Task<Answer> GetAsync(string path)
    {
        using var http = CreateClient();
        var response = await http.GetAsync(path);
        return new Answer(response, await response.Content.ReadAsStringAsync());
    }

    /// <summary>A browser without a session.</summary>
    public Browser OpenBrowser() => new(CreateClient(new() { AllowAutoRedirect = false }));

    public async Task<Browser> OpenBrowserAsync(string user)
    {
        var browser = OpenBrowser();
        await browser.SignInAsync("/sign-in", user);
        return browser;
    }

    public async Task<string> UserIdAsync(string name) => await WithUserAsync(name, (_, user) => Task.FromResult(user.Id));

    /// <summary>An administrator locks the user, or takes the user away.</summary>
    public Task EndAsync(string name, Ending ending) => WithUserAsync(name, async (users, user) =>
    {
        var result = ending == Ending.Locked ? await users.SetLockoutEndDateAsync(user, DateTimeOffset.UtcNow.AddHours(1)) : await users.DeleteAsync(user);
        Assert.That(result.Succeeded, Is.True);
        return ending;
    });

    public override async ValueTask DisposeAsync()
    {
        if (postgres is not null)
        {
            await using var scope = Services.CreateAsyncScope();
            await scope.ServiceProvider.GetRequiredService<AppDb>().Database.EnsureDeletedAsync();
        }

        await base.DisposeAsync();
        Mails.Dispose();
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("ConnectionStrings:Users", postgres ?? "");
        builder.UseSetting("Server:SmtpHost", hasMailServer ? "127.0.0.1" : "");
        builder.UseSetting("Server:SmtpPort", $"{Mails.Port}");
        builder.ConfigureLogging(logging => logging.AddProvider(Log).AddFilter<LogRecorder>(null, LogLevel.Trace));
        builder.ConfigureTestServices(services =>
        {
            services.AddDataProtection().UseEphemeralDataProtectionProvider();

            // What the log says instead of a mail is said when the client has its answer, so that a test need not wait for it.
            services.Configure<CibaOptions>(options => options.DeviceNotification = hasMailServer ? CibaDeviceNotificationMode.Background : CibaDeviceNotificationMode.BeforeAcknowledgement);
        });
    }

    private async Task<Answer> PostAsync(string path, string clientId, IEnumerable<(string Name, string Value)> form)
    {
        using var http = CreateClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Content = new FormUrlEncodedContent(form.Select(field => KeyValuePair.Create(field.Name, field.Value)));
        request.Headers.Authorization = CibaHost.Basic(clientId, $"{clientId}-secret");
        var response = await http.SendAsync(request);
        return new Answer(response, await response.Content.ReadAsStringAsync());
    }

    private async Task<T> WithUserAsync<T>(string name, Func<UserManager<IdentityUser>, IdentityUser, Task<T>> act)
    {
        await using var scope = Services.CreateAsyncScope();
        var users = scope.ServiceProvider.GetRequiredService<UserManager<IdentityUser>>();
        return await act(users, (await users.FindByNameAsync(name))!);
    }
}

/// <summary>Why a user may not authenticate any more.</summary>
public enum Ending
{
    Locked,
    Deleted,
}
