// A whole OpenID Provider for CIBA. Users live in memory, pending requests too unless Ciba:Redis names a Redis, tokens are JWTs, the phone is an HTTP API.
using Ciba.AspNetCore;
using Ciba.AspNetCore.Redis;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Options;
using Quickstart;
using StackExchange.Redis;

// The page's files stand beside the program, wherever it is started.
var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, WebRootPath = Path.Combine(AppContext.BaseDirectory, "wwwroot") });
if (!builder.Configuration.TryAddQuickstartFiles(args) || !builder.Configuration.HasValidSettings())
{
    return 1;
}

// Which endpoint asks for client certificates, the configuration says: by itself none does, so that no browser asks its user for one.
builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureHttpsDefaults(https =>
{
    var configured = https.ClientCertificateMode;
    https.UseCibaClientCertificates().ClientCertificateMode = configured;
    if (kestrel.ApplicationServices.GetRequiredService<IOptions<CibaOptions>>().Value.Profile == CibaProfile.FapiCiba)
    {
        https.UseFapiCipherSuites(allowEcdsa: builder.Configuration.GetValue<bool>("Quickstart:EcdsaCipherSuites"));
    }
}));

// Passwords and secrets that stand in the source work only for a developer, or if the configuration asks for them.
var isDemo = builder.Configuration.GetValue<bool?>("Quickstart:Demo") ?? builder.Environment.IsDevelopment();
var users = builder.Configuration.GetSection("Quickstart:Users").Get<User[]>() ?? (isDemo ? Demo.Users : []);
var clients = builder.Configuration.GetSection("Ciba:Clients");

var issuer = builder.Configuration["Ciba:Issuer"] is { Length: > 0 } configured ? configured : builder.Configuration.IssuerFromUrls();

builder.Services.AddSingleton(new UserList(users)).AddSingleton<PasswordCheck>().AddSingleton<Blocks>();

// Where the configuration says nothing.
builder.Services.Configure<CibaOptions>(options =>
{
    options.Issuer = issuer;
    options.AuthorizationDetailsTypesSupported = clients.Exists() || !isDemo ? [] : [Demo.Payment];
    options.ClientsMayCancel = true;
});

var ciba = builder.Services.AddCiba(builder.Configuration.GetSection("Ciba"))
    .AddConfigurationSchema(typeof(CibaRedisOptions).Assembly)     // its settings are known without Redis too
    .AddUserLookup<Users>()
    .AddDeviceNotifier<ConsoleNotifier>()
    .AddClientBlocks<Blocks>()
    .AddJwtTokenIssuer(options => options.PairwiseSubjectSalt = builder.Configuration["Quickstart:PairwiseSubjectSalt"]);

// Several of these behind one Redis are one provider: what is made on one can be approved and redeemed on another.
if (builder.Configuration["Ciba:Redis"] is { Length: > 0 } redis)
{
    if (SharedKeys.TryConnect(redis) is not { } connected)
    {
        return 1;
    }

    ciba.AddRedisStore(_ => connected);
    var keyPrefix = builder.Configuration["Ciba:RedisStore:KeyPrefix"] ?? new CibaRedisOptions().KeyPrefix;
    var keys = SharedKeys.Get(connected, keyPrefix);
    ciba.AddJwtTokenIssuer(options => options.SigningCredentials = keys);
    builder.Services.AddStackExchangeRedisCache(options =>
    {
        options.ConnectionMultiplexerFactory = () => Task.FromResult<IConnectionMultiplexer>(connected);
        options.InstanceName = $"{keyPrefix}:quickstart:session:";
    });
    builder.Services.AddSingleton(services => new PhoneSessions(services.GetRequiredService<IDistributedCache>(), connected, keyPrefix));
    builder.Services.AddDataProtection().SetApplicationName(nameof(Quickstart)).AddKeyManagementOptions(options => options.XmlRepository = new SharedKeyRing(connected, keyPrefix));
}
else
{
    builder.Services.AddDistributedMemoryCache();
    builder.Services.AddSingleton(services => new PhoneSessions(services.GetRequiredService<IDistributedCache>(), redis: null, keyPrefix: null));
    builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
}

// Ping and push to a receiver, and fetches of a jwks_uri, whose certificate the machine does not trust.
if (builder.Configuration["Quickstart:TrustedCallbackCertificate"] is { Length: > 0 } file)
{
    if (CallbackCertificate.TryRead(file) is not { } trusted)
    {
        return 1;
    }

    builder.Services.AddTrustForCallbacks(trusted);
}

_ = clients.Exists() ? ciba.AddClients() : isDemo ? ciba.AddClients(Demo.Clients(issuer)) : ciba.AddClientStore<NoClients>();

// The user's phone signs in with the user's name and password, curl with each call and the page once; nothing else here does.
builder.Services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, BasicAuthentication>(BasicAuthentication.Scheme, null).AddPhone();
builder.Services.AddAuthorizationBuilder().AddPolicy("Device", policy => policy.AddAuthenticationSchemes(BasicAuthentication.Scheme, Phone.Scheme).RequireAuthenticatedUser());
builder.Services.AddSingleton<DeskClient>().AddSingleton<DeskRuns>();
builder.Services.AddHostedService(services => ActivatorUtilities.CreateInstance<StartWarnings>(services, new StartFacts(isDemo, clients.Exists())));

var app = builder.Build();

try
{
    app.MapCiba();                                                  // POST /bc-authorize, POST /token
    app.MapCibaDiscovery();                                         // GET /.well-known/openid-configuration, GET /jwks
    app.MapCibaDevice("/device").RequireAuthorization("Device");    // GET /device/requests, POST /device/requests/{id}/approve, ...

    if (app.Configuration.HasPage())
    {
        app.MapPage(hasDesk: isDemo);                               // GET /
    }

    if (app.Configuration.HasAutomation())
    {
        app.MapAutomation();
    }

    app.Run();
    return 0;
}
catch (CibaConfigurationException exception)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}
