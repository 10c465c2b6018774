using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 9396 sections 6 and 9.1: which of the granted authorization details an access token has.</summary>
[Spec("I6")]
public sealed class AuthorizationDetailsLocationTests
{
    private const string Bank = "https://bank.example.com";
    private const string Files = "https://files.example.com/v1";
    private const string ForBank = """{"type":"payment","locations":["https://BANK.example.com:443/"]}""";
    private const string ForFiles = """{"type":"files","locations":["https://files.example.com/v1"]}""";
    private const string ForBoth = """{"type":"consent","locations":["https://other.example.com","https://files.example.com/v1","https://bank.example.com"]}""";
    private const string ForAll = """{"type":"account"}""";
    private const string NotGranted = "authorization_details must be some of those that the user granted for these resources, each as it was: leave out the others.";

    [TestCase(new[] { Bank, Files }, new string[0], $"[{ForBank},{ForFiles},{ForBoth},{ForAll}]"), TestCase(new[] { Bank, Files }, new[] { Bank }, $"[{ForBank},{ForBoth},{ForAll}]")]
    [TestCase(new[] { Bank, Files }, new[] { $"{Bank}/" }, $"[{ForBank},{ForBoth},{ForAll}]"), TestCase(new[] { Bank, Files }, new[] { Files }, $"[{ForFiles},{ForBoth},{ForAll}]")]
    [TestCase(new[] { Files }, new string[0], $"[{ForFiles},{ForBoth},{ForAll}]"), TestCase(new string[0], new string[0], $"[{ForBank},{ForFiles},{ForBoth},{ForAll}]")]
    public async Task An_object_with_locations_goes_into_a_token_for_one_of_them_alone(string[] asked, string[] narrowed, string expected)
    {
        await using var host = Host();
        var id = await ApprovedAsync(host, $"[{ForBank},{ForFiles},{ForBoth},{ForAll}]", asked);

        var tokens = await host.PollAsync(id, Named(narrowed));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Details(tokens.Json), Is.EqualTo(expected));
            Assert.That(Details(ReceivedToken.Access(tokens).Claims), Is.EqualTo(expected));
        }
    }

    [TestCase("[]"), TestCase("null"), TestCase("{}")]
    public async Task What_names_no_locations_goes_everywhere(string locations)
    {
        await using var host = Host();
        var detail = $$"""{"type":"payment","locations":{{locations}}}""";
        var id = await ApprovedAsync(host, $"[{detail}]", [Bank]);

        Assert.That(Details((await host.PollAsync(id)).Json), Is.EqualTo($"[{detail}]"));
    }

    [TestCase($$"""[1,null,["{{Bank}}"]]"""), TestCase($"\"{Files}\"")]
    public async Task A_location_that_is_none_of_the_resources_is_none_however_it_is_written(string locations)
    {
        await using var host = Host();
        var id = await ApprovedAsync(host, $$"""[{"type":"payment","locations":{{locations}}},{{ForAll}}]""", [Bank]);

        Assert.That(Details((await host.PollAsync(id)).Json), Is.EqualTo($"[{ForAll}]"));
    }

    [TestCase($"[{ForAll}]", $"[{ForAll}]"), TestCase($$"""[{{ForAll}},{"locations":["https://files.example.com/v1"],"type":"files"}]""", $"[{ForAll},{ForFiles}]")]
    [TestCase("", $"[{ForBank},{ForFiles},{ForAll}]")]
    public async Task The_token_request_narrows_them(string narrowed, string expected)
    {
        await using var host = Host();
        var id = await ApprovedAsync(host, $"[{ForBank},{ForFiles},{ForAll}]", [Bank, Files]);

        var tokens = await host.PollAsync(id, ("authorization_details", narrowed));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Details(tokens.Json), Is.EqualTo(expected));
            Assert.That(Details(ReceivedToken.Access(tokens).Claims), Is.EqualTo(expected));
        }
    }

    [TestCase($"[{ForBoth}]", TestName = "{m}(asked and not granted)"), TestCase("""[{"type":"insurance"}]""", TestName = "{m}(not asked)"), TestCase($"[{ForAll},{ForAll}]", TestName = "{m}(twice)")]
    [TestCase("""[{"type":"account","actions":["write"]}]""", TestName = "{m}(more than it was)"), TestCase($"[{ForAll},{ForFiles}]", TestName = "{m}(for another resource)")]
    public async Task More_than_was_granted_is_refused_and_the_approval_stands(string wider)
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync([("authorization_details", $"[{ForBank},{ForFiles},{ForAll},{ForBoth}]"), .. Named(Bank, Files)])).AuthReqId;
        await host.ApproveAsync(id, approval: new CibaApproval { AuthorizationDetails = [JsonElement.Parse(ForBank), JsonElement.Parse(ForFiles), JsonElement.Parse(ForAll)] });

        var refused = await host.PollAsync(id, ("resource", Bank), ("authorization_details", wider));
        var tokens = await host.PollAsync(id);

        Refusal.Says(refused, "invalid_authorization_details");
        Assert.That(refused.Description, Is.EqualTo(NotGranted));
        Assert.That(Details(tokens.Json), Is.EqualTo($"[{ForBank},{ForFiles},{ForAll}]"));
    }

    [Test]
    public async Task Where_none_were_asked_none_can_be_named()
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);

        Refusal.Says(await host.PollAsync(id, ("authorization_details", $"[{ForAll}]")), "invalid_authorization_details");
    }

    [TestCase("{"), TestCase("[]"), TestCase("[1]"), TestCase("""[{"type":""}]""")]
    public async Task Malformed_ones_are_refused_before_the_request_is_looked_at(string malformed)
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var refused = await host.PollAsync(id, ("authorization_details", malformed));
        var first = await host.PollAsync(id);

        Refusal.Says(refused, "invalid_authorization_details");
        Assert.That(first.Error, Is.EqualTo("authorization_pending"), "a poll that had counted would have been followed by slow_down");
    }

    [Test, Spec("P2")]
    public async Task A_push_has_those_for_its_resources()
    {
        using var receiver = new FakeReceiver();
        await using var host = Host(FakeReceiver.PushClient(), receiver.Use);
        await host.ApproveAsync((await host.AskAsync([("authorization_details", $"[{ForBank},{ForFiles},{ForAll}]"), .. Named(Files)])).AuthReqId);

        var push = await receiver.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Details(push.Tokens.Json), Is.EqualTo($"[{ForFiles},{ForAll}]"));
            Assert.That(Details(ReceivedToken.Access(push.Tokens).Claims), Is.EqualTo($"[{ForFiles},{ForAll}]"));
        }
    }

    [Test]
    public async Task A_token_endpoint_of_the_hosts_own_gets_the_filtered_list()
    {
        await using var host = Host(map: app => app.MapPost("/own", async (HttpContext context, ICibaGrants ciba) =>
        {
            var form = await context.Request.ReadFormAsync();
            await using var grant = await ciba.RedeemAsync(form["auth_req_id"], "client", context);
            return grant.Error?.Error ?? Texts(grant.Request!);
        }));
        var id = await ApprovedAsync(host, $"[{ForBank},{ForFiles},{ForAll}]", [Bank, Files]);

        var answers = new List<string>();
        foreach (var (resource, details) in new[] { (Files, null), (null, $"[{ForBank}]"), (Bank, $"[{ForFiles}]"), (Bank, "x"), (null, (string?)null) })
        {
            answers.Add((await host.PostAsync("/own", [("auth_req_id", id), ("resource", resource), ("authorization_details", details)])).Body);
        }

        Assert.That(answers, Is.EqualTo(new[] { $"{ForFiles} {ForAll}", ForBank, "invalid_authorization_details", "invalid_authorization_details", $"{ForBank} {ForFiles} {ForAll}" }));
    }

    [Test]
    public async Task So_does_a_caller_without_a_token_request()
    {
        await using var host = Host();
        var id = await ApprovedAsync(host, $"[{ForBank},{ForFiles},{ForAll}]", [Bank]);
        await using var scope = (await host.ServicesAsync()).CreateAsyncScope();

        await using var grant = await scope.ServiceProvider.GetRequiredService<ICibaGrants>().RedeemAsync(id, "client", CancellationToken.None);

        Assert.That(Texts(grant.Request!), Is.EqualTo($"{ForBank} {ForAll}"));
        Assert.That(grant.Request!.RequestedAuthorizationDetails, Has.Count.EqualTo(3));
    }

    private static async Task<string> ApprovedAsync(CibaHost host, string details, string[] resources)
    {
        var id = (await host.AuthorizeAsync([("authorization_details", details), .. Named(resources)])).AuthReqId;
        await host.ApproveAsync(id);
        return id;
    }

    private static (string, string?)[] Named(params string[] resources) => [.. resources.Select(resource => ("resource", (string?)resource))];

    private static string? Details(JsonElement json) => json.TryGetProperty("authorization_details", out var details) ? details.GetRawText() : null;

    private static string Texts(CibaTokenRequest request) => string.Join(' ', request.AuthorizationDetails.Select(detail => detail.GetRawText()));

    private static CibaHost Host(CibaClient? client = null, Action<CibaBuilder>? setup = null, Action<WebApplication>? map = null)
    {
        client ??= CibaHost.Client("client");
        client.AuthorizationDetailsTypes = ["payment", "files", "consent", "account"];
        client.Resources = [Bank, Files];
        return new CibaHost { Clients = [client], Options = options => options.AuthorizationDetailsTypesSupported = ["payment", "files", "consent", "account"], Setup = setup, Map = map };
    }
}
