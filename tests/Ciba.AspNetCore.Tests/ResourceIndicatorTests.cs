using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 8707: which resource servers the access token is for.</summary>
public sealed class ResourceIndicatorTests
{
    private const string Api = "https://api.example.com";
    private const string Files = "https://files.example.com/v1?tenant=7";
    private const string Urn = "urn:example:ledger";

    private static IEnumerable<TestCaseData> Bad()
    {
        const string Malformed = "resource is an absolute URI without fragment, of 1024 characters at most: send for instance https://api.example.com.";
        const string Foreign = "The client may not ask for one of these resources: leave it out, or have it added to the client's registration.";
        yield return Case([$"{Api}#part"], Malformed);
        yield return Case([$"{Api}#"], Malformed);
        yield return Case(["/api"], Malformed);
        yield return Case(["api.example.com"], Malformed);
        yield return Case(["//api.example.com"], Malformed);
        yield return Case([$" {Api}"], Malformed);
        yield return Case([$"{Api}/a b"], Malformed);
        yield return Case([$"{Api}/ä"], Malformed);
        yield return Case([$"{Api}/\n"], Malformed, "a line break");
        yield return Case([$"{Api}/{new string('a', 1024)}"], Malformed, "too long");
        yield return Case([Api, "nothing"], Malformed, "one of two");
        yield return Case([.. Enumerable.Repeat(Api, 17)], "resource is there too often: 16 times at most.", "17 times");
        yield return Case(["https://other.example.com"], Foreign);
        yield return Case([$"{Api}//"], Foreign, "two slashes more");
        yield return Case([$"{Api}:8443"], Foreign, "another port");
        yield return Case(["http://api.example.com"], Foreign, "another scheme");
        yield return Case(["https://me@api.example.com"], Foreign, "a user");
        yield return Case(["https://files.example.com/V1?tenant=7"], Foreign, "a path in other letters");
        yield return Case(["https://files.example.com/v1/?tenant=7"], Foreign, "a path with a slash more");
        yield return Case(["https://files.example.com/x/../v1?tenant=7"], Foreign, "dots in the path");
        yield return Case(["URN:example:ledger"], Foreign, "an URN in other letters");
        yield return Case([Api, "https://other.example.com"], Foreign, "one of two that is not the client's");

        static TestCaseData Case(string[] resources, string description, string? name = null) => new TestCaseData(resources, description).SetArgDisplayNames(name ?? resources[0].Trim('\n'));
    }

    [TestCaseSource(nameof(Bad)), Spec("A20")]
    public async Task What_is_no_resource_of_the_client_is_refused(string[] resources, string description)
    {
        await using var host = Host();

        var answer = await host.AuthorizeAsync(Asked(resources));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_target");
        Assert.That(answer.Description, Is.EqualTo(description));
    }

    [Test, Spec("A20")]
    public async Task A_client_without_resources_asks_for_none()
    {
        await using var host = Host();

        var answer = await host.AuthorizeAsync(("client_id", "other"), ("resource", Api));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_target");
    }

