// An OpenID Provider for CIBA in one file: one client, one user, everything in memory. This terminal is the user's phone.
using System.Threading.Channels;
using Ciba.AspNetCore;

var builder = WebApplication.CreateBuilder(args);
var address = builder.Configuration["urls"] ??= "http://localhost:5070";

builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
builder.Services.AddSingleton(Channel.CreateUnbounded<CibaDeviceRequest>());
builder.Services.AddHostedService<Phone>();

builder.Services.AddCiba(options =>
    {
        options.Issuer = address;
        options.LongPolling.Timeout = TimeSpan.FromSeconds(60);     // A poll waits for the answer.
    })
    .AddClients(new CibaClient
    {
        ClientId = "shop",
        ClientName = "The Shop",
        ClientSecrets = ["shop-secret"],
        BackchannelTokenDeliveryMode = CibaTokenDeliveryModes.Poll,
        Scopes = ["openid", "profile"],
    })
    .AddUserLookup<Users>()
    .AddDeviceNotifier<PhoneNotifier>()
    .AddJwtTokenIssuer();                                           // Generates a signing key at startup.

var app = builder.Build();
app.MapCiba();                                                      // POST /bc-authorize, POST /token
app.MapCibaDiscovery();                                             // GET /.well-known/openid-configuration, GET /jwks
app.Run();

/// <summary>Resolves a hint to a user. A host asks its user database.</summary>
internal sealed class Users : ICibaUserLookup
{
    public ValueTask<CibaUserLookupResult> FindAsync(CibaHint hint, CibaClient client, CancellationToken cancellationToken) =>
        new(hint is { Kind: CibaHintKind.LoginHint, Value: "alice" } ? CibaUserLookupResult.Found(new CibaUser { Subject = "alice" }) : CibaUserLookupResult.Unknown);

    public ValueTask<bool> IsActiveAsync(string subject, CancellationToken cancellationToken) => new(subject == "alice");
}

/// <summary>Notifies the user's device. A host sends a push message or an e-mail.</summary>
internal sealed class PhoneNotifier(Channel<CibaDeviceRequest> phone) : ICibaDeviceNotifier
{
    public Task NotifyAsync(CibaDeviceRequest request, CancellationToken cancellationToken) => phone.Writer.WriteAsync(request, cancellationToken).AsTask();
}

/// <summary>Asks the user in this terminal. A host has an app, or a page, for authenticated users.</summary>
internal sealed class Phone(Channel<CibaDeviceRequest> phone, IServiceScopeFactory scopes) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var request in phone.Reader.ReadAllAsync(stoppingToken))
        {
            Console.Write($"{request.ClientName} asks for {string.Join(' ', request.Scopes)} (code {request.BindingMessage ?? "none"}). Approve? [y/n] ");
            if (await Task.Run(Console.ReadLine, stoppingToken).WaitAsync(stoppingToken) is not { } answer)
            {
                return;                                             // No terminal: the requests expire.
            }

            await using var scope = scopes.CreateAsyncScope();
            var approvals = scope.ServiceProvider.GetRequiredService<ICibaApprovals>();
            var result = answer == "y"
                ? await approvals.ApproveAsync(request.Id, request.Subject, approval: null, stoppingToken)
                : await approvals.DenyAsync(request.Id, request.Subject, stoppingToken);
            Console.WriteLine(result);
        }
    }
}
