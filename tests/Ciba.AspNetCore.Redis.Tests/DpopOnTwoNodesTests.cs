using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>RFC 9449 on two nodes: what one has seen is used on the other, and what one gives out the other knows.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
public sealed class DpopOnTwoNodesTests(string kind)
{
    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly KeyRing _keys = new();

    private RedisServer Server => RedisServers.Get(kind);

    [Test]
    public async Task A_proof_is_taken_once_on_whichever_node()
    {
        await using var a = Node();
        await using var b = Node();
        var id = await a.AuthorizedAsync();
        await b.AuthorizedAsync();
        var proof = a.NewProof().Claim("jti", "\"the-id-of-this-proof\"").Sign(DpopCalls.Key);

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(number => (number % 2 == 0 ? a : b).PollWithAsync(id, proof).WaitAsync(RedisHosts.Bound)));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Select(answer => answer.Error).Order(), Is.EqualTo(Enumerable.Repeat("invalid_dpop_proof", 7).Prepend("authorization_pending")));
            Assert.That(await Server.AskAsync("KEYS", $"*{_prefix}*"), Does.Contain($"{_prefix}:j:").And.Not.Contain("the-id-of-this-proof").And.Not.Contain(DpopCalls.Thumbprint(DpopCalls.Key)));
        }
    }

    [Test]
    public async Task A_nonce_of_one_node_is_good_on_another_that_shares_its_keys()
    {
        await using var a = Node(options => options.Dpop.RequireNonce = true);
        await using var b = Node(options => options.Dpop.RequireNonce = true);
        var id = await a.AuthorizedAsync();
        await b.AuthorizedAsync();

        var asked = await a.PollWithAsync(id, a.Proof()).WaitAsync(RedisHosts.Bound);
        var answer = await b.PollWithAsync(id, b.NewProof().Claim("nonce", TestJwt.Text(asked.Header("DPoP-Nonce")!)).Sign(DpopCalls.Key)).WaitAsync(RedisHosts.Bound);

        Assert.That((asked.Error, answer.Error), Is.EqualTo(("use_dpop_nonce", "authorization_pending")));
    }

    [Test]
    public async Task Keys_of_one_process_are_not_enough_for_nonces()
    {
        await using var host = Node(options => options.Dpop.RequireNonce = true, new EphemeralDataProtectionProvider());

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { "CibaOptions: Dpop.RequireNonce on Redis needs Data Protection keys that all nodes share: those of UseEphemeralDataProtectionProvider are this process's own." }));
    }

    private CibaHost Node(Action<CibaOptions>? options = null, IDataProtectionProvider? keys = null) =>
        RedisHosts.On(Server.Endpoint, _prefix, options: options, add: ciba => ciba.Services.AddSingleton(keys ?? _keys));
}
