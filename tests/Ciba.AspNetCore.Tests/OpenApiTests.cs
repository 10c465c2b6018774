using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Ciba.AspNetCore.Device;
using Ciba.AspNetCore.Discovery;
using Ciba.AspNetCore.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>What a host's OpenAPI document says of the endpoints.</summary>
public sealed class OpenApiTests
{
    private const string FormType = "application/x-www-form-urlencoded";

    [Test]
    public async Task The_document_lists_each_endpoint_with_its_answers()
    {
        await using var host = Host();

        var operations = Operations(await DocumentAsync(host)).Select(operation =>
            $"{operation.Method} {operation.Path} [{Tag(operation.Value)}] {string.Join(' ', operation.Value.GetProperty("responses").EnumerateObject().Select(answer => answer.Name))}");

        Assert.That(operations, Is.EqualTo(new[]
        {
            "post /bc-authorize [CIBA] 200 400 401 403 503",
            "post /token [CIBA] 200 400 401 503",
            "get /.well-known/openid-configuration [CIBA] 200 503",
            "get /jwks [CIBA] 200 503",
            "get /device/requests [CIBA] 200 401 403 503",
            "get /device/requests/{id} [CIBA] 200 401 403 404 409 410 503",
            "post /device/requests/{id}/approve [CIBA] 204 400 401 403 404 409 410 503",
            "post /device/requests/{id}/deny [CIBA] 204 400 401 403 404 409 410 503",
            "post /device/requests/{id}/resend [CIBA] 204 400 401 403 404 409 410 429 503",
            "get /device/events [CIBA] 200 401 403 503",
        }));
    }

    [Test]
    public async Task Each_endpoint_has_a_summary()
    {
        await using var host = Host();

        var summaries = Operations(await DocumentAsync(host)).Select(operation => operation.Value.GetProperty("summary").GetString()).ToList();

        Assert.That(summaries, Is.Unique.And.All.Not.Empty);
    }

    [TestCase("/bc-authorize", "scope login_hint login_hint_token id_token_hint binding_message user_code acr_values authorization_details resource claims request_context requested_expiry client_notification_token dpop_jkt request client_id client_secret client_assertion_type client_assertion", "")]
    [TestCase("/token", "grant_type auth_req_id authorization_details resource client_id client_secret client_assertion_type client_assertion", "grant_type auth_req_id")]
    public async Task What_the_protocol_takes_is_a_form_with_these_fields(string path, string fields, string required)
    {
        await using var host = Host();
        var document = await DocumentAsync(host);

        var body = document.GetProperty("paths").GetProperty(path).GetProperty("post").GetProperty("requestBody");
        var content = body.GetProperty("content").EnumerateObject().Single();
        var schema = Resolve(document, content.Value.GetProperty("schema"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(content.Name, Is.EqualTo(FormType));
            Assert.That(body.GetProperty("required").GetBoolean(), Is.True);
            Assert.That(Names(schema), Is.EqualTo(fields.Split(' ')));
            Assert.That(schema.TryGetProperty("required", out var names) ? string.Join(' ', names.EnumerateArray()) : "", Is.EqualTo(required));
        }
    }

    [TestCase("/bc-authorize"), TestCase("/token")]
    public async Task A_proof_of_possession_is_a_header_that_need_not_be_there(string path)
    {
        await using var host = Host();

        var header = (await DocumentAsync(host)).GetProperty("paths").GetProperty(path).GetProperty("post").GetProperty("parameters").EnumerateArray().Single();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((header.GetProperty("name").GetString(), header.GetProperty("in").GetString()), Is.EqualTo(("DPoP", "header")));
            Assert.That(header.TryGetProperty("required", out var required) && required.GetBoolean(), Is.False);
        }
    }

