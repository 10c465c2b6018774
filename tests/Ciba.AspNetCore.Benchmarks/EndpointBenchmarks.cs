using System.Text;
using BenchmarkDotNet.Attributes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Benchmarks;

/// <summary>
/// The two endpoints through the whole pipeline, without a network, beside an endpoint that reads the same form and answers
/// a constant. What the difference is, the library costs.
/// </summary>
[MemoryDiagnoser]
public class EndpointBenchmarks
{
    private static readonly byte[] Constant = Encoding.UTF8.GetBytes("""{"error":"authorization_pending","error_description":"The user has not answered yet."}""");

    private WebApplication _app = null!;
    private TestServer _server = null!;
    private byte[] _authorize = [];
    private byte[] _poll = [];

    [GlobalSetup]
    public async Task SetUpAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseTestServer(server => server.BaseAddress = new Uri("https://localhost/"));
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<OneUser>();
        builder.Services
            .AddCiba(options =>
            {
                options.Issuer = "https://id.example.com";
                options.Limits.PendingPerUser = 0;
                options.Limits.PendingPerUserAndClient = 0;
                options.Limits.PendingPerClient = 0;
                options.Limits.PendingTotal = 0;
                options.Limits.NotificationsPerUser = 0;
                options.Limits.NotificationsPerUserAndClient = 0;
                options.RequestLifetime = TimeSpan.FromSeconds(10);
                options.MaxRequestLifetime = TimeSpan.FromHours(1);
            })
            .AddClients(new CibaClient
            {
                ClientId = "client",
                ClientSecrets = ["bench-secret-bench-secret-bench-secret-1"],
                TokenEndpointAuthMethod = CibaClientAuthenticationMethods.ClientSecretPost,
                BackchannelTokenDeliveryMode = CibaTokenDeliveryModes.Poll,
            })
            .AddUserLookup<OneUser>()
            .AddDeviceNotifier<OneUser>()
            .AddJwtTokenIssuer();
        _app = builder.Build();
        _app.UseRouting();
        _app.MapCiba();
        _app.MapPost("/empty", async context =>
        {
            await context.Request.ReadFormAsync();
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = Constant.Length;
            await context.Response.Body.WriteAsync(Constant);
        });
        await _app.StartAsync();
        _server = _app.GetTestServer();

        const string Client = "client_id=client&client_secret=bench-secret-bench-secret-bench-secret-1";
        _authorize = Encoding.ASCII.GetBytes($"{Client}&scope=openid&login_hint=alice%40example.test&binding_message=W4SCT&acr_values=urn%3Abench%3Aacr%3A1");
        byte[] longLived = [.. _authorize, .. "&requested_expiry=3600"u8];
        var response = await _app.GetTestClient().PostAsync("/bc-authorize", new ByteArrayContent(longLived) { Headers = { { "Content-Type", "application/x-www-form-urlencoded" } } });
        var authReqId = (await response.Content.ReadAsStringAsync()).Split('"')[3];
        _poll = Encoding.ASCII.GetBytes($"{Client}&grant_type=urn%3Aopenid%3Aparams%3Agrant-type%3Aciba&auth_req_id={authReqId}");
    }

    [GlobalCleanup]
    public async Task CleanUpAsync() => await _app.DisposeAsync();

    [Benchmark(Baseline = true)]
    public Task<HttpContext> EmptyEndpoint() => PostAsync("/empty", _poll);

    [Benchmark]
    public Task<HttpContext> Poll() => PostAsync("/token", _poll);

    [Benchmark]
    public Task<HttpContext> Authorize() => PostAsync("/bc-authorize", _authorize);

    private Task<HttpContext> PostAsync(string path, byte[] form) => _server.SendAsync(context =>
    {
        context.Request.Method = HttpMethods.Post;
        context.Request.Path = path;
        context.Request.ContentType = "application/x-www-form-urlencoded";
        context.Request.ContentLength = form.Length;
        context.Request.Body = new MemoryStream(form);
    });

    private sealed class OneUser : ICibaUserLookup, ICibaDeviceNotifier
    {
        private static readonly CibaUserLookupResult Alice = CibaUserLookupResult.Found(new CibaUser { Subject = "account-1" });

        public ValueTask<CibaUserLookupResult> FindAsync(CibaHint hint, CibaClient client, CancellationToken cancellationToken) => new(Alice);

        public ValueTask<bool> IsActiveAsync(string subject, CancellationToken cancellationToken) => new(true);

        public Task NotifyAsync(CibaDeviceRequest request, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
