// The client's side of ping and push, for trying them by hand: a notification endpoint over https that prints what it is sent.
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

var readable = new JsonSerializerOptions(JsonSerializerDefaults.Web) { WriteIndented = true };
var settings = new ConfigurationBuilder().AddCommandLine(args).Build();
var port = settings.GetValue("port", 5443);
var certificateFile = Path.GetFullPath(settings["certificate"] ?? "receiver.pem");
var token = settings["token"] ?? "demo-notification-token";    // the client_notification_token
var tokenEndpoint = settings["token-endpoint"] ?? "http://localhost:5080/token";
var client = $"{settings["client-id"] ?? "ping-shop"}:{settings["client-secret"] ?? "ping-shop-secret"}";    // the one that is pinged

using var certificate = MakeCertificate();

var builder = WebApplication.CreateBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(port, listen => listen.UseHttps(certificate)));
var app = builder.Build();
using var http = new HttpClient();

app.MapPost("/cb", async (HttpContext context) =>
{
    if (!IsTheProvider(context.Request.Headers.Authorization.ToString()))
    {
        return Results.Unauthorized();
    }

    // A real client looks whether the auth_req_id is one of its own, takes a second callback for it as said already, and
    // validates the ID Token of a push.
    var body = (await context.Request.ReadFromJsonAsync<JsonObject>())!;
    var isPing = body.Count == 1;
    Print(isPing ? "Ping" : "Push", body);
    if (isPing)
    {
        // The provider has its answer before it is asked for the tokens.
        context.Response.OnCompleted(() => RedeemAsync((string)body["auth_req_id"]!));
    }

    return Results.NoContent();
});

await app.StartAsync();

// The provider is given the certificate to trust it; the private key never leaves this process.
File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
Console.WriteLine($"Listening on https://localhost:{port}/cb with the certificate in {certificateFile}");
await app.WaitForShutdownAsync();

bool IsTheProvider(string authorization) => CryptographicOperations.FixedTimeEquals(
    SHA256.HashData(Encoding.UTF8.GetBytes(authorization)),
    SHA256.HashData(Encoding.UTF8.GetBytes($"Bearer {token}")));

async Task RedeemAsync(string authReqId)
{
    using var request = new HttpRequestMessage(HttpMethod.Post, tokenEndpoint);
    request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(client)));
    request.Content = new FormUrlEncodedContent(
        [new("grant_type", "urn:openid:params:grant-type:ciba"), new("auth_req_id", authReqId)]);
    using var response = await http.SendAsync(request);
    Print("Token endpoint", (await response.Content.ReadFromJsonAsync<JsonObject>())!);
}

void Print(string what, JsonObject body)
{
    var shown = body.ToDictionary(
        field => field.Key,
        field => field.Key is "access_token" or "refresh_token" or "id_token" ? Cut($"{field.Value}") : field.Value);
    Console.WriteLine($"{what} {JsonSerializer.Serialize(shown, readable)}");
}

static string Cut(string token) => token.Length > 24 ? $"{token[..24]}..." : token;

static X509Certificate2 MakeCertificate()
{
    using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
    var names = new SubjectAlternativeNameBuilder();
    names.AddDnsName("localhost");
    names.AddIpAddress(IPAddress.Loopback);
    names.AddIpAddress(IPAddress.IPv6Loopback);
    request.CertificateExtensions.Add(names.Build());

    // By way of PKCS #12, because TLS on Windows takes no key that is only in memory.
    using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
    return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
}
