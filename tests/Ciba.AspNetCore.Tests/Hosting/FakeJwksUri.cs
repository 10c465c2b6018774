using System.Net;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>What stands behind a <c>jwks_uri</c>, and how often it was asked for.</summary>
public sealed class FakeJwksUri(string jwks) : HttpMessageHandler
{
    public const string Url = "https://client.example/jwks";

    private int _calls;

    /// <summary>The JWK Set that is published now.</summary>
    public string Jwks { get; set; } = jwks;

    /// <summary>What it answers instead of the JWK Set; null for nothing else.</summary>
    public Func<CancellationToken, Task<HttpResponseMessage>>? OnGet { get; set; }

    /// <summary>What the last call asked for in <c>Accept-Encoding</c>.</summary>
    public string? AcceptEncoding { get; private set; }

    public int Calls => Volatile.Read(ref _calls);

    /// <summary>A host whose clients have their keys here.</summary>
    public CibaHost Host(params string[] clients) => new()
    {
        Clients = [.. clients.DefaultIfEmpty("client").Select(Client)],
        Options = options => options.Limits.SwitchOff(),
        Setup = Use,
    };

    /// <summary>A host whose one client has a secret, and the keys of its signed requests here.</summary>
    public CibaHost SigningHost(Action<CibaOptions>? options = null)
    {
        var client = SignedCalls.Client();
        (client.Jwks, client.JwksUri) = (null, Url);
        return new()
        {
            Clients = [client],
            Options = more =>
            {
                more.Limits.SwitchOff();
                options?.Invoke(more);
            },
            Setup = Use,
        };
    }

    public void Use(CibaBuilder ciba) => ciba.Services.AddHttpClient(CibaCallbackOptions.JwksUriHttpClientName).ConfigurePrimaryHttpMessageHandler(() => this);

    public static HttpResponseMessage Answer(HttpStatusCode status, HttpContent content) => new(status) { Content = content };

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _calls);
        AcceptEncoding = request.Headers.AcceptEncoding.ToString();
        return OnGet is { } onGet ? onGet(cancellationToken) : Task.FromResult(Answer(HttpStatusCode.OK, new StringContent(Jwks)));
    }

    private static CibaClient Client(string id)
    {
        var client = CibaHost.Client(id, CibaClientAuthenticationMethods.PrivateKeyJwt);
        client.ClientSecrets = [];
        client.JwksUri = Url;
        return client;
    }
}