    [TestCase(2), TestCase(64), Spec("A20")]
    public async Task The_form_may_have_been_read_by_middleware(int fields)
    {
        await using var host = HostThatReadsForms();

        var stranger = await host.PostAsync("/token", [.. Asked([.. Enumerable.Repeat(Api, fields)])]);
        var answer = await host.AuthorizeAsync(Asked([Files, Api]));

        Refusal.Says(stranger, "invalid_request");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [Test, Spec("A20")]
    public async Task Every_value_of_a_form_that_middleware_has_read_counts()
    {
        await using var host = HostThatReadsForms();

        var answer = await host.PostAsync("/token", [.. Asked([.. Enumerable.Repeat(Api, 65)])]);

        Refusal.Says(answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo("The form cannot be read: it is cut off, or has too many or too long fields."));
    }

    [TestCase(new[] { Api }, $"\"{Api}\""), TestCase(new[] { Files, Api, Urn }, $"[\"{Files}\",\"{Api}\",\"{Urn}\"]"), TestCase(new[] { Api, Api }, $"\"{Api}\"")]
    [TestCase(new[] { "" }, $"\"{CibaHost.Issuer}/resources\""), TestCase(new string[0], $"\"{CibaHost.Issuer}/resources\"")]
    public async Task The_access_token_is_for_what_was_asked(string[] resources, string audience)
    {
        await using var host = Host();

        var tokens = await host.TokensAsync(changes: Asked(resources));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Audience(tokens), Is.EqualTo(audience));
            Assert.That(ReceivedToken.Id(tokens).Claims.GetProperty("aud").GetString(), Is.EqualTo("client"), "the ID Token is the client's");
        }
    }

    [Test, Spec("U1")]
    public async Task The_device_sees_them()
    {
        await using var host = Host();

        var id = (await host.AuthorizeAsync(Asked(Files, Api))).AuthReqId;
        var told = await host.Devices.NextAsync();
        var shown = await host.DeviceAsync(HttpMethod.Get, $"/requests/{told.Id}", "alice");
        var plain = await host.AuthorizeAsync();
        var other = await host.DeviceAsync(HttpMethod.Get, $"/requests/{CibaRequestId.FromAuthReqId(plain.AuthReqId)}", "alice");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(told.Resources, Is.EqualTo(new[] { Files, Api }));
            Assert.That(shown.Body, Is.EqualTo(
                $$"""{"id":"{{CibaRequestId.FromAuthReqId(id)}}","client_id":"client","client_name":"The client","scope":"openid","created_at":"2026-01-15T12:00:00+00:00","expires_at":"2026-01-15T12:02:00+00:00","resource":["{{Files}}","{{Api}}"]}"""));
            Assert.That(other.Json.TryGetProperty("resource", out _), Is.False);
        }
    }

    [TestCase(new[] { Files }, $"\"{Files}\""), TestCase(new[] { Urn, Api }, $"[\"{Urn}\",\"{Api}\"]"), TestCase(new[] { Api, Api }, $"\"{Api}\"")]
    [TestCase(new[] { "" }, $"[\"{Api}\",\"{Files}\",\"{Urn}\"]")]
    public async Task The_token_request_narrows_them(string[] narrowed, string audience)
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync(Asked(Api, Files, Urn))).AuthReqId;
        await host.ApproveAsync(id);

        var tokens = await host.PollAsync(id, Asked(narrowed));

        Assert.That(Audience(tokens), Is.EqualTo(audience));
    }

    [TestCase(Api, $"{Api}/"), TestCase($"{Api}/", Api), TestCase(Api, "https://API.example.com"), TestCase(Api, "HTTPS://api.example.com:443/"), TestCase(Api, $"{Api}:")]
    [TestCase($"{Api}:443/v1", $"{Api}/v1"), TestCase("http://api.example.com/", "http://api.example.com:80"), TestCase($"{Api}?a=B", $"{Api}/?a=B"), TestCase("https://me@api.example.com", "https://me@API.example.com/")]
    public async Task Another_spelling_of_the_same_address_is_the_same_resource_and_the_token_has_the_registered_one(string registered, string asked)
    {
        var client = CibaHost.Client("client");
        client.Resources = [Urn, registered];
        await using var host = new CibaHost { Clients = [client] };

        var id = (await host.AuthorizeAsync(Asked(asked, Urn, registered))).AuthReqId;
        var told = await host.Devices.NextAsync();
        await host.ApproveAsync(id);
        var tokens = await host.PollAsync(id, Asked(asked, registered));

        Assert.That(told.Resources, Is.EqualTo(new[] { registered, Urn }));
        Assert.That(Audience(tokens), Is.EqualTo($"\"{registered}\""));
    }

    [Test]
    public async Task Where_both_spellings_are_registered_each_is_itself()
    {
        var client = CibaHost.Client("client");
        client.Resources = [Api, $"{Api}/"];
        await using var host = new CibaHost { Clients = [client] };

        var tokens = await host.TokensAsync(changes: Asked($"{Api}/"));

        Assert.That(Audience(tokens), Is.EqualTo($"\"{Api}/\""));
    }

    [TestCase(true), TestCase(false)]
    public async Task The_token_request_does_not_widen_them_and_the_approval_stands(bool wereAsked)
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync(wereAsked ? Asked(Api) : [])).AuthReqId;
        await host.ApproveAsync(id);

        var wider = await host.PollAsync(id, Asked(Api, Files));
        var tokens = await host.PollAsync(id);

        Refusal.Says(wider, "invalid_target");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(wider.Description, Is.EqualTo("The authentication request did not ask for one of these resources."));
            Assert.That(Audience(tokens), Is.EqualTo(wereAsked ? $"\"{Api}\"" : $"\"{CibaHost.Issuer}/resources\""));
        }
    }

    [Test]
    public async Task A_malformed_one_is_refused_before_the_request_is_looked_at()
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync(Asked(Api))).AuthReqId;

        var malformed = await host.PollAsync(id, Asked($"{Api}#"));
        var many = await host.PollAsync("unknown", Asked([.. Enumerable.Repeat(Api, 17)]));
        var first = await host.PollAsync(id);

        Refusal.Says(malformed, "invalid_target");
        Refusal.Says(many, "invalid_target");
        Assert.That(first.Error, Is.EqualTo("authorization_pending"), "a poll that had counted would have been followed by slow_down");
    }

    [Test]
    public async Task A_token_endpoint_of_the_hosts_own_narrows_them_too()
    {
        await using var host = Host(map: app => app.MapPost("/own", async (HttpContext context, ICibaGrants ciba) =>
        {
            var form = await context.Request.ReadFormAsync();
            await using var grant = await ciba.RedeemAsync(form["auth_req_id"], "client", context);
            return grant.Error?.Error ?? string.Join(' ', grant.Request!.Resources);
        }));
        var id = (await host.AuthorizeAsync(Asked(Api, Files))).AuthReqId;
        await host.ApproveAsync(id);

        var answers = new List<string>();
        foreach (var resources in (string[][])[[Urn], ["/api"], [Files], []])
        {
            answers.Add((await host.PostAsync("/own", [("auth_req_id", id), .. Asked(resources)])).Body);
        }

        Assert.That(answers, Is.EqualTo(new[] { "invalid_target", "invalid_target", Files, $"{Api} {Files}" }));
    }

    [Test, Spec("P2")]
    public async Task A_push_is_for_what_was_asked()
    {
        using var receiver = new FakeReceiver();
        var client = FakeReceiver.PushClient();
        client.Resources = [Api, Files];
        await using var host = new CibaHost { Clients = [client], Setup = receiver.Use };
        await host.ApproveAsync((await host.AskAsync(Asked(Files, Api))).AuthReqId);

        var push = await receiver.NextAsync();

        Assert.That(Audience(push.Tokens), Is.EqualTo($"[\"{Files}\",\"{Api}\"]"));
    }

    [Test]
    public async Task A_request_for_another_resource_is_another_request()
    {
        await using var host = Host(options => options.CollapseIdenticalRequests = true);

        var first = await host.AuthorizeAsync(Asked(Api));
        var again = await host.AuthorizeAsync(Asked(Api));
        var other = await host.AuthorizeAsync(Asked(Files));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(again.AuthReqId, Is.EqualTo(first.AuthReqId));
            Assert.That(other.AuthReqId, Is.Not.EqualTo(first.AuthReqId));
        }
    }

    [TestCase("api.example.com", "Resources holds 'api.example.com', which is no absolute URI without fragment (RFC 8707 section 2); write for instance https://api.example.com.")]
    [TestCase("https://api.example.com#x", "Resources holds 'https://api.example.com#x', which is no absolute URI without fragment (RFC 8707 section 2); write for instance https://api.example.com.")]
    [TestCase("", "Resources holds '', which is no absolute URI without fragment (RFC 8707 section 2); write for instance https://api.example.com.")]
    [TestCase(null, "Resources has an empty entry; leave it out."), TestCase("null", "Resources is null; leave it out, or give it a list."), Spec("D7")]
    public async Task A_clients_resource_that_is_none_is_named_at_the_start(string? resource, string problem)
    {
        var client = CibaHost.Client("shop");
        client.Resources = resource == "null" ? null! : [Api, resource!];
        await using var host = new CibaHost { Clients = [client] };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { $"Client 'shop': {problem}" }));
    }

    private static (string, string?)[] Asked(params string[] resources) => [.. resources.Select(resource => ("resource", (string?)resource))];

    private static string Audience(Answer tokens) => ReceivedToken.Access(tokens).Claims.GetProperty("aud").GetRawText();

    private static CibaHost Host(Action<CibaOptions>? options = null, Action<WebApplication>? map = null, Action<WebApplication>? beforeRouting = null)
    {
        var client = CibaHost.Client("client");
        client.Resources = [Api, Files, Urn];
        return new CibaHost { Clients = [client, CibaHost.Client("other")], Options = options, Map = map, BeforeRouting = beforeRouting };
    }

    private static CibaHost HostThatReadsForms() => Host(beforeRouting: app => app.Use(async (context, next) =>
    {
        if (context.Request.HasFormContentType)
        {
            await context.Request.ReadFormAsync();
        }

        await next(context);
    }));
}
