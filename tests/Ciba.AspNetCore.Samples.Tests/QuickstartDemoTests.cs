using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting;

namespace Ciba.AspNetCore.Samples.Tests;

/// <summary>Passwords and secrets that stand in the source work for a developer, or where the configuration asks for them.</summary>
public sealed class QuickstartDemoTests
{
    private const string Issuer = "--Ciba:Issuer=http://localhost:5080";
    private const string Urls = "--urls=http://127.0.0.1:0";

    private static readonly string[] Own =
    [
        Urls, Issuer, "--Quickstart:Users:0:Subject=7", "--Quickstart:Users:0:Username=carol", "--Quickstart:Users:0:Password=secret", "--Ciba:Clients:0:ClientId=bank",
        "--Ciba:Clients:0:ClientSecrets:0=bank-secret", "--Ciba:Clients:0:TokenEndpointAuthMethod=client_secret_basic", "--Ciba:Clients:0:BackchannelTokenDeliveryMode=poll",
    ];

    [TestCase, TestCase("--environment=Development", "--Quickstart:Demo=false")]
    public async Task In_production_no_built_in_client_or_user_is_there_nor_the_desk(params string[] settings)
    {
        await using var quickstart = await RunningSample.QuickstartAsync([Urls, Issuer, .. settings]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await AskAsync(quickstart, "shop", "shop-secret", "alice"), Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(await ListAsync(quickstart, "alice"), Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(await StatusAsync(quickstart, HttpMethod.Get, "/demo/desk"), Is.EqualTo(HttpStatusCode.NotFound));
            Assert.That(await StatusAsync(quickstart, HttpMethod.Post, "/demo/desk/requests"), Is.EqualTo(HttpStatusCode.NotFound));
            var session = await SessionAsync(quickstart);
            Assert.That(session.GetProperty("canSignIn").GetBoolean(), Is.False);
            Assert.That(session.GetProperty("demoUsers").GetArrayLength(), Is.Zero);
            Assert.That(quickstart.Output, Does.Contain("No clients are configured: every client is refused.").And.Contain("No users are configured.").And.Not.Contain("Demo mode"));
        }
    }

    [TestCase("--Quickstart:Demo=true"), TestCase("--environment=Development")]
    public async Task A_demonstration_has_them_and_says_so_in_a_warning_at_the_start(string setting)
    {
        await using var quickstart = await RunningSample.QuickstartAsync(Urls, Issuer, setting);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await AskAsync(quickstart, "shop", "shop-secret", "alice"), Is.EqualTo(HttpStatusCode.OK));
            Assert.That(await ListAsync(quickstart, "alice"), Is.EqualTo(HttpStatusCode.OK));
            Assert.That(await StatusAsync(quickstart, HttpMethod.Get, "/demo/desk"), Is.EqualTo(HttpStatusCode.OK));
            Assert.That((await SessionAsync(quickstart)).GetProperty("demoUsers").GetArrayLength(), Is.EqualTo(2));
            Assert.That(quickstart.Output, Does.Match(
                @"warn: [\w.]+\[1\]\s+Demo mode, for trying out only, with the built-in users with their known passwords and the built-in clients with their known secrets; everyone who opens the page can act as these clients\."));
        }
    }

    [TestCase("/demo/desk"), TestCase("/demo/phone/session"), TestCase("/demo/desk/requests/nobodys")]
    public async Task What_the_page_asks_for_is_stored_nowhere_and_taken_for_nothing_else(string path)
    {
        await using var quickstart = await RunningSample.QuickstartAsync(Urls, Issuer, "--Quickstart:Demo=true");
        using var http = new HttpClient { BaseAddress = quickstart.Address };

        using var answer = await http.GetAsync(path);

        Assert.That((answer.Headers.CacheControl?.NoStore, answer.Headers.GetValues("X-Content-Type-Options").Single()), Is.EqualTo((true, "nosniff")));
    }

    [Test]
    public async Task Configured_clients_and_users_work_in_production_and_no_visitor_acts_as_a_client()
    {
        await using var quickstart = await RunningSample.QuickstartAsync(Own);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await AskAsync(quickstart, "bank", "bank-secret", "carol"), Is.EqualTo(HttpStatusCode.OK));
            Assert.That(await ListAsync(quickstart, "carol", "secret"), Is.EqualTo(HttpStatusCode.OK));
            Assert.That(await StatusAsync(quickstart, HttpMethod.Get, "/demo/desk"), Is.EqualTo(HttpStatusCode.NotFound));
            Assert.That((await SessionAsync(quickstart)).GetProperty("canSignIn").GetBoolean(), Is.True);
            Assert.That(quickstart.Output, Does.Not.Contain("Demo mode").And.Not.Contain("are configured").And.Not.Contain("Automation"));
        }
    }

    [TestCase("Quickstart"), TestCase("Minimal"), TestCase("ExistingIdentityServer"), TestCase("CallbackReceiver")]
    public void The_commands_of_the_README_start_each_sample_in_development_at_its_documented_address(string sample)
    {
        var profiles = JsonElement.Parse(File.ReadAllText(Path.Combine(Repository.Root, "samples", sample, "Properties", "launchSettings.json"))).GetProperty("profiles");

        // An applicationUrl would win over the address in appsettings.json.
        Assert.That(
            profiles.GetProperty(sample).GetRawText().Where(sign => !char.IsWhiteSpace(sign)),
            Is.EqualTo("""{"commandName":"Project","environmentVariables":{"ASPNETCORE_ENVIRONMENT":"Development"}}"""));
    }

    [TestCase("Production", null, 0), TestCase("Production", "true", 2), TestCase("Development", "false", 0), TestCase("Development", null, 2)]
    public async Task The_existing_server_has_demo_users_in_development_or_where_they_are_asked_for(string environment, string? demo, int expected)
    {
        await using var shared = new IdentityServerApp(null);
        await using var app = shared.WithWebHostBuilder(builder => builder.UseEnvironment(environment).UseSetting("Server:Demo", demo));
        using var http = app.CreateClient();

        using var form = new FormUrlEncodedContent([new("scope", "openid"), new("login_hint", "alice")]);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/bc-authorize") { Headers = { Authorization = CibaHost.Basic("call-centre", "call-centre-secret") }, Content = form };
        using var response = await http.SendAsync(request);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(response.StatusCode, Is.EqualTo(expected > 0 ? HttpStatusCode.OK : HttpStatusCode.Unauthorized));
            Assert.That(shared.LogText, Does.Contain(expected > 0 ? "gets demo users and clients" : "The database has no clients."));
        }
    }

    private static async Task<HttpStatusCode> AskAsync(RunningSample quickstart, string client, string secret, string user)
    {
        using var http = new HttpClient { BaseAddress = quickstart.Address };
        using var form = new FormUrlEncodedContent([new("scope", "openid"), new("login_hint", user)]);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/bc-authorize") { Headers = { Authorization = CibaHost.Basic(client, secret) }, Content = form };
        using var response = await http.SendAsync(request);
        return response.StatusCode;
    }

    private static async Task<HttpStatusCode> ListAsync(RunningSample quickstart, string user, string? password = null)
    {
        using var http = new HttpClient { BaseAddress = quickstart.Address };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password ?? user}")));
        using var response = await http.GetAsync("/device/requests");
        return response.StatusCode;
    }

    private static async Task<HttpStatusCode> StatusAsync(RunningSample quickstart, HttpMethod method, string path)
    {
        using var http = new HttpClient { BaseAddress = quickstart.Address };
        using var response = await http.SendAsync(new HttpRequestMessage(method, path));
        return response.StatusCode;
    }

    private static async Task<JsonElement> SessionAsync(RunningSample quickstart)
    {
        using var http = new HttpClient { BaseAddress = quickstart.Address };
        return JsonElement.Parse(await http.GetStringAsync("/demo/phone/session"));
    }
}
