using System.Net;
using Ciba.AspNetCore.Binding;
using Ciba.AspNetCore.Clients;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 9449 sections 5 and 10: whose tokens are bound, to which key, and that nobody gets them who cannot prove it.</summary>
[Spec("I5"), Spec("T13")]
public sealed class DpopBindingTests
{
    private const string NoProof = "The tokens of this client are bound to a key: send a DPoP proof.";

    [Test, Spec("T14")]
    public async Task A_client_whose_tokens_are_bound_learns_nothing_without_a_proof()
    {
        await using var host = new CibaHost { Clients = [DpopCalls.BoundClient()] };
        var ids = new[] { (await host.AuthorizeAsync()).AuthReqId, await host.ApprovedAsync(), (await host.AuthorizeAsync()).AuthReqId, ClientCalls.UnknownRequest };
        await host.DenyAsync(ids[2]);

        var answers = await Task.WhenAll(ids.Select(id => host.PollAsync(id)));

        Assert.That(answers.Select(answer => (answer.Status, answer.Error, answer.Description)), Is.All.EqualTo((HttpStatusCode.BadRequest, "invalid_dpop_proof", NoProof)));
    }

    [Test, Spec("T14"), Spec("T3")]
    public async Task A_call_without_a_proof_moves_no_interval()
    {
        await using var host = new CibaHost { Clients = [DpopCalls.BoundClient()] };
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var first = await host.PollWithAsync(id, host.Proof());
        host.Time.Advance(TimeSpan.FromSeconds(4));
        Answer[] refused = [await host.PollAsync(id), await host.PollWithAsync(id, host.Proof(DpopCalls.AuthorizeUrl))];
        host.Time.Advance(TimeSpan.FromSeconds(1));
        var second = await host.PollWithAsync(id, host.Proof());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused.Select(answer => answer.Error), Is.All.EqualTo("invalid_dpop_proof"));
            Assert.That(new[] { first.Error, second.Error }, Is.All.EqualTo("authorization_pending"));
        }
    }

    [TestCase(true), TestCase(false)]
    public async Task Any_other_client_gets_what_it_shows(bool proven)
    {
        await using var host = new CibaHost();
        var id = await host.ApprovedAsync();

        var tokens = proven ? await host.PollWithAsync(id, host.Proof()) : await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(tokens.Text("token_type"), Is.EqualTo(proven ? "DPoP" : "Bearer"));
            Assert.That(DpopCalls.Confirmation(tokens), Is.EqualTo(proven ? DpopCalls.BoundTo() : null));
            Assert.That(tokens.Header("DPoP-Nonce"), Is.Null);
        }
    }

    [Test]
    public async Task Any_other_client_is_told_of_a_wrong_proof_too()
    {
        await using var host = new CibaHost();
        var id = await host.ApprovedAsync();

        Assert.That((await host.PollWithAsync(id, "junk")).Error, Is.EqualTo("invalid_dpop_proof"));
    }

    [TestCase("jkt"), TestCase("proof"), TestCase("both")]
    public async Task The_authentication_request_names_the_key_and_only_that_one_gets_the_tokens(string by)
    {
        await using var host = new CibaHost();
        (string, string?)[] named = by == "proof" ? [] : [("dpop_jkt", DpopCalls.Thumbprint(DpopCalls.Key))];
        var id = (by == "jkt" ? await host.AuthorizeAsync(named) : await host.AuthorizeWithAsync(host.Proof(DpopCalls.AuthorizeUrl), named)).AuthReqId;
        var thief = TestKey.Ec("thief");

        var pending = await host.PollWithAsync(id, host.Proof());
        await host.ApproveAsync(id);
        var none = await host.PollAsync(id);
        var wrong = await host.PollWithAsync(id, host.Proof(key: thief));
        var tokens = await host.PollWithAsync(id, host.Proof());

        Refusal.Says(none, "invalid_grant");
        Refusal.Says(wrong, "invalid_grant");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(pending.Error, Is.EqualTo("authorization_pending"));
            Assert.That(none.Description, Is.EqualTo("The authentication request named a key (dpop_jkt): send a DPoP proof of it."));
            Assert.That(wrong.Description, Is.EqualTo("The DPoP proof is of another key than the one that the authentication request named (dpop_jkt)."));
            Assert.That(tokens.Text("token_type"), Is.EqualTo("DPoP"), tokens.Body);
            Assert.That(DpopCalls.Confirmation(tokens), Is.EqualTo(DpopCalls.BoundTo()));
        }
    }

    [TestCase("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4", TestName = "42 characters")]
    [TestCase("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4II", TestName = "44 characters")]
    [TestCase("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4J", TestName = "bits that stand for nothing")]
    [TestCase("0ZcOCORZNYy+DWpqq30jZyJGHTN0d2HglBV3uiguA4I", TestName = "a plus")]
    [TestCase("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4=", TestName = "padding")]
    [TestCase("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uigu A4I", TestName = "white space")]
    [Spec("A20")]
    public async Task A_thumbprint_that_is_none_is_refused(string thumbprint)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("dpop_jkt", thumbprint));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo("dpop_jkt is the SHA-256 thumbprint of a JWK: 43 characters of base64url."));
    }

    [Test, Spec("A20")]
    public async Task A_proof_at_the_authentication_request_is_checked_and_of_the_key_that_is_named()
    {
        await using var host = new CibaHost();

        Answer[] answers =
        [
            await host.AuthorizeWithAsync(host.Proof()),
            await host.AuthorizeWithAsync(host.Proof(DpopCalls.AuthorizeUrl), ("dpop_jkt", DpopCalls.Thumbprint(TestKey.Ec("other")))),
        ];

        foreach (var answer in answers)
        {
            await Refusal.LeavesNothingAsync(host, answer, "invalid_dpop_proof");
        }

        Assert.That(answers.Select(answer => answer.Description), Is.EqualTo(new[]
        {
            "The DPoP proof is refused: its htu is not the URL of this endpoint, as the discovery document has it.",
            "The DPoP proof is of another key than dpop_jkt.",
        }));
    }

    [Test]
    public async Task Requests_that_name_different_keys_are_not_the_same_request()
    {
        await using var host = new CibaHost { Options = options => options.CollapseIdenticalRequests = true };
        (string, string?) Named(TestKey key) => ("dpop_jkt", DpopCalls.Thumbprint(key));

        var one = (await host.AuthorizeAsync(Named(DpopCalls.Key))).AuthReqId;
        var same = (await host.AuthorizeAsync(Named(DpopCalls.Key))).AuthReqId;
        var other = (await host.AuthorizeAsync(Named(TestKey.Ec("other")))).AuthReqId;
        var none = (await host.AuthorizeAsync()).AuthReqId;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(same, Is.EqualTo(one));
            Assert.That(new[] { one, other, none }, Is.Unique);
        }
    }

    [TestCase(null), TestCase("dpop")]
    public async Task An_issuer_of_the_hosts_own_that_forgets_the_binding_is_a_server_error_and_the_approval_stands(string? type)
    {
        var issuer = new FakeTokens();
        await using var host = new CibaHost { Clients = [DpopCalls.BoundClient()], Setup = issuer.Use, Options = DpopCalls.On };
        var id = await host.ApprovedAsync();

        var forgot = await host.PollWithAsync(id, host.Proof());
        issuer.OnIssue = (_, _) => Task.FromResult<CibaTokens?>(new() { AccessToken = "bound", IdToken = "id", ExpiresIn = TimeSpan.FromMinutes(1), TokenType = type ?? "DPoP" });
        var right = await host.PollWithAsync(id, host.Proof());

        Refusal.Says(forgot, "server_error", 500);
        Assert.That(right.Text("access_token"), Is.EqualTo("bound"));
    }

    [Test]
    public async Task Where_DPoP_is_off_a_proof_is_ignored()
    {
        await using var host = new CibaHost { Options = Off };

        var id = (await host.AuthorizeWithAsync("junk", ("dpop_jkt", "junk"))).AuthReqId;
        await host.ApproveAsync(id);
        var tokens = await host.PollWithAsync(id, "junk");

        Assert.That((tokens.Text("token_type"), DpopCalls.Confirmation(tokens)), Is.EqualTo(("Bearer", (string?)null)));
    }

    [Test, Spec("A20")]
    public async Task Where_DPoP_is_off_a_client_of_the_hosts_own_store_that_needs_it_gets_nothing()
    {
        var clients = new HookedClients { Current = DpopCalls.BoundClient() };
        await using var host = new CibaHost { Clients = [], Options = Off, Setup = clients.Use };

        var asked = await HookedClients.AskAsync(host);
        var polled = await host.PostAsync("/token", [("client_id", "client"), ("client_secret", CibaHost.Secret), ("grant_type", CibaHost.GrantType), ("auth_req_id", ClientCalls.UnknownRequest)]);

        await Refusal.LeavesNothingAsync(host, asked, "unauthorized_client");
        Refusal.Says(polled, "unauthorized_client");
    }

    [Test]
    public async Task Who_shows_nothing_waits_for_nothing_and_costs_nothing()
    {
        await using var host = new CibaHost();
        var bindings = (await host.ServicesAsync()).GetRequiredService<TokenBindings>();
        var (context, client) = (new DefaultHttpContext(), RegisteredClient.Of(host.Clients[0]));
        var bytes = new List<long>();

        for (var round = 0; round < 5; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var read = bindings.ReadAsync(context, client, DpopCalls.TokenUrl);
            bytes.Add(GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.That(read.IsCompletedSuccessfully);
        }

        Assert.That(bytes, Has.Some.Zero);
    }

    [Test]
    public async Task Nothing_of_a_proof_is_logged()
    {
        await using var host = new CibaHost { Clients = [DpopCalls.BoundClient()] };
        var id = await host.ApprovedAsync(("dpop_jkt", DpopCalls.Thumbprint(DpopCalls.Key)));
        string[] proofs = [host.NewProof().Claim("jti", "\"the-id-of-a-proof\"").Sign(DpopCalls.Key), host.Proof(key: TestKey.Ec("other")), host.Proof("https://secret.example/elsewhere")];

        foreach (var proof in proofs.Concat(proofs))
        {
            await host.PollWithAsync(id, proof);
        }

        var log = string.Join('\n', host.Log.Lines.Select(line => line.Text));
        Assert.That(
            ((string[])["the-id-of-a-proof", "secret.example", DpopCalls.Thumbprint(DpopCalls.Key), .. proofs, .. proofs.SelectMany(proof => proof.Split('.'))]).Where(log.Contains),
            Is.Empty);
    }

    private static void Off(CibaOptions options) => options.Dpop.SigningAlgValuesSupported = [];
}
