using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;

namespace Ciba.AspNetCore.Tests;

/// <summary><see cref="CibaOptions.TokenPathIsShared"/>: the host's token endpoint is no endpoint but middleware.</summary>
[Spec("T11")]
public sealed class SharedTokenPathMiddlewareTests
{
    private const string FormType = "application/x-www-form-urlencoded";
    private const string Ciba = $"grant_type={CibaHost.GrantType}";

    /// <summary>The ways in which a host's middleware takes the path; each answers with what it read.</summary>
    private static readonly TestCaseData<Action<WebApplication>>[] Hosts =
    [
        Host("middleware that always answers", app => app.Use(AlwaysAsync)),
        Host("middleware that answers where there is no endpoint", app => app.Use((context, next) => context.GetEndpoint() is null ? AlwaysAsync(context, next) : next(context))),
        Host("a branch by path", app => app.Map("/token", branch => branch.Run(EchoAsync))),
        Host("a branch by condition", app => app.UseWhen(IsToken, branch => branch.Run(EchoAsync))),
        Host("a branch for good by condition", app => app.MapWhen(IsToken, branch => branch.Run(EchoAsync))),
        Host("middleware that reads the body itself", app => app.Use((context, next) => IsToken(context) ? EchoBodyAsync(context) : next(context))),
    ];

    [TestCaseSource(nameof(Hosts))]
    public async Task Another_grant_type_reaches_the_hosts_middleware_with_its_form(Action<WebApplication> map)
    {
        await using var host = Shared(map);

        var answer = await host.PostAsync("/token", [("grant_type", "authorization_code"), ("code", "c-1")]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(answer.Body, Is.EqualTo("POST authorization_code:c-1"));
        }
    }

    [TestCaseSource(nameof(Hosts))]
    public async Task The_CIBA_grant_comes_to_the_library_before_the_middleware(Action<WebApplication> map)
    {
        await using var host = Shared(map);
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

    [TestCaseSource(nameof(Hosts))]
    public async Task Other_methods_reach_the_hosts_middleware(Action<WebApplication> map)
    {
        await using var host = Shared(map);

        var answers = new List<string>();
        foreach (var method in new[] { "GET", "PUT", "OPTIONS" })
        {
            answers.Add((await host.SendAsync(new HttpMethod(method), $"/token?{Ciba}", new StringContent(Ciba, Encoding.UTF8, FormType))).Body.Split(' ')[0]);
        }

        Assert.That(answers, Is.EqualTo(new[] { "GET", "PUT", "OPTIONS" }));
    }

    [TestCase("application/json", """{"grant_type":"urn:openid:params:grant-type:ciba"}""")]
    [TestCase("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nurn:openid:params:grant-type:ciba\r\n--b--\r\n")]
    [TestCase(FormType, Ciba + "&grant_type=authorization_code")]
    [TestCase(FormType, Ciba + "&" + Ciba)]
    [TestCase(FormType, "grant_type=&" + Ciba)]
    [TestCase(FormType, "")]
    [TestCase(FormType, "grant_type=%zz&code=%zz")]
    [TestCase(null, "")]
    [TestCase(null, Ciba)]
    public async Task What_is_not_one_CIBA_grant_reaches_the_host_byte_by_byte(string? contentType, string body)
    {
        await using var host = Shared(app => app.Use(BodyAsync));

        var sized = await PostAsync(host, Content(contentType, body));
        var chunked = await PostAsync(host, Content(contentType, body), request => request.Headers.TransferEncodingChunked = true);

        Assert.That(new[] { sized.Body, chunked.Body }, Is.All.EqualTo($"the host: {body}"));
    }

    [Test]
    public async Task A_form_that_is_too_large_for_CIBA_reaches_the_host_byte_by_byte([Values] bool chunked)
    {
        await using var host = Shared(app => app.Use(BodyAsync));
        var body = $"{Ciba}&assertion={string.Concat(Enumerable.Range(0, 100_000).Select(i => (char)('a' + (i % 26)) + "-"))}";

        var answer = await PostAsync(host, Content(FormType, body), request => request.Headers.TransferEncodingChunked = chunked);

        Assert.That(answer.Body, Is.EqualTo($"the host: {body}"));
    }

    [Test]
    public async Task On_the_real_server_each_gets_what_is_its_own([Values] bool chunked)
    {
        await using var host = new CibaHost { Options = options => options.TokenPathIsShared = true, Map = app => app.Use(BodyAsync), Setup = KestrelHost.Use };
        using var http = await KestrelHost.HttpAsync(host);
        http.DefaultRequestHeaders.TransferEncodingChunked = chunked;

        var answers = new List<string>();
        foreach (var body in new[] { "grant_type=authorization_code&code=c-1", Ciba, $"{Ciba}&x={new string('x', 200_000)}", "" })
        {
            using var response = await http.PostAsync("/token", Content(FormType, body));
            answers.Add(await response.Content.ReadAsStringAsync());
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers[0], Is.EqualTo("the host: grant_type=authorization_code&code=c-1"));
            Assert.That(answers[1], Does.StartWith("""{"error":"invalid_client","""));
            Assert.That(answers[2], Has.Length.GreaterThan(200_000).And.StartsWith($"the host: {Ciba}"));
            Assert.That(answers[3], Is.EqualTo("the host: "));
        }
    }

