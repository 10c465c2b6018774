// A host as a team of today has it, with CIBA from the packages: its own Redis connection, JwtBearer before its API, an OpenIddict server beside.
using System.Security.Claims;
using Ciba.AspNetCore;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.Tokens;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using OpenIddict.Server.AspNetCore;
using StackExchange.Redis;
using static OpenIddict.Server.OpenIddictServerEvents;

const string Api = "https://api.example.com/";

var builder = WebApplication.CreateBuilder(args);
var issuer = builder.Configuration["Ciba:Issuer"]!;
var credentials = new SigningCredentials(new RsaSecurityKey(System.Security.Cryptography.RSA.Create(2048)) { KeyId = "consumer" }, SecurityAlgorithms.RsaSha256);
var redis = await ConnectionMultiplexer.ConnectAsync(builder.Configuration["Redis"]!);

builder.Services.AddSingleton<IConnectionMultiplexer>(redis);
builder.Services.AddCiba(builder.Configuration.GetSection("Ciba"))
    .AddClients(new CibaClient
    {
        ClientId = "shop",
        ClientSecrets = ["a-secret-of-the-shop-that-nobody-guesses"],
        BackchannelTokenDeliveryMode = CibaTokenDeliveryModes.Poll,
        Resources = [Api],
    })
    .AddUserLookup<Users>()
    .AddDeviceNotifier<Phone>()
    .AddJwtTokenIssuer(credentials)
    .AddRedisStore(services => services.GetRequiredService<IConnectionMultiplexer>(), options => options.KeyPrefix = "consumer");

builder.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer(options =>
{
    options.MapInboundClaims = false;
    options.TokenValidationParameters = new TokenValidationParameters
    {
        ValidIssuer = issuer,
        ValidAudience = Api,
        ValidTypes = ["at+jwt"],
        IssuerSigningKey = credentials.Key,
    };
});
builder.Services.AddAuthorization();

builder.Services.AddOpenIddict().AddServer(options =>
{
    options.SetTokenEndpointUris("connect/token").AllowClientCredentialsFlow().EnableDegradedMode();
    options.AddEphemeralEncryptionKey().AddEphemeralSigningKey();
    options.UseAspNetCore().DisableTransportSecurityRequirement();
    options.AddEventHandler<ValidateTokenRequestContext>(handler => handler.UseInlineHandler(_ => default));
    options.AddEventHandler<HandleTokenRequestContext>(handler => handler.UseInlineHandler(context =>
    {
        var identity = new ClaimsIdentity(OpenIddictServerAspNetCoreDefaults.AuthenticationScheme);
        identity.AddClaim(new Claim(OpenIddictConstants.Claims.Subject, context.ClientId!));
        context.Principal = new ClaimsPrincipal(identity);
        return default;
    }));
});

var app = builder.Build();
app.UseAuthentication();
app.UseAuthorization();
app.MapCiba();
app.MapCibaDiscovery();
app.MapGet("/me", (ClaimsPrincipal user) => user.FindFirstValue("sub")).RequireAuthorization();

// Stands for the user's answer on the phone.
app.MapPost("/answer", async (ICibaApprovals approvals, CancellationToken cancellationToken) =>
{
    var pending = await approvals.ListPendingAsync("alice", cancellationToken);
    return (await approvals.ApproveAsync(pending.Single().Id, "alice", new CibaApproval(), cancellationToken)).ToString();
});
app.Run();

internal sealed class Users : ICibaUserLookup
{
    public ValueTask<CibaUserLookupResult> FindAsync(CibaHint hint, CibaClient client, CancellationToken cancellationToken) =>
        new(hint.Value == "alice" ? CibaUserLookupResult.Found(new CibaUser { Subject = "alice" }) : CibaUserLookupResult.Unknown);

    public ValueTask<bool> IsActiveAsync(string subject, CancellationToken cancellationToken) => new(subject == "alice");
}

internal sealed class Phone : ICibaDeviceNotifier
{
    public Task NotifyAsync(CibaDeviceRequest request, CancellationToken cancellationToken) => Task.CompletedTask;
}
