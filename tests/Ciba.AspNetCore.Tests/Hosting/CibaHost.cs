using System.Net.Http.Headers;
using System.Security.Claims;
using System.Text;
using Ciba.AspNetCore.Callbacks;
using Ciba.AspNetCore.Store;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>
/// A provider in this process, started at the first call. Everything in it is right; a test states only what differs.
/// </summary>
public sealed class CibaHost : IAsyncDisposable
{
    public const string Issuer = "https://id.example.com";
    public const string GrantType = "urn:openid:params:grant-type:ciba";
    public const string Secret = "a-secret-that-is-long-enough-for-hs256-and-more-of-it";

    private readonly Lazy<Task<WebApplication>> _app;

    public CibaHost() => _app = new(StartAsync);

    public ManualTime Time { get; } = new();

    public FakeUsers Users { get; } = new();

    public FakeDevices Devices { get; } = new();

    public LogRecorder Log { get; } = new();

    /// <summary>The clients; the first is the one that calls unless a test says otherwise.</summary>
    public List<CibaClient> Clients { get; init; } = [Client("client"), Client("other"), Client("basic", CibaClientAuthenticationMethods.ClientSecretBasic)];

    /// <summary>Has the options before the code changes them.</summary>
    public IConfigurationSection? Section { get; init; }

    /// <summary>The host's environment.</summary>
    public string Environment { get; init; } = "Production";

    /// <summary>Changes the options.</summary>
    public Action<CibaOptions>? Options { get; init; }

    /// <summary>Adds to the builder, or replaces what is there.</summary>
    public Action<CibaBuilder>? Setup { get; init; }

    /// <summary>Adds the device notifiers.</summary>
    public Action<CibaBuilder> Notifiers { get; init; } = ciba => ciba.AddDeviceNotifier<FakeDevices>();

    /// <summary>Changes the ready token issuer.</summary>
    public Action<CibaJwtTokenIssuerOptions>? Tokens { get; init; }

    /// <summary>How long the host has been up at the first call.</summary>
    public TimeSpan Uptime { get; init; }

    /// <summary>Adds middleware of the host's own in front of routing.</summary>
    public Action<WebApplication>? BeforeRouting { get; init; }

    /// <summary>Adds endpoints and middleware of the host's own, before those of CIBA.</summary>
    public Action<WebApplication>? Map { get; init; }

    /// <summary>Maps the endpoints of CIBA, for a test that maps them in another way.</summary>
    public Action<WebApplication> Endpoints { get; init; } = app =>
    {
        app.MapCiba();
        app.MapCibaDiscovery();

        // Middleware of the tests' own knows the user.
        app.MapCibaDevice("/device").WithMetadata(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
    };

    public static CibaClient Client(string id, string method = CibaClientAuthenticationMethods.ClientSecretPost) => new()
    {
        ClientId = id,
        ClientName = $"The {id}",
        ClientSecrets = [Secret],
        TokenEndpointAuthMethod = method,
        BackchannelTokenDeliveryMode = CibaTokenDeliveryModes.Poll,
        Scopes = ["profile", "email"],
    };

    public async Task<IServiceProvider> ServicesAsync() => (await _app.Value).Services;

    public async Task<MemoryCibaRequestStore> StoreAsync() => (MemoryCibaRequestStore)(await ServicesAsync()).GetRequiredService<ICibaRequestStore>();

    public async Task<HttpClient> HttpAsync() => (await _app.Value).GetTestClient();

    /// <summary>Starts the host, for a test of what happens then.</summary>
    public Task StartedAsync() => _app.Value;

    /// <summary>A right authentication request, with some parameters changed, added, or taken away by null.</summary>
    public Task<Answer> AuthorizeAsync(params (string Name, string? Value)[] changes) =>
        PostAsync("/bc-authorize", Form([("client_id", Clients[0].ClientId), ("client_secret", Secret), ("scope", "openid"), ("login_hint", "alice")], changes));

    /// <summary>A right poll, with some parameters changed, added, or taken away by null.</summary>
    public Task<Answer> PollAsync(string? authReqId, params (string Name, string? Value)[] changes) =>
        PostAsync("/token", Form([("client_id", Clients[0].ClientId), ("client_secret", Secret), ("grant_type", GrantType), ("auth_req_id", authReqId)], changes));

    public Task<Answer> PostAsync(string path, IEnumerable<(string Name, string? Value)> form, Action<HttpRequestMessage>? change = null)
    {
        var content = new FormUrlEncodedContent(form.Where(field => field.Value is not null).Select(field => new KeyValuePair<string, string>(field.Name, field.Value!)));
        return SendAsync(HttpMethod.Post, path, content, change);
    }

    public async Task<Answer> SendAsync(HttpMethod method, string path, HttpContent? content = null, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        change?.Invoke(request);
        var response = await (await HttpAsync()).SendAsync(request);
        return new Answer(response, await response.Content.ReadAsStringAsync());
    }

    public Task<CibaDecisionResult> ApproveAsync(string authReqId, string user = "alice", CibaApproval? approval = null) =>
        DecideAsync(authReqId, (approvals, id) => approvals.ApproveAsync(id, FakeUsers.SubjectOf(user), approval ?? new CibaApproval { AuthTime = Time.GetUtcNow() }, CancellationToken.None));

    public Task<CibaDecisionResult> DenyAsync(string authReqId, string user = "alice") =>
        DecideAsync(authReqId, (approvals, id) => approvals.DenyAsync(id, FakeUsers.SubjectOf(user), CancellationToken.None));

    public Task<CibaDecisionResult> FailAsync(string authReqId, string user = "alice") =>
        DecideAsync(authReqId, (approvals, id) => approvals.FailAsync(id, FakeUsers.SubjectOf(user), CancellationToken.None));

    /// <summary>The handle under which the host's store has a request.</summary>
    public async Task<string> HandleAsync(string authReqId) => (await ServicesAsync()).GetRequiredService<AuthReqIds>().HandleOf(authReqId)!;

    /// <summary>The whole way: a request, alice's yes, and the answer with the tokens.</summary>
    public async Task<Answer> TokensAsync(CibaApproval? approval = null, params (string Name, string? Value)[] changes)
    {
        var authReqId = (await AuthorizeAsync(changes)).AuthReqId;
        Assert.That(await ApproveAsync(authReqId, approval: approval), Is.EqualTo(CibaDecisionResult.Done));
        return await PollAsync(authReqId);
    }

    /// <summary>A call of the device API as this user; null for nobody.</summary>
    public Task<Answer> DeviceAsync(HttpMethod method, string path, string? user, string? json = null) =>
        SendAsync(method, $"/device{path}", json is null ? null : new StringContent(json, Encoding.UTF8, "application/json"), request =>
        {
            if (user is not null)
            {
                request.Headers.Add("X-Test-User", user);
            }
        });

    public static AuthenticationHeaderValue Basic(string clientId, string secret) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Uri.EscapeDataString(clientId)}:{Uri.EscapeDataString(secret)}")));

