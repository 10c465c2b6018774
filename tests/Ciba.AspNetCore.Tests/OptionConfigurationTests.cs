using System.Collections;
using System.Net;
using System.Reflection;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>Options that a section of the configuration is bound to, by the library or by the host: an empty list there is an empty list.</summary>
[TestFixture(true), TestFixture(false)]
public sealed class OptionConfigurationTests(bool byLibrary)
{
    private const string RequestSigning = "backchannel_authentication_request_signing_alg_values_supported";
    private const string Dpop = "dpop_signing_alg_values_supported";

    [Test, Spec("D2")]
    public async Task An_empty_list_of_request_signing_algorithms_in_the_configuration_switches_signed_requests_off()
    {
        await using var host = Configured(Json("""{"BackchannelAuthenticationRequestSigningAlgValuesSupported": []}"""));

        var answer = await host.AuthorizeAsync(("request", "a.b.c"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await MetadataAsync(host), Does.Not.ContainKey(RequestSigning).And.ContainKey(Dpop));
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest), answer.Body);
        }
    }

    [Test, Spec("T13")]
    public async Task An_empty_list_of_DPoP_algorithms_in_the_configuration_switches_DPoP_off([Values] bool onCommandLine)
    {
        var configuration = onCommandLine
            ? new ConfigurationBuilder().AddCommandLine(["--Ciba:Dpop:SigningAlgValuesSupported="]).Build()
            : Json("""{"Dpop": {"SigningAlgValuesSupported": []}}""");
        await using var host = Configured(configuration);

        var answer = await host.AuthorizeAsync();
        await host.ApproveAsync(answer.AuthReqId);
        var tokens = await host.PostAsync(
            "/token",
            [("client_id", "client"), ("client_secret", CibaHost.Secret), ("grant_type", CibaHost.GrantType), ("auth_req_id", answer.AuthReqId)],
            request => request.Headers.Add("DPoP", "no proof"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await MetadataAsync(host), Does.ContainKey(RequestSigning).And.Not.ContainKey(Dpop));
            Assert.That(tokens.Status, Is.EqualTo(HttpStatusCode.OK), tokens.Body);
        }
    }

    [Test]
    public async Task An_empty_list_of_token_delivery_modes_in_the_configuration_does_not_switch_all_of_them_on()
    {
        await using var host = Configured(Json("""{"BackchannelTokenDeliveryModesSupported": []}"""));

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { "CibaOptions: BackchannelTokenDeliveryModesSupported must be some of poll, ping, push." }));
    }

    [Test]
    public async Task Lists_of_the_configuration_are_taken_as_they_stand_there()
    {
        await using var host = Configured(Json("""
            {
              "BackchannelAuthenticationRequestSigningAlgValuesSupported": ["PS256"], "Dpop": {"SigningAlgValuesSupported": ["ES256"]},
              "BackchannelTokenDeliveryModesSupported": ["ping", "poll"]
            }
            """));

        var metadata = await MetadataAsync(host);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(metadata[RequestSigning]!.ToJsonString(), Is.EqualTo("""["PS256"]"""));
            Assert.That(metadata[Dpop]!.ToJsonString(), Is.EqualTo("""["ES256"]"""));
            Assert.That(metadata["backchannel_token_delivery_modes_supported"]!.ToJsonString(), Is.EqualTo("""["ping","poll"]"""));
        }
    }

    /// <summary>The binder leaves a list of any other type null where the configuration has an empty one.</summary>
    [Test]
    public void Every_list_that_may_be_null_is_an_array()
    {
        var nullability = new NullabilityInfoContext();

        var lists = typeof(CibaOptions).Assembly.GetExportedTypes()
            .Where(type => type == typeof(CibaClient) || type.Name.EndsWith("Options", StringComparison.Ordinal))
            .SelectMany(type => type.GetProperties())
            .Where(property => property.PropertyType != typeof(string) && property.PropertyType.IsAssignableTo(typeof(IEnumerable)))
            .Where(property => nullability.Create(property).ReadState == NullabilityState.Nullable);

        Assert.That(lists.ToDictionary(property => property.Name, property => property.PropertyType), Has.Count.EqualTo(4).And.All.Property("Value").EqualTo(typeof(string[])));
    }

    private static async Task<IDictionary<string, JsonNode?>> MetadataAsync(CibaHost host) =>
        JsonNode.Parse((await host.SendAsync(HttpMethod.Get, "/.well-known/openid-configuration")).Body)!.AsObject();

    private CibaHost Configured(IConfiguration configuration) => byLibrary ? new() { Section = configuration.GetSection("Ciba") } : new()
    {
        Setup = ciba => ciba.Services.Configure<CibaOptions>(configuration.GetSection("Ciba")),
    };

    private static IConfigurationRoot Json(string options) =>
        new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes($$"""{"Ciba": {{options}}}"""))).Build();
}
