using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 9449 sections 4.3 and 11.1: a proof is for one call, at one place, at one time.</summary>
[Spec("I5"), Spec("T13")]
public sealed class DpopWindowTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromTicks(1);

    [TestCase("https://id.example.com/a/token")]
    [TestCase("HTTPS://ID.Example.COM/a/token")]
    [TestCase("https://id.example.com:443/a/token")]
    [TestCase("https://id.example.com/a/%74o%6ben")]
    [TestCase("https://id.example.com/b/../a/./token")]
    [TestCase("https://id.example.com/a/token?x=1#y")]
    [TestCase("https://mtls.example.com:8443/a/token")]
    public async Task The_URL_is_compared_as_RFC_3986_has_it(string htu)
    {
        await using var host = Host();
        var id = await host.ApprovedAsync();

        Assert.That((await host.PollWithAsync(id, host.Proof(htu))).Text("token_type"), Is.EqualTo("DPoP"));
    }

    [TestCase("http://id.example.com/a/token")]
    [TestCase("https://id.example.com:8443/a/token")]
    [TestCase("https://id.example.com/a/bc-authorize")]
    [TestCase("https://id.example.com/a/Token")]
    [TestCase("https://id.example.com/a/token/")]
    [TestCase("https://id.example.com/token")]
    [TestCase("https://id.example.com//a/token")]
    [TestCase("https://id.example.com/a%2Ftoken")]
    [TestCase("https://id.example.com/a/tok%6")]
    [TestCase("https://id.example.com\\a\\token")]
    [TestCase(" https://id.example.com/a/token")]
    [TestCase("https://me@id.example.com/a/token")]
    [TestCase("https://id.example.com.evil.example/a/token")]
    [TestCase("https://evil.example/?https://id.example.com/a/token")]
    [TestCase("https://mtls.example.com/a/token")]
    [TestCase("https://mtls.example.com:8443/token")]
    [TestCase("/a/token")]
    [TestCase("")]
    [TestCase("urn:x")]
    public async Task A_proof_for_another_place_is_refused(string htu)
    {
        await using var host = Host();
        var id = await host.ApprovedAsync();

        var answer = await host.PollWithAsync(id, host.Proof(htu));

        Assert.That(answer.Description, Is.EqualTo("The DPoP proof is refused: its htu is not the URL of this endpoint, as the discovery document has it."));
    }

    [Test]
    public async Task Escapes_in_a_path_are_the_same_in_either_case()
    {
        await using var host = new CibaHost { Clients = [DpopCalls.BoundClient()], Options = options => options.Issuer = "https://id.example.com/a%2fb" };
        var ids = new[] { await host.ApprovedAsync(), await host.ApprovedAsync(), await host.ApprovedAsync() };

        Answer[] answers =
        [
            await host.PollWithAsync(ids[0], host.Proof("https://id.example.com/a%2fb/token")),
            await host.PollWithAsync(ids[1], host.Proof("https://id.example.com/a%2Fb/token")),
            await host.PollWithAsync(ids[2], host.Proof("https://id.example.com/a/b/token")),
        ];

        Assert.That(answers.Select(answer => answer.Status), Is.EqualTo(new[] { HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.BadRequest }));
    }

    [Test]
    public async Task A_proof_is_good_for_its_lifetime_and_as_far_ahead_as_clocks_may_differ()
    {
        await using var host = Host(options => (options.Dpop.ProofLifetime, options.ClockSkew) = (TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(5)));
        var (now, ids) = (host.Time.GetUtcNow(), new[] { await host.ApprovedAsync(), await host.ApprovedAsync() });
        string Dated(int seconds) => host.NewProof(url: Url).Claim("iat", TestJwt.Seconds(now.AddSeconds(seconds))).Sign(DpopCalls.Key);

        var ahead = await host.PollWithAsync(ids[0], Dated(6));
        var almost = await host.PollWithAsync(ids[0], Dated(5));
        var old = await host.PollWithAsync(ids[1], Dated(-10));
        host.Time.Advance(-Tick);
        var young = await host.PollWithAsync(ids[1], Dated(-10));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ahead.Description, Is.EqualTo("The DPoP proof is refused: its iat is in the future."));
            Assert.That(almost.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(old.Description, Is.EqualTo("The DPoP proof is refused: its iat is too long ago: make a new one for every request."));
            Assert.That(young.Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test]
    public async Task A_proof_is_used_once_until_it_is_too_old_to_be_used_at_all()
    {
        await using var host = Host();
        var (id, proof) = ((await host.AuthorizeAsync()).AuthReqId, host.Proof(Url));

        var first = await host.PollWithAsync(id, proof);
        host.Time.Advance(TimeSpan.FromMinutes(1) - Tick);
        var again = await host.PollWithAsync(id, proof);
        host.Time.Advance(Tick);
        var late = await host.PollWithAsync(id, proof);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Error, Is.EqualTo("authorization_pending"));
            Assert.That(again.Description, Is.EqualTo("The DPoP proof is refused: its jti was used before: make a new one for every request."));
            Assert.That(late.Description, Does.Contain("its iat is too long ago"));
        }
    }

    [Test]
    public async Task A_proof_that_is_sent_many_times_at_once_is_taken_once()
    {
        await using var host = Host(options => options.PollingInterval = TimeSpan.FromSeconds(1));
        var (id, proof) = ((await host.AuthorizeAsync()).AuthReqId, host.Proof(Url));

        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(() => host.PollWithAsync(id, proof))));

        Assert.That(answers.Count(answer => answer.Error != "invalid_dpop_proof"), Is.EqualTo(1));
    }

    [Test]
    public async Task The_same_jti_of_another_key_is_another_proof()
    {
        await using var host = Host();
        var other = TestKey.Ec("other");
        var id = (await host.AuthorizeAsync()).AuthReqId;
        string With(TestKey key) => host.NewProof(key, Url).Claim("jti", "\"same\"").Sign(key);

        string?[] errors = [(await host.PollWithAsync(id, With(DpopCalls.Key))).Error, (await host.PollWithAsync(id, With(other))).Error];

        Assert.That(errors, Is.EqualTo(new[] { "authorization_pending", "slow_down" }));
    }

    [Test]
    public async Task A_forged_proof_uses_up_no_jti()
    {
        await using var host = Host();
        var id = await host.ApprovedAsync();
        var proof = host.NewProof(url: Url);

        var forged = await host.PollWithAsync(id, proof.Sign(TestKey.Ec("thief")));
        var right = await host.PollWithAsync(id, proof.Sign(DpopCalls.Key));

        Assert.That((forged.Error, right.Status), Is.EqualTo(("invalid_dpop_proof", HttpStatusCode.OK)));
    }

    [Test]
    public async Task At_a_tenant_the_URL_is_the_tenants()
    {
        await using var host = TenantHost.Make(clients: [DpopCalls.BoundClient()]);
        (string, string?)[] poll = [("client_id", "client"), ("client_secret", CibaHost.Secret), ("grant_type", CibaHost.GrantType), ("auth_req_id", (await host.AuthorizeAtAsync("blue")).AuthReqId)];

        var master = await host.PostAsync("/blue/token", poll, DpopCalls.Send(host.Proof($"{TenantHost.Master}/token")));
        var blue = await host.PostAsync("/blue/token", poll, DpopCalls.Send(host.Proof($"{TenantHost.Blue}/token")));

        Assert.That(new[] { master.Error, blue.Error }, Is.EqualTo(new[] { "invalid_dpop_proof", "authorization_pending" }));
    }

    private const string Url = "https://id.example.com/a/token";

    private static CibaHost Host(Action<CibaOptions>? change = null) => new()
    {
        Clients = [DpopCalls.BoundClient()],
        Uptime = TimeSpan.FromMinutes(1),
        Options = options =>
        {
            options.Issuer = "https://id.example.com/a";
            (options.MutualTls.Enabled, options.MutualTls.BaseAddress) = (true, "https://mtls.example.com:8443");
            change?.Invoke(options);
        },
    };
}
