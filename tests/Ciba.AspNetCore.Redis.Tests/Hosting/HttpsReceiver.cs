using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>A client's notification endpoint on loopback, with real TLS under a certificate of its own that nobody knows.</summary>
public sealed class HttpsReceiver : IAsyncDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private readonly WebApplication _app;
    private readonly Channel<HttpsCall> _received = Channel.CreateUnbounded<HttpsCall>();
    private readonly CancellationTokenSource _ending = new();
    private int _calls;
    private int _connections;

    private HttpsReceiver(WebApplication app, X509Certificate2 certificate) => (_app, Certificate) = (app, certificate);

    public X509Certificate2 Certificate { get; }

    public string Url => $"{_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()}/cb";

    /// <summary>What a call is answered with; 204 unless told otherwise. The token fires when the caller goes.</summary>
    public Func<HttpsCall, CancellationToken, Task<HttpStatusCode>> OnCall { get; set; } = (_, _) => Task.FromResult(HttpStatusCode.NoContent);

    /// <summary>How many calls came in, answered or not.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>How many connections were opened, with or without TLS in them.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public static async Task<HttpsReceiver> StartAsync()
    {
        var certificate = SelfSigned();
        HttpsReceiver? receiver = null;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Use(next => connection =>
            {
                Interlocked.Increment(ref receiver!._connections);
                return next(connection);
            });
            listen.UseHttps(certificate);
        }));
        var app = builder.Build();
        receiver = new HttpsReceiver(app, certificate);
        app.Run(receiver.AnswerAsync);
        await app.StartAsync();
        return receiver;
    }

    /// <summary>Makes a host trust this certificate, and keeps the check of addresses.</summary>
    public void BeTrustedBy(IServiceCollection services) => services.AddHttpClient(CibaCallbackOptions.HttpClientName)
        .ConfigurePrimaryHttpMessageHandler((handler, _) => ((SocketsHttpHandler)handler).SslOptions = new SslClientAuthenticationOptions
        {
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { Certificate },
                RevocationMode = X509RevocationMode.NoCheck,
            },
        });

    /// <summary>Waits for the next call.</summary>
    public Task<HttpsCall> NextAsync() => _received.Reader.ReadAsync().AsTask().WaitAsync(Bound);

    /// <summary>Waits for as many.</summary>
    public async Task<List<HttpsCall>> NextAsync(int count)
    {
        var calls = new List<HttpsCall>();
        while (calls.Count < count)
        {
            calls.Add(await NextAsync());
        }

        return calls;
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _app.DisposeAsync();
        Certificate.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        var headers = context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString());
        var call = new HttpsCall($"{context.Request.Method} {context.Request.Path} {context.Request.Protocol}", headers, body);
        Interlocked.Increment(ref _calls);
        _received.Writer.TryWrite(call);
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _ending.Token);
        try
        {
            context.Response.StatusCode = (int)await OnCall(call, gone.Token);
        }
        catch (OperationCanceledException)
        {
            context.Abort();
        }
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        var request = new CertificateRequest("CN=receiver", key, HashAlgorithmName.SHA256) { CertificateExtensions = { names.Build() } };
        var now = DateTimeOffset.UtcNow;
        using var made = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));

        // Not every system serves with a key that is only in memory.
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}

/// <summary>What a receiver was called with.</summary>
/// <param name="Line">Method, path and protocol.</param>
/// <param name="Headers">All headers.</param>
/// <param name="Body">The whole body.</param>
public sealed record HttpsCall(string Line, Dictionary<string, string> Headers, string Body)
{
    /// <summary>The body as a client reads it that was answered with it.</summary>
    public Answer Json => new(new HttpResponseMessage(), Body);
}
