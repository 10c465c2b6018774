using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Ciba.AspNetCore;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;

namespace Quickstart;

/// <summary>A client of this provider that calls it over HTTP, as any other client would.</summary>
public sealed class DeskClient(IServer server, IOptions<CibaOptions> options) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = TimeSpan.FromMinutes(6) };

    public string AuthenticationPath => options.Value.BackchannelAuthenticationPath;

    public string TokenPath => options.Value.TokenPath;

    /// <summary>Where a client takes its request back, null where the provider lets none do so.</summary>
    public string? CancelPath => options.Value.ClientsMayCancel ? AuthenticationPath + "/cancel" : null;

    /// <summary>Posts a form as this client; an answer without JSON, or none at all, has status and error of its own.</summary>
    public async Task<DeskAnswer> PostAsync(CibaClient client, string path, Dictionary<string, string> form, CancellationToken cancellationToken)
    {
        var secret = Secret(client)!;
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Address, path));
        if (client.TokenEndpointAuthMethod == CibaClientAuthenticationMethods.ClientSecretBasic)
        {
            var pair = $"{Uri.EscapeDataString(client.ClientId)}:{Uri.EscapeDataString(secret)}";
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(pair)));
        }
        else
        {
            form = new(form) { ["client_id"] = client.ClientId, ["client_secret"] = secret };
        }

        request.Content = new FormUrlEncodedContent(form);
        return await SendAsync(request, cancellationToken);
    }

    public async Task<DeskAnswer> DiscoverAsync(CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Address, "/.well-known/openid-configuration"));
        return await SendAsync(request, cancellationToken);
    }

    /// <summary>Whether the desk can act as this client: it polls, with a secret that stands in the clear.</summary>
    public static bool CanBe(CibaClient client) =>
        client.BackchannelTokenDeliveryMode == CibaTokenDeliveryModes.Poll
        && client.TokenEndpointAuthMethod is CibaClientAuthenticationMethods.ClientSecretBasic or CibaClientAuthenticationMethods.ClientSecretPost
        && client.BackchannelAuthenticationRequestSigningAlg is null
        && Secret(client) is not null;

    public void Dispose() => _http.Dispose();

    private static string? Secret(CibaClient client) =>
        client.ClientSecrets.FirstOrDefault(secret => secret.Length > 0 && !secret.StartsWith("sha256:", StringComparison.Ordinal));

    // Its own address, not the issuer's: that may be a proxy's, out of reach from here.
    private Uri Address
    {
        get
        {
            var addresses = server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
            var address = addresses.FirstOrDefault(known => known.StartsWith("http://", StringComparison.Ordinal)) ?? addresses.FirstOrDefault();
            return new Uri(Configuration.Reachable(address ?? "http://localhost"));
        }
    }

    private async Task<DeskAnswer> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            using var body = JsonDocument.Parse(text.Length > 0 ? text : "{}");
            return new DeskAnswer((int)response.StatusCode, body.RootElement.Clone());
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException)
        {
            return DeskAnswer.Unreachable;
        }
    }
}

/// <summary>What the provider answered.</summary>
public sealed record DeskAnswer(int Status, JsonElement Body)
{
    public static DeskAnswer Unreachable { get; } = new(0, JsonDocument.Parse("""{"error":"unreachable"}""").RootElement);

    public string? Error => Text("error");

    public string? Description => Text("error_description");

    /// <summary>Whether the same call may do better later.</summary>
    public bool IsPassing => Status is 0 or >= 500;

    public string? Text(string name) => Body.ValueKind == JsonValueKind.Object && Body.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public TimeSpan? Seconds(string name) => Body.TryGetProperty(name, out var value) && value.TryGetInt32(out var seconds) ? TimeSpan.FromSeconds(seconds) : null;

    public bool Lists(string name, string wanted) =>
        Body.ValueKind == JsonValueKind.Object && Body.TryGetProperty(name, out var values) && values.ValueKind == JsonValueKind.Array && values.EnumerateArray().Any(value => value.ValueEquals(wanted));

    /// <summary>How it is told to somebody who wants to see the protocol, without anything that opens a door.</summary>
    public string Summary() => Error ?? string.Join(", ", Body.EnumerateObject().Select(property => property.Name switch
    {
        "expires_in" or "interval" => string.Create(CultureInfo.InvariantCulture, $"{property.Name} {property.Value}"),
        var name => name,
    }));
}
