using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>A token endpoint of the host's own on the same path: the grant type decides.</summary>
[Spec("T11")]
public sealed class SharedTokenPathTests
{
    private const string FormType = "application/x-www-form-urlencoded";

    /// <summary>The ways in which a host writes a token endpoint; each answers with what it read.</summary>
    private static readonly TestCaseData<Action<WebApplication>>[] Hosts =
    [
        Host("a request delegate", app => app.MapPost("/token", EchoAsync)),
        Host("any method", app => app.Map("/token", EchoAsync)),
        Host("a parameter in the route", app => app.MapPost("/{action}", EchoAsync)),
        Host("a form binding", app => app.MapPost("/token", ([FromForm] string grant_type, [FromForm] string code) => $"{grant_type}:{code}").DisableAntiforgery()),
        Host("a form collection", app => app.MapPost("/token", (IFormCollection form) => $"{form["grant_type"]}:{form["code"]}").DisableAntiforgery()),
        Host("an MVC controller with a model", app => app.MapControllers()),
        Host("a later order, as conventional MVC routes have", app => app.MapPost("/token", EchoAsync).WithMetadata().Add(endpoint => ((RouteEndpointBuilder)endpoint).Order = 5)),
    ];

    [TestCaseSource(nameof(Hosts))]
    public async Task Another_grant_type_reaches_the_hosts_endpoint_with_its_form(Action<WebApplication> map)
    {
        await using var host = new CibaHost { Map = map, Setup = ciba => ciba.Services.AddControllers().AddApplicationPart(typeof(HostTokenController).Assembly) };

        var answer = await host.PostAsync("/token", [("grant_type", "authorization_code"), ("code", "c-1")]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(answer.Body, Is.EqualTo("authorization_code:c-1"));
        }
    }

