using System.Net;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 9449 section 8: a host that gives out nonces takes no proof without one.</summary>
[Spec("T13"), Spec("T14")]
public sealed class DpopNonceTests
{
    [Test]
    public async Task A_proof_without_a_nonce_is_told_one_and_with_it_goes_through_as_if_it_were_the_first()
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        var proof = host.NewProof();

        var asked = await host.PollWithAsync(id, proof.Sign(DpopCalls.Key));
        var right = await host.PollWithAsync(id, proof.Claim("nonce", TestJwt.Text(Nonce(asked))).Sign(DpopCalls.Key));

        Refusal.Says(asked, "use_dpop_nonce");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(asked.Description, Is.EqualTo("Send a DPoP proof with the nonce of the DPoP-Nonce header."));
            Assert.That(right.Error, Is.EqualTo("authorization_pending"));
            Assert.That(Nonce(right), Is.Not.EqualTo(Nonce(asked)));
        }
    }

    [Test]
    public async Task Every_answer_to_a_good_proof_has_the_next_nonce()
    {
        await using var host = Host();
        var nonce = await FirstNonceAsync(host);

        var asked = await host.AuthorizeWithAsync(With(host, nonce, DpopCalls.AuthorizeUrl));
        var pending = await host.PollWithAsync(asked.AuthReqId, With(host, Nonce(asked)));
        await host.ApproveAsync(asked.AuthReqId);
        var tokens = await host.PollWithAsync(asked.AuthReqId, With(host, Nonce(pending)));
        var used = await host.PollWithAsync(asked.AuthReqId, With(host, Nonce(tokens)));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((pending.Error, tokens.Text("token_type"), used.Error), Is.EqualTo(("authorization_pending", "DPoP", "invalid_grant")));
            Assert.That(new[] { asked, pending, tokens, used }.Select(Nonce), Is.Unique.And.All.Not.Empty);
        }
    }

    [Test]
    public async Task At_the_authentication_request_a_nonce_is_asked_for_too()
    {
        await using var host = Host();

        var answer = await host.AuthorizeWithAsync(host.Proof(DpopCalls.AuthorizeUrl));

        await Refusal.LeavesNothingAsync(host, answer, "use_dpop_nonce");
        Assert.That(Nonce(answer), Is.Not.Empty);
    }

    [Test]
    public async Task A_nonce_is_good_for_its_lifetime()
    {
        await using var host = Host(options => options.Dpop.NonceLifetime = TimeSpan.FromSeconds(20));
        var (id, nonce) = (await host.ApprovedAsync(), await FirstNonceAsync(host));

        host.Time.Advance(TimeSpan.FromSeconds(20));
        var old = await host.PollWithAsync(id, With(host, nonce));
        host.Time.Advance(-TimeSpan.FromTicks(1));
        var young = await host.PollWithAsync(id, With(host, nonce));

        Assert.That((old.Error, young.Status), Is.EqualTo(("use_dpop_nonce", HttpStatusCode.OK)));
    }

    [TestCase("\"\""), TestCase("\"x\""), TestCase("1"), TestCase("\"eyJ1c2VkIjoiYSBub25jZSBvZiBzb21lYm9keSBlbHNlJ3MifQ\"")]
    public async Task What_is_no_nonce_of_ours_is_told_a_right_one(string json)
    {
        await using var host = Host();

        var answer = await host.PollWithAsync(ClientCalls.UnknownRequest, host.NewProof().Claim("nonce", json).Sign(DpopCalls.Key));

        Assert.That((answer.Error, Nonce(answer)), Is.EqualTo(("use_dpop_nonce", Nonce(answer))));
    }

    [Test]
    public async Task A_nonce_of_another_provider_and_one_that_was_changed_are_refused()
    {
        await using var host = Host();
        await using var foreign = Host();
        var nonce = await FirstNonceAsync(host);
        string[] wrong = [await FirstNonceAsync(foreign), nonce[..^4] + (nonce.EndsWith("AAAA", StringComparison.Ordinal) ? "BBBB" : "AAAA"), nonce + "AAAA", nonce + "=", new('A', 2000)];

        foreach (var text in wrong)
        {
            Assert.That((await host.PollWithAsync(ClientCalls.UnknownRequest, With(host, text))).Error, Is.EqualTo("use_dpop_nonce"), text);
        }
    }

    [Test]
    public async Task A_nonce_has_the_characters_that_section_8_1_allows_and_says_nothing()
    {
        await using var host = Host();

        var nonces = new[] { await FirstNonceAsync(host), await FirstNonceAsync(host) };

        Assert.That(nonces, Is.Unique.And.All.Match("^[A-Za-z0-9_-]{40,400}$"));
    }

    [Test]
    public async Task A_wrong_proof_is_told_what_is_wrong_and_no_nonce()
    {
        await using var host = Host();

        var answer = await host.PollWithAsync(ClientCalls.UnknownRequest, host.NewProof().Sign(TestKey.Ec("thief")));

        Assert.That((answer.Error, answer.Header("DPoP-Nonce")), Is.EqualTo(("invalid_dpop_proof", (string?)null)));
    }

    [Test]
    public async Task After_a_long_poll_the_nonce_is_as_young_as_the_answer()
    {
        await using var host = Host(options => (options.LongPolling.Timeout, options.Dpop.NonceLifetime) = (TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30)));
        var (id, nonce) = ((await host.AuthorizeAsync()).AuthReqId, await FirstNonceAsync(host));
        var poll = host.PollWithAsync(id, With(host, nonce));
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(30));

        host.Time.Advance(TimeSpan.FromSeconds(30));
        var waited = await poll;
        await host.ApproveAsync(id);

        Assert.That((await host.PollWithAsync(id, With(host, Nonce(waited)))).Text("token_type"), Is.EqualTo("DPoP"));
    }

    [Test]
    public async Task Without_proofs_nothing_is_asked_of_Data_Protection()
    {
        var keys = new Keys();
        await using var host = new CibaHost { Options = options => options.Dpop.RequireNonce = true, Setup = ciba => ciba.Services.AddSingleton<IDataProtectionProvider>(keys) };

        var tokens = await host.TokensAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((tokens.Text("token_type"), tokens.Header("DPoP-Nonce")), Is.EqualTo(("Bearer", (string?)null)));
            Assert.That(keys.Asked, Is.Zero);
        }
    }

    [Test, Spec("A18")]
    public async Task Keys_that_cannot_be_had_are_a_server_error()
    {
        await using var host = new CibaHost { Options = options => options.Dpop.RequireNonce = true, Setup = ciba => ciba.Services.AddSingleton<IDataProtectionProvider>(new Keys()) };

        Refusal.Says(await host.PollWithAsync(ClientCalls.UnknownRequest, host.Proof()), "server_error", 500);
    }

    [Test, Spec("R5")]
    public async Task A_signed_request_is_not_used_up_by_the_answer_that_asks_for_a_nonce()
    {
        await using var host = new CibaHost
        {
            Clients = [SignedCalls.Client()],
            Options = options => options.Dpop.RequireNonce = true,
            Setup = ciba => ciba.Services.AddSingleton<IDataProtectionProvider>(new EphemeralDataProtectionProvider()),
        };
        (string, string?)[] form = [("client_id", "client"), ("client_secret", CibaHost.Secret), ("request", SignedCalls.Jwt(host).Sign(SignedCalls.Key))];

        var asked = await host.PostAsync(ClientCalls.Authorize, form, DpopCalls.Send(host.Proof(DpopCalls.AuthorizeUrl)));
        var proof = host.NewProof(url: DpopCalls.AuthorizeUrl).Claim("nonce", TestJwt.Text(asked.Header("DPoP-Nonce")!)).Sign(DpopCalls.Key);
        var taken = await host.PostAsync(ClientCalls.Authorize, form, DpopCalls.Send(proof));

        Assert.That((asked.Error, taken.Error), Is.EqualTo(("use_dpop_nonce", (string?)null)));
    }

    private static CibaHost Host(Action<CibaOptions>? change = null) => new()
    {
        Clients = [DpopCalls.BoundClient()],
        Options = options =>
        {
            options.Dpop.RequireNonce = true;
            change?.Invoke(options);
        },
        Setup = ciba => ciba.Services.AddSingleton<IDataProtectionProvider>(new EphemeralDataProtectionProvider()),
    };

    private static string Nonce(Answer answer) => answer.Header("DPoP-Nonce") ?? throw new AssertionException($"no nonce: {answer.Body}");

    private static async Task<string> FirstNonceAsync(CibaHost host) => Nonce(await host.PollWithAsync(ClientCalls.UnknownRequest, host.Proof()));

    private static string With(CibaHost host, string nonce, string url = DpopCalls.TokenUrl) => host.NewProof(url: url).Claim("nonce", TestJwt.Text(nonce)).Sign(DpopCalls.Key);

    /// <summary>Data Protection whose keys cannot be had.</summary>
    private sealed class Keys : IDataProtectionProvider
    {
        public int Asked { get; private set; }

        public IDataProtector CreateProtector(string purpose)
        {
            Asked++;
            throw new IOException("The key ring cannot be read.");
        }
    }
}
