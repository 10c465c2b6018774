using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Benchmarks;

/// <summary>
/// As many notification endpoints as are asked for, each on a loopback address of its own (127.0.1.1 and so on, which are
/// there on Linux without being set up), with real TLS. Some of them take a call and never answer.
/// </summary>
internal sealed class CallbackReceivers : IAsyncDisposable
{
    private const int PerNetwork = 250;

    private readonly X509Certificate2 _certificate = SelfSigned();
    private readonly WebApplication _app;

    public CallbackReceivers()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Any, 0, listen => listen.UseHttps(_certificate)));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    /// <summary>When each <c>auth_req_id</c> came in, as often as it came in.</summary>
    public ConcurrentDictionary<string, ConcurrentQueue<long>> Pings { get; } = new(StringComparer.Ordinal);

    /// <summary>How many calls are kept waiting for an answer now.</summary>
    public int Hanging => Volatile.Read(ref _hanging);

    private int _hanging;

    public Task StartAsync() => _app.StartAsync();

    public string Url(int number, bool hangs)
    {
        var port = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;
        return $"https://127.0.{1 + (number / PerNetwork)}.{1 + (number % PerNetwork)}:{port}/{(hangs ? "hang" : "ping")}";
    }

    /// <summary>Makes a provider accept this certificate, and keeps the check of addresses.</summary>
    public void BeTrustedBy(IServiceCollection services)
    {
        var hash = _certificate.GetCertHashString();
        services.AddHttpClient(CibaCallbackOptions.HttpClientName).ConfigurePrimaryHttpMessageHandler((handler, _) =>
            ((SocketsHttpHandler)handler).SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate!.GetCertHashString() == hash);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _certificate.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var json = await JsonDocument.ParseAsync(context.Request.Body);
        Pings.GetOrAdd(json.RootElement.GetProperty("auth_req_id").GetString()!, _ => new()).Enqueue(Stopwatch.GetTimestamp());
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        if (context.Request.Path == "/hang")
        {
            Interlocked.Increment(ref _hanging);
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Interlocked.Decrement(ref _hanging);
        }
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = DateTimeOffset.UtcNow;
        using var made = new CertificateRequest("CN=receivers", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