    [TestCaseSource(nameof(Hosts))]
    public async Task The_CIBA_grant_comes_to_the_library(Action<WebApplication> map)
    {
        await using var host = new CibaHost { Map = map, Setup = ciba => ciba.Services.AddControllers().AddApplicationPart(typeof(HostTokenController).Assembly) };
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var pending = await host.PollAsync(id);
        await host.ApproveAsync(id);
        var tokens = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(pending.Error, Is.EqualTo("authorization_pending"));
            Assert.That(tokens.Json.TryGetProperty("id_token", out _), Is.True);
        }
    }

    [Test]
    public async Task The_wrong_urn_no_grant_type_and_two_of_them_are_the_hosts_to_refuse(
        [Values("grant_type=urn:ietf:params:oauth:grant-type:ciba", "", "code=1", "grant_type=", "grant_type=urn:openid:params:grant-type:ciba&grant_type=x")] string body)
    {
        await using var host = new CibaHost { Map = app => app.MapPost("/token", () => Results.Text("the host", statusCode: 418)) };

        var answer = await PostAsync(host, new StringContent(body, Encoding.UTF8, FormType));

        Assert.That(answer.Body, Is.EqualTo("the host"));
    }

    [TestCase("application/json", """{"grant_type":"urn:openid:params:grant-type:ciba"}""")]
    [TestCase("text/plain", "grant_type=urn:openid:params:grant-type:ciba")]
    [TestCase(null, "grant_type=urn:openid:params:grant-type:ciba")]
    public async Task A_body_that_is_no_form_reaches_the_host_unread(string? contentType, string body)
    {
        await using var host = new CibaHost { Map = app => app.MapPost("/token", async (HttpRequest request) => await new StreamReader(request.Body).ReadToEndAsync()) };
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.ContentType = contentType is null ? null : MediaTypeHeaderValue.Parse(contentType);

        var answer = await PostAsync(host, content);

        Assert.That(answer.Body, Is.EqualTo(body));
    }

    [Test]
    public async Task A_form_larger_than_CIBA_needs_is_the_hosts_to_read()
    {
        await using var host = new CibaHost { Map = app => app.MapPost("/token", async (HttpRequest request) => (await request.ReadFormAsync())["assertion"].ToString().Length.ToString()) };

        var answer = await host.PostAsync("/token", [("grant_type", "urn:ietf:params:oauth:grant-type:saml2-bearer"), ("assertion", new string('a', 200_000))]);

        Assert.That(answer.Body, Is.EqualTo("200000"));
    }

    [Test]
    public async Task A_form_with_more_fields_than_CIBA_takes_is_the_hosts_to_read()
    {
        await using var host = new CibaHost { Map = app => app.MapPost("/token", async (HttpRequest request) => (await request.ReadFormAsync()).Count.ToString()) };
        var content = new StringContent("grant_type=authorization_code" + ManyFields(100), Encoding.UTF8, FormType);

        var answer = await PostAsync(host, content);

        Assert.That(answer.Body, Is.EqualTo("101"));
    }

    [Test]
    public async Task The_limits_of_CIBA_hold_for_a_form_that_was_read_by_the_hosts()
    {
        await using var host = new CibaHost { Map = app => app.MapPost("/token", () => "the host") };
        var content = new StringContent($"grant_type={CibaHost.GrantType}{ManyFields(100)}", Encoding.UTF8, FormType);

        var answer = await PostAsync(host, content);

        Assert.That(answer.Error, Is.EqualTo("invalid_request"));
    }

    [Test]
    public async Task A_form_with_too_many_fields_is_the_hosts_unless_it_asks_for_the_CIBA_grant([Values] bool chunked)
    {
        await using var host = new CibaHost { Map = app => app.MapPost("/token", () => "the host") };

        var other = await PostAsync(host, new StringContent("grant_type=password" + ManyFields(2000), Encoding.UTF8, FormType), request => request.Headers.TransferEncodingChunked = chunked);
        var ciba = await PostAsync(host, new StringContent("grant_type=urn:openid:params:grant-type:ciba" + ManyFields(2000), Encoding.UTF8, FormType), request => request.Headers.TransferEncodingChunked = chunked);

        Assert.That(new[] { other.Body, ciba.Error }, Is.EqualTo(new[] { "the host", "invalid_request" }));
    }

    [Test]
    public async Task The_limits_that_the_host_sets_for_its_form_hold()
    {
        await using var host = new CibaHost
        {
            Map = app => app.MapPost("/token", ([FromForm] string grant_type, HttpRequest request) => $"{grant_type}:{request.Form.Count}").DisableAntiforgery().WithFormOptions(valueCountLimit: 3000),
        };

        var answer = await PostAsync(host, new StringContent("grant_type=password" + ManyFields(2000), Encoding.UTF8, FormType));

        Assert.That(answer.Body, Is.EqualTo("password:2001"));
    }

    [Test]
    public async Task A_get_is_the_hosts_where_it_has_one_and_else_not_allowed([Values] bool hostHasGet)
    {
        await using var host = new CibaHost
        {
            Map = app =>
            {
                app.MapPost("/token", EchoAsync);
                if (hostHasGet)
                {
                    app.MapGet("/token", () => "the host's page");
                }
            },
        };

        var answer = await host.SendAsync(HttpMethod.Get, "/token?grant_type=urn:openid:params:grant-type:ciba");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(hostHasGet ? HttpStatusCode.OK : HttpStatusCode.MethodNotAllowed));
            Assert.That(hostHasGet ? answer.Body : answer.Header("Allow"), Is.EqualTo(hostHasGet ? "the host's page" : "POST"));
        }
    }

    [TestCase("GET"), TestCase("PUT"), TestCase("DELETE"), Spec("A1")]
    public async Task Without_an_endpoint_of_the_host_other_methods_are_not_allowed(string method)
    {
        await using var host = new CibaHost();

        var answer = await host.SendAsync(new HttpMethod(method), "/token");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.MethodNotAllowed));
            Assert.That(answer.Header("Allow"), Is.EqualTo("POST"));
            Assert.That(answer.Body, Is.EqualTo("""{"error":"invalid_request","error_description":"Use POST."}"""));
        }
    }

    [Test]
    public async Task A_fallback_page_of_the_host_is_no_token_endpoint()
    {
        await using var host = new CibaHost { Map = app => app.MapFallback(() => Results.Text("<html>", "text/html")) };

        var post = await host.PostAsync("/token", [("grant_type", "authorization_code")]);
        var elsewhere = await host.SendAsync(HttpMethod.Get, "/elsewhere");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(post.Body, Does.StartWith("""{"error":"unsupported_grant_type","""));
            Assert.That(elsewhere.Body, Is.EqualTo("<html>"));
        }
    }

    private static async Task EchoAsync(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync();
        await context.Response.WriteAsync($"{form["grant_type"]}:{form["code"]}");
    }

    private static Task<Answer> PostAsync(CibaHost host, HttpContent content, Action<HttpRequestMessage>? change = null) =>
        host.SendAsync(HttpMethod.Post, "/token", content, change);

    private static string ManyFields(int count) => string.Concat(Enumerable.Range(0, count).Select(i => $"&f{i}=v"));

    private static TestCaseData<Action<WebApplication>> Host(string name, Action<WebApplication> map) => new(map) { TestName = $"{{m}}({name})" };
}