    [Test]
    public async Task A_form_that_earlier_middleware_has_read_is_still_told_apart()
    {
        await using var host = Shared(app => app.Use(AlwaysAsync), beforeRouting: async (context, next) =>
        {
            await context.Request.ReadFormAsync();
            await next(context);
        });
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var pending = await host.PollAsync(id);
        var other = await host.PostAsync("/token", [("grant_type", "authorization_code"), ("code", "c-1")]);

        Assert.That(new[] { pending.Error, other.Body }, Is.EqualTo(new[] { "authorization_pending", "POST authorization_code:c-1" }));
    }

    [Test]
    public async Task A_body_that_earlier_middleware_has_buffered_is_left_where_it_was()
    {
        await using var host = Shared(app => app.Use(BodyAsync), beforeRouting: async (context, next) =>
        {
            context.Request.EnableBuffering();
            await context.Request.Body.ReadExactlyAsync(new byte[4]);
            await next(context);
        });

        var answer = await PostAsync(host, Content(FormType, "abc&grant_type=x"));

        Assert.That(answer.Body, Is.EqualTo("the host: grant_type=x"));
    }

    [Test]
    public async Task Without_the_option_such_a_host_gets_nothing_that_routing_has_taken()
    {
        await using var host = new CibaHost { Map = app => app.Use((context, next) => context.GetEndpoint() is null ? AlwaysAsync(context, next) : next(context)) };

        var post = await host.PostAsync("/token", [("grant_type", "authorization_code")]);
        var get = await host.SendAsync(HttpMethod.Get, "/token");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(post.Error, Is.EqualTo("unsupported_grant_type"));
            Assert.That(get.Status, Is.EqualTo(HttpStatusCode.MethodNotAllowed));
        }
    }

    [Test]
    public async Task What_nobody_takes_is_not_found()
    {
        await using var host = Shared(_ => { });

        var post = await host.PostAsync("/token", [("grant_type", "authorization_code")]);
        var get = await host.SendAsync(HttpMethod.Get, "/token");

        Assert.That(new[] { post.Status, get.Status }, Is.All.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task An_endpoint_of_the_host_works_on_a_shared_path_as_well()
    {
        await using var host = Shared(app => app.MapPost("/token", EchoAsync));
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var other = await host.PostAsync("/token", [("grant_type", "authorization_code"), ("code", "c-1")]);
        var ours = await host.PollAsync(id);

        Assert.That(new[] { other.Body, ours.Error }, Is.EqualTo(new[] { "POST authorization_code:c-1", "authorization_pending" }));
    }

    [Test, Spec("A16")]
    public async Task Behind_a_proxy_what_it_forwards_is_seen_where_forwarded_headers_stand_before_routing()
    {
        var forwarded = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedProto };
        await using var host = new CibaHost
        {
            Options = options => options.TokenPathIsShared = true,
            BeforeRouting = app =>
            {
                app.Use((context, next) =>
                {
                    context.Connection.RemoteIpAddress = IPAddress.Loopback;
                    return next(context);
                });
                app.UseForwardedHeaders(forwarded);
            },
            Map = app => app.Use(AlwaysAsync),
        };

        var answer = await host.PostAsync("/token", [("grant_type", CibaHost.GrantType)], request =>
        {
            request.Headers.Host = "id.example.com";
            request.Headers.Add("X-Forwarded-Proto", "https");
        });

        Assert.That(answer.Error, Is.EqualTo("invalid_client"));
    }

    private static CibaHost Shared(Action<WebApplication> map, Func<HttpContext, RequestDelegate, Task>? beforeRouting = null) => new()
    {
        Options = options => options.TokenPathIsShared = true,
        BeforeRouting = app =>
        {
            if (beforeRouting is not null)
            {
                app.Use((context, next) => IsToken(context) ? beforeRouting(context, next) : next(context));
            }
        },
        Map = map,
    };

    private static bool IsToken(HttpContext context) => context.Request.Path == "/token";

    private static Task AlwaysAsync(HttpContext context, RequestDelegate next) => IsToken(context) ? EchoAsync(context) : next(context);

    private static async Task EchoAsync(HttpContext context)
    {
        var form = context.Request.HasFormContentType ? await context.Request.ReadFormAsync() : FormCollection.Empty;
        await context.Response.WriteAsync($"{context.Request.Method} {form["grant_type"]}:{form["code"]}");
    }

    private static async Task EchoBodyAsync(HttpContext context)
    {
        var body = await new StreamReader(context.Request.Body).ReadToEndAsync();
        await context.Response.WriteAsync($"{context.Request.Method} {body.Replace("grant_type=", "").Replace("&code=", ":")}");
    }

    private static async Task BodyAsync(HttpContext context, RequestDelegate next) =>
        await context.Response.WriteAsync($"the host: {await new StreamReader(context.Request.Body).ReadToEndAsync()}");

    private static ByteArrayContent Content(string? type, string body)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.ContentType = type is null ? null : MediaTypeHeaderValue.Parse(type);
        return content;
    }

    private static Task<Answer> PostAsync(CibaHost host, HttpContent content, Action<HttpRequestMessage>? change = null) =>
        host.SendAsync(HttpMethod.Post, "/token", content, change);

    private static TestCaseData<Action<WebApplication>> Host(string name, Action<WebApplication> map) => new(map) { TestName = $"{{m}}({name})" };
}