    [Test]
    public async Task What_the_device_may_send_with_a_yes_is_the_body_that_is_read()
    {
        await using var host = Host();
        var document = await DocumentAsync(host);

        var approve = document.GetProperty("paths").GetProperty("/device/requests/{id}/approve").GetProperty("post");
        var body = approve.GetProperty("requestBody");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(body.TryGetProperty("required", out _), Is.False, "the body is optional");
            Assert.That(body.GetProperty("content").GetProperty("application/json").ToString(), Does.Contain("#/components/schemas/ApprovalBody"));
            Assert.That(Names(Schema(document, nameof(ApprovalBody))), Is.EquivalentTo(Wire(typeof(ApprovalBody))));
            Assert.That(approve.GetProperty("parameters").ToString(), Does.Contain("\"path\"").And.Contain("\"id\""));
        }
    }

    [TestCase("/bc-authorize", "post", "200", "application/json", "Acknowledgement")]
    [TestCase("/bc-authorize", "post", "400", "application/json", nameof(ErrorResponse))]
    [TestCase("/token", "post", "200", "application/json", "TokenResponse")]
    [TestCase("/.well-known/openid-configuration", "get", "200", "application/json", nameof(DiscoveryDocument))]
    [TestCase("/jwks", "get", "200", "application/json", "PublicKeySet")]
    [TestCase("/device/requests", "get", "200", "application/json", nameof(DeviceRequestResponse))]
    [TestCase("/device/requests/{id}", "get", "200", "application/json", nameof(DeviceRequestResponse))]
    [TestCase("/device/requests/{id}", "get", "404", "application/problem+json", nameof(ProblemDetails))]
    [TestCase("/device/requests/{id}", "get", "503", "application/problem+json", nameof(ProblemDetails))]
    public async Task An_answer_has_the_schema_of_what_is_written(string path, string method, string status, string mediaType, string schema)
    {
        await using var host = Host();

        var answer = (await DocumentAsync(host)).GetProperty("paths").GetProperty(path).GetProperty(method).GetProperty("responses").GetProperty(status);

        Assert.That(answer.GetProperty("content").GetProperty(mediaType).ToString(), Does.Contain($"#/components/schemas/{schema}\""));
    }

    [TestCase(typeof(DeviceRequestResponse)), TestCase(typeof(DiscoveryDocument)), TestCase(typeof(ErrorResponse))]
    public async Task A_schema_has_every_field_of_the_record_that_is_written(Type record)
    {
        await using var host = Host();

        Assert.That(Names(Schema(await DocumentAsync(host), record.Name)), Is.EquivalentTo(Wire(record)));
    }

    [Test]
    public async Task A_host_may_give_tags_and_summaries_of_its_own_and_leave_endpoints_out()
    {
        await using var host = Host(app =>
        {
            app.MapCiba().WithTags("Payments").WithMetadata(new EndpointDescriptionAttribute("For our partners."));
            app.MapCibaDiscovery().ExcludeFromDescription();
            app.MapCibaDevice("/device").WithTags("Phone");
        });

        var operations = Operations(await DocumentAsync(host)).ToList();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(operations.Select(operation => Tag(operation.Value)).Distinct(), Is.EqualTo(new[] { "Payments", "Phone" }));
            Assert.That(operations[0].Value.GetProperty("description").GetString(), Is.EqualTo("For our partners."));
        }
    }

    [Test]
    public async Task On_a_shared_path_the_description_is_the_hosts()
    {
        await using var host = Host(
            app =>
            {
                app.MapPost("/token", () => "the host").WithSummary("Ours");
                app.MapCiba();
            },
            options => options.TokenPathIsShared = true);

        var operations = Operations(await DocumentAsync(host)).Select(operation => $"{operation.Path} {operation.Value.TryGetProperty("summary", out var summary) && summary.GetString() == "Ours"}");

        Assert.That(operations, Is.EquivalentTo(new[] { "/token True", "/bc-authorize False" }));
    }

    [Test]
    public async Task A_host_without_reflection_gets_its_document_too()
    {
        await using var host = new CibaHost
        {
            Setup = ciba =>
            {
                ciba.Services.AddOpenApi();
                ciba.Services.PostConfigure<Microsoft.AspNetCore.Http.Json.JsonOptions>(json =>
                {
                    foreach (var reflection in json.SerializerOptions.TypeInfoResolverChain.OfType<DefaultJsonTypeInfoResolver>().ToList())
                    {
                        json.SerializerOptions.TypeInfoResolverChain.Remove(reflection);
                    }
                });
            },
            Map = app => app.MapOpenApi(),
        };

        Assert.That(Operations(await DocumentAsync(host)).Count(), Is.EqualTo(10));
    }

    private static CibaHost Host(Action<WebApplication>? endpoints = null, Action<CibaOptions>? options = null)
    {
        var host = new CibaHost { Setup = ciba => ciba.Services.AddOpenApi(), Map = app => app.MapOpenApi(), Options = options };
        return endpoints is null ? host : new() { Setup = host.Setup, Map = host.Map, Options = options, Endpoints = endpoints };
    }

    private static async Task<JsonElement> DocumentAsync(CibaHost host) => (await host.SendAsync(HttpMethod.Get, "/openapi/v1.json")).Json;

    private static IEnumerable<(string Path, string Method, JsonElement Value)> Operations(JsonElement document) =>
        from path in document.GetProperty("paths").EnumerateObject()
        from method in path.Value.EnumerateObject()
        select (path.Name, method.Name, method.Value);

    private static string? Tag(JsonElement operation) => operation.GetProperty("tags").EnumerateArray().Single().GetString();

    private static JsonElement Schema(JsonElement document, string name) => document.GetProperty("components").GetProperty("schemas").GetProperty(name);

    private static JsonElement Resolve(JsonElement document, JsonElement schema) =>
        schema.TryGetProperty("$ref", out var reference) ? Schema(document, reference.GetString()!.Split('/')[^1]) : schema;

    private static IEnumerable<string> Names(JsonElement schema) => schema.GetProperty("properties").EnumerateObject().Select(property => property.Name);

    private static IEnumerable<string> Wire(Type record) => record.GetProperties().Select(property => property.GetCustomAttribute<JsonPropertyNameAttribute>()!.Name);
}