    public async ValueTask DisposeAsync()
    {
        if (_app.IsValueCreated && _app.Value.IsCompletedSuccessfully)
        {
            await (await _app.Value).DisposeAsync();
        }
    }

    private static IEnumerable<(string Name, string? Value)> Form((string Name, string? Value)[] right, (string Name, string? Value)[] changes) =>
        right.Where(field => changes.All(change => change.Name != field.Name)).Concat(changes);

    private async Task<CibaDecisionResult> DecideAsync(string authReqId, Func<ICibaApprovals, string, ValueTask<CibaDecisionResult>> decide)
    {
        await using var scope = (await ServicesAsync()).CreateAsyncScope();
        return await decide(scope.ServiceProvider.GetRequiredService<ICibaApprovals>(), await HandleAsync(authReqId));
    }

    private void Configure(CibaOptions options)
    {
        options.Issuer = Issuer;
        if (Section is null)
        {
            // Many tests wait for the end of a request.
            options.MinRequestLifetime = TimeSpan.FromSeconds(1);
        }

        Options?.Invoke(options);
    }

    private async Task<WebApplication> StartAsync()
    {
        Time.Advance(-Uptime);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { EnvironmentName = Environment });
        builder.WebHost.UseTestServer(server => server.BaseAddress = new Uri("https://localhost/"));
        builder.Logging.AddProvider(Log).SetMinimumLevel(LogLevel.Trace);
        builder.Services.AddRouting();
        builder.Services.AddSingleton<TimeProvider>(Time);
        builder.Services.AddSingleton(Users);
        builder.Services.AddSingleton(Devices);
        builder.Services.AddSingleton(new RetryWaits(jitter: 0));
        var ciba = (Section is null ? builder.Services.AddCiba(Configure) : builder.Services.AddCiba(Section, Configure))
            .AddUserLookup<FakeUsers>()
            .AddJwtTokenIssuer(Tokens);
        if (Clients.Count > 0)
        {
            ciba.AddClients(Clients);
        }

        Notifiers(ciba);
        Setup?.Invoke(ciba);

        var app = builder.Build();
        app.Use((context, next) =>
        {
            if (context.Request.Headers["X-Test-User"] is [{ } user])
            {
                context.User = new ClaimsPrincipal(new ClaimsIdentity([new("sub", FakeUsers.SubjectOf(user)), new("amr", "face"), new("acr", "urn:acr:2"), .. context.Request.Headers["X-Test-Issuer"].Select(issuer => new Claim("iss", issuer!))], "test"));
            }

            return next(context);
        });
        BeforeRouting?.Invoke(app);
        app.UseRouting();
        Map?.Invoke(app);
        Endpoints(app);
        await app.StartAsync();
        Time.Advance(Uptime);
        return app;
    }
}
