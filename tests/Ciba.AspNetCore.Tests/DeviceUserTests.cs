using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>What the device's sign-in tells of the user: one identity says all of it, and what it does not say is not made up.</summary>
[Spec("I1")]
public sealed class DeviceUserTests
{
    private static readonly ClaimsIdentity Alice = Identity("sub=sub-alice amr=pwd");

    private static IEnumerable<TestCaseData> Principals()
    {
        yield return Case([Anonymous("sub=sub-bob acr=urn:acr:2 amr=face auth_time=1"), Alice], "an anonymous one before it");
        yield return Case([Identity("acr=urn:acr:2 amr=badge auth_time=1"), Alice], "one without a subject before it");
        yield return Case([Identity("sub= acr=urn:acr:2 amr=badge"), Alice], "one with an empty subject before it");
        yield return Case([Alice, Identity("sub=sub-bob acr=urn:acr:2 amr=face auth_time=1")], "another user's behind it");
        yield return Case([Alice, Identity("sub=sub-alice acr=urn:acr:2 amr=face auth_time=1")], "another one of the same user behind it");
        yield return Case([new([new(ClaimTypes.NameIdentifier, "sub-alice"), new("amr", "pwd")], "test"), Identity("sub=sub-bob acr=urn:acr:2")], "by its name identifier, and another's sub");

        static TestCaseData Case(ClaimsIdentity[] identities, string name) => new TestCaseData(new ClaimsPrincipal(identities)).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Principals)), Spec("I2"), Spec("U2")]
    public async Task Subject_acr_amr_and_time_come_from_one_identity(ClaimsPrincipal user)
    {
        await using var host = new CibaHost { Map = app => app.Use(next => context => { context.User = user; return next(context); }) };
        var id = (await host.AuthorizeAsync(("acr_values", "urn:acr:2"))).AuthReqId;

        var answer = await host.SendAsync(HttpMethod.Post, $"/device/requests/{await host.HandleAsync(id)}/approve");
        Assert.That((int)answer.Status, Is.EqualTo(204), answer.Body);
        var claims = ReceivedToken.Id(await host.PollAsync(id)).Claims;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(claims.GetProperty("amr").GetRawText(), Is.EqualTo("""["pwd"]"""));
            Assert.That(claims.TryGetProperty("acr", out _), Is.False);
            Assert.That(claims.TryGetProperty("auth_time", out _), Is.False);
        }
    }

    [Test, Spec("A12"), Spec("U3")]
    public async Task An_acr_of_another_identity_does_not_reach_what_is_essential()
    {
        var user = new ClaimsPrincipal([Identity("acr=urn:acr:2"), Alice]);
        await using var host = new CibaHost { Map = app => app.Use(next => context => { context.User = user; return next(context); }) };
        var id = (await host.AuthorizeAsync(("claims", """{"id_token":{"acr":{"essential":true,"value":"urn:acr:2"}}}"""))).AuthReqId;

        var answer = await host.SendAsync(HttpMethod.Post, $"/device/requests/{await host.HandleAsync(id)}/approve");

        Assert.That(answer.Text("code"), Is.EqualTo("acr_not_reached"), answer.Body);
    }

    [TestCase("default"), TestCase("policy"), TestCase("schemes"), TestCase("transformed")]
    public async Task A_session_that_does_not_say_when_it_began_began_when_its_ticket_was_issued(string policy)
    {
        await using var host = Host(policy);
        var cookie = (await host.SendAsync(HttpMethod.Post, "/sign-in")).Header("Set-Cookie")!.Split(';')[0];
        var signedInAt = host.Time.GetUtcNow();
        host.Time.Advance(TimeSpan.FromMinutes(40));

        var tokens = await ApprovedAsync(host, request => request.Headers.Add("Cookie", cookie));

        Assert.That(AuthTimes(tokens), Is.EqualTo(Twice(signedInAt.ToUnixTimeSeconds())));
    }

    [TestCase("default"), TestCase("schemes")]
    public async Task A_session_that_says_so_is_believed(string policy)
    {
        await using var host = Host(policy);
        var cookie = (await host.SendAsync(HttpMethod.Post, "/sign-in?authTime=1700000000")).Header("Set-Cookie")!.Split(';')[0];

        var tokens = await ApprovedAsync(host, request => request.Headers.Add("Cookie", cookie));

        Assert.That(AuthTimes(tokens), Is.EqualTo(Twice(1700000000)));
    }

    [Test]
    public async Task The_time_is_that_of_the_ticket_from_which_the_user_comes()
    {
        await using var host = Host("reversed");
        var cookie = (await host.SendAsync(HttpMethod.Post, "/sign-in?user=bob")).Header("Set-Cookie")!.Split(';')[0];
        host.Time.Advance(TimeSpan.FromMinutes(40));

        // The scheme that the policy names last goes before the others, and the header's ticket has no time.
        var tokens = await ApprovedAsync(host, request =>
        {
            request.Headers.Add("Cookie", cookie);
            request.Headers.Add("X-Header-User", "alice");
        });

        Assert.That(AuthTimes(tokens), Is.EqualTo(Twice(null)));
    }

    [Test]
    public async Task A_ticket_without_a_time_says_nothing()
    {
        await using var host = Host("schemes");

        var tokens = await ApprovedAsync(host, request => request.Headers.Add("X-Header-User", "alice"));

        Assert.That(AuthTimes(tokens), Is.EqualTo(Twice(null)));
    }

    [Test]
    public async Task A_user_without_a_ticket_and_an_approval_without_a_time_say_nothing()
    {
        await using var host = new CibaHost();
        var byDevice = (await host.AuthorizeAsync()).AuthReqId;
        var byHost = (await host.AuthorizeAsync()).AuthReqId;
        await host.DeviceAsync(HttpMethod.Post, $"/requests/{await host.HandleAsync(byDevice)}/approve", "alice");
        await host.ApproveAsync(byHost, approval: new CibaApproval());
        var ofEverything = (await host.AuthorizeAsync()).AuthReqId;
        await using (var scope = (await host.ServicesAsync()).CreateAsyncScope())
        {
            var approvals = scope.ServiceProvider.GetRequiredService<ICibaApprovals>();
            Assert.That(await approvals.ApproveAsync(await host.HandleAsync(ofEverything), "sub-alice", null, CancellationToken.None), Is.EqualTo(CibaDecisionResult.Done));
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(AuthTimes(await host.PollAsync(ofEverything)), Is.EqualTo(Twice(null)));
            Assert.That(AuthTimes(await host.PollAsync(byDevice)), Is.EqualTo(Twice(null)));
            Assert.That(AuthTimes(await host.PollAsync(byHost)), Is.EqualTo(Twice(null)));
        }
    }

    private static async Task<Answer> ApprovedAsync(CibaHost host, Action<HttpRequestMessage> signIn)
    {
        var id = (await host.AuthorizeAsync()).AuthReqId;
        var answer = await host.SendAsync(HttpMethod.Post, $"/device/requests/{await host.HandleAsync(id)}/approve", null, request =>
        {
            // What sends an Authorization header needs no antiforgery token, unless a cookie knows the user.
            signIn(request);
            request.Headers.Add("X-CSRF-TOKEN", "any");
        });
        Assert.That((int)answer.Status, Is.EqualTo(204), answer.Body);
        return await host.PollAsync(id);
    }

    private static string?[] Twice(long? time) => [time?.ToString(CultureInfo.InvariantCulture), time?.ToString(CultureInfo.InvariantCulture)];

    private static string?[] AuthTimes(Answer tokens) => [.. new[] { ReceivedToken.Id(tokens), ReceivedToken.Access(tokens) }
        .Select(token => token.Claims.TryGetProperty("auth_time", out var time) ? time.GetRawText() : null)];

    private static ClaimsIdentity Identity(string claims) => new(Claims(claims), "test");

    private static ClaimsIdentity Anonymous(string claims) => new(Claims(claims));

    private static IEnumerable<Claim> Claims(string claims) => claims.Split(' ').Select(claim => new Claim(claim.Split('=')[0], claim.Split('=')[1]));

    private static CibaHost Host(string policy) => new()
    {
        Setup = ciba =>
        {
            ciba.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
            ciba.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme)
                .AddCookie(cookie => cookie.Cookie.SecurePolicy = CookieSecurePolicy.None)
                .AddScheme<AuthenticationSchemeOptions, HeaderAuthentication>("Header", null);
            ciba.Services.AddAuthorization();
            ciba.Services.AddSingleton<IAntiforgery, NoAntiforgery>();
            if (policy == "transformed")
            {
                ciba.Services.AddSingleton<IClaimsTransformation, Cloning>();
            }
        },
        Map = app =>
        {
            app.UseAuthentication();
            app.UseAuthorization();
            app.MapPost("/sign-in", (HttpContext context, string? user, string? authTime) =>
                context.SignInAsync(new ClaimsPrincipal(Identity($"sub=sub-{user ?? "alice"}{(authTime is null ? "" : $" auth_time={authTime}")}"))));
        },
        Endpoints = app =>
        {
            app.MapCiba();
            var device = app.MapCibaDevice("/device");
            _ = policy switch
            {
                "default" => device.RequireAuthorization(),
                "policy" => device.RequireAuthorization(new AuthorizeAttribute { AuthenticationSchemes = CookieAuthenticationDefaults.AuthenticationScheme }),
                "reversed" => device.RequireAuthorization(new AuthorizeAttribute { AuthenticationSchemes = $"{CookieAuthenticationDefaults.AuthenticationScheme},Header" }),
                _ => device.RequireAuthorization(new AuthorizeAttribute { AuthenticationSchemes = $"Header,{CookieAuthenticationDefaults.AuthenticationScheme}" }),
            };
        },
    };

    /// <summary>Makes a new identity at each call.</summary>
    private sealed class Cloning : IClaimsTransformation
    {
        public Task<ClaimsPrincipal> TransformAsync(ClaimsPrincipal principal) => Task.FromResult(principal.Clone());
    }

    /// <summary>Lets every call pass: what it is for, other tests hold.</summary>
    private sealed class NoAntiforgery : IAntiforgery
    {
        public AntiforgeryTokenSet GetAndStoreTokens(HttpContext httpContext) => throw new NotSupportedException();

        public AntiforgeryTokenSet GetTokens(HttpContext httpContext) => throw new NotSupportedException();

        public Task<bool> IsRequestValidAsync(HttpContext httpContext) => Task.FromResult(true);

        public void SetCookieTokenAndHeader(HttpContext httpContext)
        {
        }

        public Task ValidateRequestAsync(HttpContext httpContext) => Task.CompletedTask;
    }
}
