// An identity server as a team may have had it for years: ASP.NET Core Identity for the users, pages to sign in, tokens of its own.
using ExistingIdentityServer;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

// The settings lie beside the program, wherever it is started.
var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
var server = builder.Configuration.GetSection("Server").Get<ServerOptions>() ?? new ServerOptions();
builder.Services.AddSingleton(server);
builder.Services.AddSingleton(TimeProvider.System);

// In memory everything is gone when the program ends: the database lives as long as this connection.
await using var memory = new SqliteConnection($"Data Source={Guid.NewGuid()};Mode=Memory;Cache=Shared");
await memory.OpenAsync();
builder.Services.AddDbContext<AppDb>(options => _ = builder.Configuration.GetConnectionString("Users") is { Length: > 0 } postgres
    ? options.UseNpgsql(postgres)
    : options.UseSqlite(memory.ConnectionString));

builder.Services
    .AddIdentity<IdentityUser, IdentityRole>(options => options.User.RequireUniqueEmail = true)
    .AddEntityFrameworkStores<AppDb>()
    .AddDefaultTokenProviders();
builder.Services.ConfigureApplicationCookie(options => options.LoginPath = "/sign-in");
builder.Services.Configure<SecurityStampValidatorOptions>(options => options.OnRefreshingPrincipal = Session.KeepAuthTime);
builder.Services.AddAuthorization();
builder.Services.AddRazorPages(options => options.Conventions
    .AuthorizeFolder("/")
    .AllowAnonymousToPage("/SignIn")
    .AllowAnonymousToPage("/ForgotPassword")
    .AllowAnonymousToPage("/ResetPassword")
    .AllowAnonymousToPage("/Status"));

builder.Services.AddSingleton<SigningKey>();
builder.Services.AddScoped<TokenService>();
builder.Services.AddScoped<TokenEndpoint>();
builder.Services.AddScoped<Mailer>();
builder.Services.AddCiba(builder.Configuration.GetSection("Ciba"), options => { options.Issuer = server.Issuer; options.TokenPath = "/connect/token"; })
    .AddClientStore<CibaAdapter>()
    .AddUserLookup<CibaAdapter>()
    .AddDeviceNotifier<CibaAdapter>()
    .AddTokenIssuer<CibaAdapter>();

var app = builder.Build();
await SeedData.CreateDatabaseAsync(app.Services, isDemo: server.Demo ?? app.Environment.IsDevelopment());

app.UseStatusCodePagesWithReExecute("/status/{0}");
app.UseAuthentication();
app.UseAuthorization();

app.MapRazorPages();
app.MapGet("/.well-known/openid-configuration", (CibaMetadata ciba) => ciba.MergeInto(Discovery.Document(server)));
app.MapGet("/jwks", (SigningKey key) => key.ToJwks());
app.MapGet("/connect/authorize", AuthorizeEndpoint.HandleAsync).RequireAuthorization();
app.MapPost("/connect/token", TokenEndpoint.HandleAsync).DisableAntiforgery();
app.MapCiba();

app.Run();
