using System.Net;
using Ciba.AspNetCore.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 7519 section 4.1.7, at the edges of what a replay cache knows: the start of the process and the expiry of a JWT.</summary>
[Spec("A4"), Spec("R5"), Spec("T13")]
public sealed class JwtReplayTests
{
    private const string NotKnown = "it was issued before this server started, which does not know whether it was used";

    [TestCase("assertion", "The client_assertion is refused: " + NotKnown + ": sign a new one for every request, with iat.")]
    [TestCase("request", "The request is refused: " + NotKnown + ": sign a new one for every request.")]
    [TestCase("proof", "The DPoP proof is refused: " + NotKnown + ": make a new one for every request.")]
    public async Task What_was_issued_before_the_process_began_is_refused_where_a_restart_forgets(string kind, string description)
    {
        await using var before = Host();
        await using var after = Host();
        var jwt = Jwt(kind, before);
        var first = await SendAsync(kind, before, jwt);
        after.Time.Advance(TimeSpan.FromSeconds(1));
        await after.StartedAsync();

        var again = await SendAsync(kind, after, jwt);
        var fresh = await SendAsync(kind, after, Jwt(kind, after));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Status, Is.EqualTo(HttpStatusCode.OK), first.Body);
            Assert.That(again.Description, Is.EqualTo(description));
            Assert.That(again.Error, Is.EqualTo(kind switch { "assertion" => "invalid_client", "request" => "invalid_request", _ => "invalid_dpop_proof" }));
            Assert.That(fresh.Status, Is.EqualTo(HttpStatusCode.OK), fresh.Body);
        }
    }

    [Test]
    public async Task The_process_began_when_the_host_started_and_not_at_the_first_JWT([Values("assertion", "request", "proof")] string kind)
    {
        await using var host = Host(uptime: TimeSpan.FromSeconds(30));
        await host.StartedAsync();
        host.Time.Advance(TimeSpan.FromSeconds(-30));
        var old = Jwt(kind, host);
        host.Time.Advance(TimeSpan.FromSeconds(30));

        Assert.That((await SendAsync(kind, host, old)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_start_within_a_second_counts_from_the_beginning_of_it([Values("assertion", "request", "proof")] string kind)
    {
        await using var host = Host();
        host.Time.Advance(TimeSpan.FromMilliseconds(999));
        await host.StartedAsync();

        Assert.That((await SendAsync(kind, host, Jwt(kind, host))).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_cache_that_outlives_the_process_takes_what_was_issued_before([Values("assertion", "request", "proof")] string kind)
    {
        await using var host = Host(ciba => ciba.Services.Replace(ServiceDescriptor.Singleton<ICibaReplayCache>(new LastingCache())));
        var jwt = Jwt(kind, host);
        host.Time.Advance(TimeSpan.FromSeconds(10));
        await host.StartedAsync();

        Assert.That((await SendAsync(kind, host, jwt)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    // Seconds from the start; an assertion need not have either.
    [TestCase(null, 0, 50, true, TestName = "Without iat the nbf counts: of the start")]
    [TestCase(null, -1, 90, false, TestName = "Without iat the nbf counts: from before the start")]
    [TestCase(-10, 0, 50, true, TestName = "The later of iat and nbf counts: nbf")]
    [TestCase(0, -10, 50, true, TestName = "The later of iat and nbf counts: iat")]
    [TestCase(null, null, 60, true, TestName = "Without iat and nbf it lives for a minute: from the start")]
    [TestCase(null, null, 59, false, TestName = "Without iat and nbf it lives for a minute: from before the start")]
    public async Task An_assertion_is_dated_by_what_it_has(int? iat, int? nbf, int exp, bool isTaken)
    {
        await using var host = Host();
        string? At(int? seconds) => seconds is { } value ? TestJwt.Seconds(host.Time.GetUtcNow().AddSeconds(value)) : null;
        var assertion = new TestJwt(host, "assertion").Claim("iat", At(iat)).Claim("nbf", At(nbf)).Claim("exp", At(exp)).Mac(CibaHost.Secret);

        var answer = await SendAsync("assertion", host, assertion);

        Assert.That(answer.Description, isTaken ? Is.Null : Does.Contain(NotKnown));
    }

    [Test]
    public async Task A_JWT_that_expires_between_the_look_at_its_times_and_the_cache_is_not_taken_twice([Values("assertion", "request", "proof")] string kind)
    {
        LateCache cache = null!;
        await using var host = Host(ciba => ciba.Services.Replace(ServiceDescriptor.Singleton<ICibaReplayCache>(provider => cache = new LateCache((ManualTime)provider.GetRequiredService<TimeProvider>()))));
        var jwt = Jwt(kind, host);
        var first = await SendAsync(kind, host, jwt);

        cache.IsLate = true;
        var again = await SendAsync(kind, host, jwt);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(again.Description, Does.Contain("its jti was used before"));
        }
    }

    [Test]
    public async Task A_request_that_is_answered_503_uses_up_no_JWT([Values("assertion", "request", "proof")] string kind)
    {
        var store = new HookedStore();
        await using var host = Host(store.Use);
        var jwt = Jwt(kind, host);
        store.Before = _ => throw new CibaStoreUnavailableException("The store does not answer.");
        var unavailable = await SendAsync(kind, host, jwt);
        store.Before = _ => Task.CompletedTask;

        var answers = new[] { await SendAsync(kind, host, jwt), await SendAsync(kind, host, jwt) };

        using (Assert.EnterMultipleScope())
        {
            Assert.That(unavailable.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That(answers[0].Status, Is.EqualTo(HttpStatusCode.OK), answers[0].Body);
            Assert.That(answers[1].Description, Does.Contain("its jti was used before"));
        }
    }

    [TestCase("assertion"), TestCase("proof")]
    public async Task A_poll_that_is_answered_503_uses_up_no_JWT(string kind)
    {
        var store = new HookedStore();
        await using var host = Host(store.Use);
        var id = (await SendAsync(kind, host, Jwt(kind, host))).AuthReqId;
        await host.ApproveAsync(id);
        var jwt = kind == "assertion" ? Jwt(kind, host) : host.Proof(DpopCalls.TokenUrl);
        store.Before = step => step == "CompleteAsync" ? throw new CibaStoreUnavailableException("The store does not answer.") : Task.CompletedTask;
        var unavailable = await PollAsync();
        store.Before = _ => Task.CompletedTask;

        var tokens = await PollAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(unavailable.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That(tokens.Status, Is.EqualTo(HttpStatusCode.OK), tokens.Body);
            Assert.That((await PollAsync()).Description, Does.Contain("its jti was used before"));
        }

        Task<Answer> PollAsync() => kind == "assertion"
            ? host.PollAsync(id, TestJwt.Form(jwt))
            : host.PostAsync(ClientCalls.Token, [("client_id", kind), ("client_secret", CibaHost.Secret), ("grant_type", CibaHost.GrantType), ("auth_req_id", id)], DpopCalls.Send(jwt));
    }

    private static CibaHost Host(Action<CibaBuilder>? setup = null, TimeSpan uptime = default) => new()
    {
        Clients = [ClientCalls.MacClient("assertion"), SignedCalls.Client("request"), DpopCalls.BoundClient("proof")],
        Setup = setup,
        Uptime = uptime,
    };

    private static string Jwt(string kind, CibaHost host) => kind switch
    {
        "assertion" => new TestJwt(host, kind).Mac(CibaHost.Secret),
        "request" => SignedCalls.Jwt(host, kind).Claim("exp", TestJwt.Seconds(host.Time.GetUtcNow().AddMinutes(1))).Sign(SignedCalls.Key),
        _ => host.Proof(DpopCalls.AuthorizeUrl),
    };

    private static Task<Answer> SendAsync(string kind, CibaHost host, string jwt) => kind switch
    {
        "assertion" => host.AuthorizeAsync(TestJwt.Form(jwt)),
        "request" => host.SignedAsync(jwt, ("client_id", kind)),
        _ => host.PostAsync(ClientCalls.Authorize, [("client_id", kind), ("client_secret", CibaHost.Secret), ("scope", "openid"), ("login_hint", "alice")], DpopCalls.Send(jwt)),
    };

    private sealed class LastingCache : ICibaReplayCache
    {
        public ValueTask<bool> TryUseAsync(string key, string use, DateTimeOffset expiresAt, CancellationToken cancellationToken) => new(true);
    }

    /// <summary>The memory cache, asked at the very instant at which a JWT expires.</summary>
    private sealed class LateCache(ManualTime time) : ICibaReplayCache
    {
        private readonly MemoryReplayCache _cache = new(time, NullLogger<MemoryReplayCache>.Instance);

        public bool IsLate { get; set; }

        public ValueTask<bool> TryUseAsync(string key, string use, DateTimeOffset expiresAt, CancellationToken cancellationToken)
        {
            if (IsLate)
            {
                time.Advance(expiresAt - time.GetUtcNow());
            }

            return _cache.TryUseAsync(key, use, expiresAt, cancellationToken);
        }
    }
}
