using System.Net;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>Section 7.1.1: a signed request is taken once, on whichever node.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds)), Spec("R5")]
public sealed class SignedRequestReplayTests(string kind)
{
    private readonly string _prefix = RedisNode.NewPrefix();

    [Test]
    public async Task What_one_node_has_taken_the_other_refuses()
    {
        await using var one = Host();
        await using var other = Host();
        var request = SignedCalls.Jwt(one).Claim("jti", "\"once\"").Sign(SignedCalls.Key);
        await RedisHosts.FirstLookAsync(one);
        await RedisHosts.FirstLookAsync(other);

        Answer[] answers = [await one.SignedAsync(request), await other.SignedAsync(request), await one.SignedAsync(request), await other.SignedAsync(SignedCalls.Jwt(other))];

        const string used = "The request is refused: its jti was used before: sign a new one for every request.";
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Select(answer => answer.Description), Is.EqualTo(new[] { null, used, used, null }));
            Assert.That(answers.Select(answer => answer.Status), Is.EqualTo(new[] { HttpStatusCode.OK, HttpStatusCode.BadRequest, HttpStatusCode.BadRequest, HttpStatusCode.OK }));
            Assert.That(await RedisServers.Get(kind).AskAsync("KEYS", $"{_prefix}:j:*"), Does.Not.Contain("once").And.Not.Contain("client"));
        }
    }

    private CibaHost Host()
    {
        var host = RedisHosts.On(RedisServers.Get(kind).Endpoint, _prefix);
        host.Clients[0] = SignedCalls.Client();
        return host;
    }
}
