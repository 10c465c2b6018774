namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 9449 section 10 in push mode: no token request shows a key, so the authentication request does.</summary>
[Spec("I5"), Spec("P2")]
public sealed class DpopPushTests : IDisposable
{
    private readonly FakeReceiver _receiver = new();

    public void Dispose() => _receiver.Dispose();

    [TestCase(true), TestCase(false)]
    public async Task Tokens_are_pushed_bound_to_the_key_that_the_request_named(bool byProof)
    {
        await using var host = Host(bound: true);
        (string, string?) token = ("client_notification_token", CallbackCalls.NotificationToken);
        var asked = byProof
            ? await host.AuthorizeWithAsync(host.Proof(DpopCalls.AuthorizeUrl), token)
            : await host.AskAsync(("dpop_jkt", DpopCalls.Thumbprint(DpopCalls.Key)));
        await host.ApproveAsync(asked.AuthReqId);

        var push = await _receiver.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(push.Tokens.Text("token_type"), Is.EqualTo("DPoP"));
            Assert.That(DpopCalls.Confirmation(push.Tokens), Is.EqualTo(DpopCalls.BoundTo()));
        }
    }

    [Test, Spec("A20")]
    public async Task A_client_whose_tokens_are_bound_must_name_a_key()
    {
        await using var host = Host(bound: true);

        var answer = await host.AskAsync();

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo("The tokens of this client are bound to a key and will be pushed: send dpop_jkt or a DPoP proof with this request."));
    }

    [Test]
    public async Task Any_other_client_gets_bearer_tokens()
    {
        await using var host = Host(bound: false);
        await host.ApproveAsync((await host.AskAsync()).AuthReqId);

        Assert.That((await _receiver.NextAsync()).Tokens.Text("token_type"), Is.EqualTo("Bearer"));
    }

    private CibaHost Host(bool bound)
    {
        var client = FakeReceiver.PushClient();
        client.DpopBoundAccessTokens = bound;
        return new() { Clients = [client], Options = CallbackCalls.Quietly, Setup = _receiver.Use };
    }
}
