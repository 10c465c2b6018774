using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore.Tests;

/// <summary>
/// A client that gets an access token of a user must not be the user's device: with ASP.NET Core's own JWT bearer handler in front of
/// the device API.
/// </summary>
[Spec("U2")]
public sealed class DeviceClientTokenTests : IDisposable
{
    private const string Api = "https://api.example.com";

    private readonly TokenForger _forger = new();

    public void Dispose() => _forger.Dispose();

    [Test]
    public async Task The_ready_issuers_tokens_are_not_for_a_device_api_that_accepts_the_issuer()
    {
        await using var host = Host(CibaHost.Issuer);

        var answer = await ApproveAsync(host, (await host.TokensAsync()).Text("access_token")!);

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Unauthorized), answer.Body);
    }

    [TestCase("GET", "/requests"), TestCase("GET", "/requests/{id}"), TestCase("POST", "/requests/{id}/approve"), TestCase("POST", "/requests/{id}/deny"), TestCase("POST", "/requests/{id}/resend"), TestCase("GET", "/events")]
    public async Task A_clients_access_token_opens_nothing_though_its_audience_is_accepted(string method, string path)
    {
        await using var host = Host(Api);
        var token = (await host.TokensAsync(null, ("resource", Api))).Text("access_token")!;
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var answer = await CallAsync(host, new HttpMethod(method), path.Replace("{id}", await host.HandleAsync(id), StringComparison.Ordinal), token);

        AssertNotAllowed(answer);
        Assert.That((await host.PollAsync(id)).Error, Is.EqualTo("authorization_pending"));
    }

    [TestCase(true), TestCase(false)]
    public async Task Nor_does_one_where_every_audience_is_accepted(bool mapsClaims)
    {
        await using var host = Host(null, mapsClaims);

        AssertNotAllowed(await ApproveAsync(host, (await host.TokensAsync()).Text("access_token")!));
        AssertNotAllowed(await ApproveAsync(host, (await host.TokensAsync()).Text("id_token")!));
    }

    private static IEnumerable<TestCaseData> Tokens()
    {
        yield return Case(claims => claims["client_id"] = "client", false, "client_id");
        yield return Case(claims => claims["azp"] = "client", false, "azp");
        yield return Case(claims => (claims["client_id"], claims["azp"]) = ("phone", "client"), false, "azp beside another client_id");
        yield return Case(claims => claims["aud"] = new JsonArray("phone", "client"), false, "an ID Token for several");
        yield return Case(claims => claims["client_id"] = "phone", true, "a client of which CIBA knows nothing");
        yield return Case(claims => claims["client_id"] = "machine", true, "a client without the CIBA grant");
        yield return Case(claims => (claims["client_id"], claims["aud"]) = ("phone", "client"), true, "a token for a client, issued to another");
        yield return Case(_ => { }, true, "no client");

        static TestCaseData Case(Action<JsonObject> change, bool isAllowed, string name) => new TestCaseData(change, isAllowed).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Tokens))]
    public async Task Whom_a_token_was_issued_to_it_says_itself(Action<JsonObject> change, bool isAllowed)
    {
        await using var host = Host(null);
        var token = _forger.Sign(claims =>
        {
            claims["aud"] = "device";
            claims["exp"] = 2000000000;
            change(claims);
        });

        var answer = await ApproveAsync(host, token);

        Assert.That(answer.Status, Is.EqualTo(isAllowed ? HttpStatusCode.NoContent : HttpStatusCode.Forbidden), answer.Body);
    }

    [Test, Spec("I1")]
    public async Task How_the_user_authenticated_the_devices_token_says_itself_or_nothing([Values] bool mapsClaims, [Values] bool says)
    {
        await using var host = Host(null, mapsClaims);
        var token = _forger.Sign(claims =>
        {
            (claims["aud"], claims["exp"], claims["nbf"], claims["iat"]) = ("device", 2000000000, 1700000005, 1700000005);
            if (says)
            {
                (claims["auth_time"], claims["acr"], claims["amr"]) = (1700000000, "urn:acr:2", new JsonArray("face", "pin"));
            }
        });
        var id = (await host.AuthorizeAsync(("acr_values", "urn:acr:2"))).AuthReqId;

        await CallAsync(host, HttpMethod.Post, $"/requests/{await host.HandleAsync(id)}/approve", token);
        var claims = ReceivedToken.Id(await host.PollAsync(id)).Claims;

        Assert.That(
            new[] { "auth_time", "acr", "amr" }.Select(name => claims.TryGetProperty(name, out var claim) ? claim.GetRawText() : null),
            Is.EqualTo(says ? ["1700000000", "\"urn:acr:2\"", """["face","pin"]"""] : new string?[3]));
    }

    [Test]
    public async Task A_client_that_the_host_names_is_the_users_device()
    {
        await using var host = Host(null, options: options => options.DeviceApi.AllowedClients.Add("client"));

        Assert.That((await ApproveAsync(host, (await host.TokensAsync()).Text("access_token")!)).Status, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That((await ApproveAsync(host, (await host.TokensAsync()).Text("id_token")!)).Status, Is.EqualTo(HttpStatusCode.NoContent));
    }

    [Test]
    public async Task The_host_reads_which_client_was_refused()
    {
        await using var host = Host(null);

        await ApproveAsync(host, (await host.TokensAsync()).Text("access_token")!);

        Assert.That(host.Log.Ours.Where(line => line.Level == LogLevel.Warning).Select(line => line.Text.Trim()), Has.Exactly(1).EqualTo(
            "A token of client client, which may use CIBA, was refused at the device API; add the client to CibaOptions.DeviceApi.AllowedClients if it is the user's device"));
    }

    [Test, Spec("D7")]
    public async Task An_empty_name_among_the_allowed_clients_is_named_at_the_start()
    {
        await using var host = Host(null, options: options => options.DeviceApi.AllowedClients.Add(""));

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { "CibaOptions: DeviceApi.AllowedClients has an empty entry; leave it out." }));
    }

    private static void AssertNotAllowed(Answer answer)
    {
        DeviceEndpointTests.AssertProblem(answer, 403, "The token was issued to a client that asks users for approvals: it does not answer for them. The user's device needs a token of its own.");
        Assert.That(answer.Text("code"), Is.EqualTo("client_not_allowed"));
    }

    private static async Task<Answer> ApproveAsync(CibaHost host, string token) =>
        await CallAsync(host, HttpMethod.Post, $"/requests/{await host.HandleAsync((await host.AuthorizeAsync()).AuthReqId)}/approve", token);

    private static Task<Answer> CallAsync(CibaHost host, HttpMethod method, string path, string token) =>
        host.SendAsync(method, $"/device{path}", null, request => request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token));

    private CibaHost Host(string? audience, bool mapsClaims = true, Action<CibaOptions>? options = null)
    {
        var client = CibaHost.Client("client");
        client.Resources = [Api];
        var machine = CibaHost.Client("machine");
        machine.GrantTypes = ["client_credentials"];
        return new CibaHost
        {
            Clients = [client, machine],
            Options = options,
            Tokens = issuer => issuer.SigningCredentials = [_forger.Credentials],
            Setup = ciba =>
            {
                ciba.Services.AddAuthorization();
                ciba.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer(bearer =>
                {
                    bearer.MapInboundClaims = mapsClaims;
                    bearer.TokenValidationParameters = new TokenValidationParameters
                    {
                        ValidIssuer = CibaHost.Issuer,
                        ValidAudience = audience,
                        ValidateAudience = audience is not null,
                        IssuerSigningKey = _forger.Credentials.Key,

                        // The tokens have the time of the test.
                        ValidateLifetime = false,
                    };
                });
            },
            Map = app =>
            {
                app.UseAuthentication();
                app.UseAuthorization();
            },
            Endpoints = app =>
            {
                app.MapCiba();
                app.MapCibaDevice("/device").RequireAuthorization();
            },
        };
    }
}
