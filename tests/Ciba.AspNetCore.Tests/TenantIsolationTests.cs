using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>A request made in one tenant is unknown in every other, and nothing that is counted in one counts in another.</summary>
public sealed class TenantIsolationTests
{
    [Test, Spec("T1"), Spec("T14")]
    public async Task To_the_client_another_tenants_request_is_an_invalid_grant_and_stays_as_it_was()
    {
        await using var host = TenantHost.Make();
        var id = (await host.AuthorizeAtAsync("master")).AuthReqId;
        var first = await host.PollAtAsync("master", id);
        host.Time.Advance(TimeSpan.FromSeconds(3));

        var foreign = await host.PollAtAsync("blue", id);
        var unknown = await host.PollAtAsync("blue", ClientCalls.UnknownRequest);
        host.Time.Advance(TimeSpan.FromSeconds(2));
        var second = await host.PollAtAsync("master", id);
        await host.ApproveAtAsync("master", id);
        var afterwards = await host.PollAtAsync("blue", id);
        var tokens = await host.PollAtAsync("master", id);

        Refusal.Says(foreign, "invalid_grant");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(foreign.Body, Is.EqualTo(unknown.Body), "no difference is visible");
            Assert.That(new[] { first.Error, second.Error, afterwards.Error }, Is.EqualTo(new[] { "authorization_pending", "authorization_pending", "invalid_grant" }));
            Assert.That(tokens.Status, Is.EqualTo(HttpStatusCode.OK), tokens.Body);
        }
    }

    [Test, Spec("U2")]
    public async Task To_the_device_of_the_same_subject_another_tenants_request_is_not_there()
    {
        await using var host = TenantHost.Make(options => options.ClientsMayCancel = true);
        var id = (await host.AuthorizeAtAsync("master")).AuthReqId;
        var handle = await host.HandleAsync(id);

        var list = await host.DeviceAtAsync("blue", HttpMethod.Get, "/requests");
        Answer[] answers =
        [
            await host.DeviceAtAsync("blue", HttpMethod.Get, $"/requests/{handle}"),
            await host.DeviceAtAsync("blue", HttpMethod.Post, $"/requests/{handle}/approve"),
            await host.DeviceAtAsync("blue", HttpMethod.Post, $"/requests/{handle}/deny"),
            await host.DeviceAtAsync("blue", HttpMethod.Post, $"/requests/{handle}/resend"),
        ];
        var cancelled = await host.PostAsync("/blue/bc-authorize/cancel", [("client_id", "client"), ("client_secret", CibaHost.Secret), ("auth_req_id", id)]);

        Assert.That(list.Body, Is.EqualTo("[]"));
        foreach (var answer in answers)
        {
            DeviceEndpointTests.AssertProblem(answer, 404, "There is no such request for this user.");
        }

        Refusal.Says(cancelled, "invalid_grant");
        using (Assert.EnterMultipleScope())
        {
            Assert.That((await host.DeviceAtAsync("master", HttpMethod.Get, "/requests")).Json.GetArrayLength(), Is.EqualTo(1));
            Assert.That((await host.PollAtAsync("master", id)).Error, Is.EqualTo("authorization_pending"), "it still waits");
        }
    }

    [Test, Spec("U5")]
    public async Task The_limits_of_pending_requests_count_for_each_tenant_by_itself([Values] bool perClient)
    {
        await using var host = TenantHost.Make(options => (options.Limits.PendingPerUser, options.Limits.PendingPerUserAndClient) = perClient ? (10, 1) : (1, 0));

        var errors = new List<string?>();
        foreach (var tenant in new[] { "master", "master", "blue", "blue" })
        {
            errors.Add((await host.AuthorizeAtAsync(tenant)).Error);
        }

        Assert.That(errors, Is.EqualTo(new[] { null, "access_denied", null, "access_denied" }));
    }

    [Test, Spec("U5")]
    public async Task A_user_who_denied_in_one_tenant_is_not_left_alone_in_another()
    {
        await using var host = TenantHost.Make(options => options.DenialCooldown = TimeSpan.FromMinutes(10));
        var id = (await host.AuthorizeAtAsync("master")).AuthReqId;
        await host.DeviceAtAsync("master", HttpMethod.Post, $"/requests/{await host.HandleAsync(id)}/deny");

        var errors = new[] { (await host.AuthorizeAtAsync("master")).Error, (await host.AuthorizeAtAsync("blue")).Error };

        Assert.That(errors, Is.EqualTo(new[] { "access_denied", null }));
    }

    [Test, Spec("U5")]
    public async Task Identical_requests_of_two_tenants_are_two()
    {
        await using var host = TenantHost.Make(options => options.CollapseIdenticalRequests = true);

        var master = (await host.AuthorizeAtAsync("master")).AuthReqId;
        var again = (await host.AuthorizeAtAsync("master")).AuthReqId;
        var blue = (await host.AuthorizeAtAsync("blue")).AuthReqId;

        Assert.That((again, blue), Is.EqualTo((master, blue)).And.Not.EqualTo((master, master)));
    }

    [Test, Spec("A10")]
    public async Task Wrong_user_codes_count_for_each_tenant_by_itself()
    {
        var client = CibaHost.Client("client");
        client.BackchannelUserCodeParameter = true;
        await using var host = TenantHost.Make(options => options.MaxUserCodeFailures = 1, clients: [client]);
        host.Users.Codes["alice"] = "2468";

        var wrong = await host.AuthorizeAtAsync("master", ("user_code", "1357"));
        var late = await host.AuthorizeAtAsync("master", ("user_code", "2468"));
        var blue = await host.AuthorizeAtAsync("blue", ("user_code", "2468"));
        var stillLate = await host.AuthorizeAtAsync("master", ("user_code", "2468"));

        Assert.That(new[] { wrong.Error, late.Error, blue.Error, stillLate.Error }, Is.EqualTo(new[] { "invalid_user_code", "access_denied", null, "access_denied" }));
    }

    [Test, Spec("A4")]
    public async Task An_assertion_is_for_the_tenant_that_its_aud_names([Values("", "/token", "/bc-authorize")] string endpoint)
    {
        await using var host = KeyHost();

        var foreign = await host.AuthorizeAtAsync("blue", TestJwt.Form(Sign(host, $"{TenantHost.Master}{endpoint}")));
        var root = await host.AuthorizeAtAsync("blue", TestJwt.Form(Sign(host, $"{CibaHost.Issuer}{endpoint}")));
        var own = await host.AuthorizeAtAsync("blue", TestJwt.Form(Sign(host, $"{TenantHost.Blue}{endpoint}")));

        foreach (var answer in new[] { foreign, root })
        {
            Refusal.Says(answer, "invalid_client", 401);
            Assert.That(answer.Description, Does.Contain("its aud holds neither"));
        }

        Assert.That(own.Status, Is.EqualTo(HttpStatusCode.OK), own.Body);
    }

    [Test, Spec("A4")]
    public async Task The_clients_of_two_tenants_do_not_use_up_each_others_jti()
    {
        await using var host = KeyHost();
        var (master, blue) = (Sign(host, TenantHost.Master, "the-same"), Sign(host, TenantHost.Blue, "the-same"));

        string?[] errors =
        [
            (await host.AuthorizeAtAsync("master", TestJwt.Form(master))).Error,
            (await host.AuthorizeAtAsync("blue", TestJwt.Form(blue))).Error,
            (await host.AuthorizeAtAsync("master", TestJwt.Form(master))).Error,
            (await host.AuthorizeAtAsync("blue", TestJwt.Form(blue))).Error,
        ];

        Assert.That(errors, Is.EqualTo(new[] { null, null, "invalid_client", "invalid_client" }));
    }

    [Test, Spec("A13")]
    public async Task An_ID_Token_of_another_tenant_is_no_hint_though_the_key_is_the_same()
    {
        await using var host = TenantHost.Make();
        var idToken = (await host.TokensAtAsync("master")).Text("id_token");

        var foreign = await host.AuthorizeAtAsync("blue", ("login_hint", null), ("id_token_hint", idToken));
        var own = await host.AuthorizeAtAsync("master", ("login_hint", null), ("id_token_hint", idToken));

        Refusal.Says(foreign, "invalid_request");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(foreign.Description, Is.EqualTo("The id_token_hint is not an ID Token that this provider issued to this client."));
            Assert.That(own.Status, Is.EqualTo(HttpStatusCode.OK), own.Body);
        }
    }

    [Test, Spec("A2")]
    public async Task A_client_store_that_knows_tenants_has_clients_that_only_one_knows()
    {
        await using var host = TenantHost.Make(clients: [], setup: ciba => ciba.AddClientStore<ClientOfBlue>());

        (string Name, string? Value)[] form = [("client_id", "client"), ("client_secret", CibaHost.Secret), ("scope", "openid"), ("login_hint", "alice")];
        var master = await host.PostAsync("/master/bc-authorize", form);
        var blue = await host.PostAsync("/blue/bc-authorize", form);

        Refusal.Says(master, "invalid_client", 401);
        Assert.That(blue.Status, Is.EqualTo(HttpStatusCode.OK), blue.Body);
    }

    [Test, Spec("T10")]
    public async Task A_poll_that_waits_is_woken_in_its_own_tenant()
    {
        await using var host = TenantHost.Make(options => options.LongPolling.Timeout = TimeSpan.FromSeconds(30));
        var master = (await host.AuthorizeAtAsync("master")).AuthReqId;
        var waiting = host.PollAtAsync("master", master);
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(30));

        var foreign = await host.PollAtAsync("blue", master);
        await host.ApproveAtAsync("master", master);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(foreign.Error, Is.EqualTo("invalid_grant"));
            Assert.That(ReceivedToken.Id(await waiting.WaitAsync(TimeSpan.FromSeconds(20))).Claims.GetProperty("iss").GetString(), Is.EqualTo(TenantHost.Master));
        }
    }

    private static CibaHost KeyHost() => TenantHost.Make(clients: [ClientCalls.KeyClient("client", TestKey.Set(TestKey.For("ES256").Jwk()))]);

    private static string Sign(CibaHost host, string audience, string? id = null)
    {
        var assertion = new TestJwt(host).Claim("aud", TestJwt.Text(audience));
        return (id is null ? assertion : assertion.Claim("jti", TestJwt.Text(id))).Sign(TestKey.For("ES256"));
    }

    private sealed class ClientOfBlue(CibaTenant tenant) : ICibaClientStore
    {
        public ValueTask<CibaClient?> FindAsync(string clientId, CancellationToken cancellationToken) =>
            new(tenant.Issuer == TenantHost.Blue && clientId == "client" ? CibaHost.Client("client") : null);
    }
}
