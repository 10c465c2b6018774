using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>A token endpoint of the host's own on the same path: what is looked at to see whose a body is, and what that costs.</summary>
[Spec("T11")]
public sealed class SharedTokenPathBodyTests
{
    private const string FormType = "application/x-www-form-urlencoded";
    private const string Ciba = $"grant_type={CibaHost.GrantType}";

    /// <summary>Token endpoints that routing itself keeps some bodies from.</summary>
    private static readonly HostMap[] Hosts =
    [
        new("a form binding", app => app.MapPost("/token", ([FromForm] string grant_type) => $"the host: {grant_type}").DisableAntiforgery()),
        new("a content type", app => app.MapPost("/token", AnyAsync).WithMetadata(new AcceptsMetadata([FormType]))),
        new("a controller", app => app.MapControllers()),
        new("a parameter in the route", app => app.MapPost("/{action}", AnyAsync).WithMetadata(new AcceptsMetadata([FormType]))),
    ];

    [Test]
    public async Task What_is_no_form_is_answered_as_if_the_library_were_not_there(
        [ValueSource(nameof(Hosts))] HostMap map,
        [Values(true, false)] bool isShared,
        [Values("application/json", "text/plain", null)] string? contentType)
    {
        await using var with = Make(map.Map, isShared, withCiba: true);
        await using var without = Make(map.Map, isShared, withCiba: false);

        foreach (var body in new[] { "", $$"""{"grant_type":"{{CibaHost.GrantType}}"}""" })
        {
            var (ours, theirs) = (await PostAsync(with, contentType, body), await PostAsync(without, contentType, body));
            Assert.That((ours.Status, ours.Body), Is.EqualTo((theirs.Status, theirs.Body)));
            Assert.That(ours.Body, Does.Not.Contain("error_description"));
        }
    }

    [Test]
    public async Task The_CIBA_grant_still_comes_to_the_library([ValueSource(nameof(Hosts))] HostMap map, [Values(true, false)] bool isShared)
    {
        await using var host = Make(map.Map, isShared, withCiba: true);

        Assert.That((await PostAsync(host, FormType, Ciba)).Error, Is.EqualTo("invalid_client"));
    }

    [TestCase("application/json"), TestCase(null), Spec("A1")]
    public async Task Without_an_endpoint_of_the_host_what_is_no_form_is_refused(string? contentType)
    {
        await using var host = new CibaHost { Map = app => app.MapGet("/token", () => "a page") };

        var answer = await PostAsync(host, contentType, "{}");

        Refusal.Says(answer, "invalid_request", 400);
        Assert.That(answer.Description, Is.EqualTo("Send the parameters as application/x-www-form-urlencoded in UTF-8."));
    }

    [TestCase("charset=ISO-8859-1"), TestCase("charset=us-ascii"), TestCase("charset=utf8"), TestCase("charset=utf-16"), TestCase("charset=no-such-thing"), TestCase("a=b")]
    public async Task Whatever_the_content_type_says_of_the_charset_the_CIBA_grant_comes_to_the_library(string parameter)
    {
        await using var host = new CibaHost { Map = app => app.MapPost("/token", () => "the host") };

        var ours = await PostAsync(host, $"{FormType}; {parameter}", Ciba);
        var theirs = await PostAsync(host, $"{FormType}; {parameter}", "grant_type=password");

        Assert.That(new[] { ours.Error, theirs.Body }, Is.EqualTo(new[] { "invalid_client", "the host" }));
    }

    private static CibaHost Make(Action<WebApplication> map, bool isShared, bool withCiba) => new()
    {
        Options = options => options.TokenPathIsShared = isShared,
        Setup = ciba => ciba.Services.AddControllers().AddApplicationPart(typeof(HostTokenController).Assembly),
        Map = map,
        Endpoints = app =>
        {
            if (withCiba)
            {
                app.MapCiba();
            }
        },
    };

    private static Task AnyAsync(HttpContext context) => context.Response.WriteAsync("the host: any");

    private static Task<Answer> PostAsync(CibaHost host, string? contentType, string body)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.ContentType = contentType is null ? null : MediaTypeHeaderValue.Parse(contentType);
        return host.SendAsync(HttpMethod.Post, "/token", content);
    }

    public sealed record HostMap(string Name, Action<WebApplication> Map)
    {
        public override string ToString() => Name;
    }
}
