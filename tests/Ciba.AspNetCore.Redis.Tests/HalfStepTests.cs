using Ciba.AspNetCore.Redis.Store;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>A step that fails half-way leaves nothing of its first half.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
public sealed class HalfStepTests(string kind)
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _time = new();

    private static CibaRequestLimits Limits => new(10, 10) { PerClient = 3000, Notifications = Notifications };

    private static CibaNotificationLimits Notifications => new() { PerUser = 30, PerUserAndClient = 10, Window = TimeSpan.FromMinutes(10) };

    private DateTimeOffset Now => _time.GetUtcNow();

    private RedisServer Server => RedisServers.Get(kind);

    /// <summary>Each step, with the kinds of keys that it touches beside the record of the request.</summary>
    public static IEnumerable<string[]> Touched() =>
    [
        ["add", "u"], ["add", "o"], ["add", "p"], ["add", "n"], ["add", "q"], ["add", "l"], ["add to all shards", "k"],
        ["approve", "r"], ["approve", "u"], ["approve", "o"], ["approve", "p"],
        ["deny", "r"], ["deny", "u"], ["deny", "o"], ["deny", "p"], ["deny", "q"],
        ["remove", "r"], ["remove", "u"], ["remove", "o"], ["remove", "p"],
        ["notify", "n"], ["notify", "q"], ["poll", "r"], ["claim", "o"], ["settle", "r"], ["settle", "o"], ["try", "c"], [$"{Guid.NewGuid()}", "j"],
    ];

    [TestCaseSource(nameof(Touched))]
    public async Task At_a_key_of_another_kind(string step, string key)
    {
        Assume.That(kind == RedisServers.RealKind || key is not ("q" or "l" or "j"), "Garnet takes a key of another kind for none, where a text is read.");
        await using var node = RedisNode.On(Server, 0, _prefix, _time);
        var keys = new RedisKeys(_prefix);
        var user = RequestRecord.Digest(Requests.Alice);
        var request = Requests.Due(Now);
        await node.Store.AddAsync(request, Limits, None);
        await node.Store.ClaimAsync(request, Now);
        var shard = request.Id[0];
        await SpoilAsync(key switch
        {
            "r" => keys.Request(request.Id),
            "u" => keys.Pending(shard, user),
            "o" => keys.Outbox(shard),
            "p" => keys.PendingOfShard(shard),
            "n" => keys.Notifications(shard, user),
            "q" => keys.Quiet(shard, user, RequestRecord.Digest(Requests.Client)),
            "l" => keys.Present(shard, user),
            "k" => keys.Places(RequestRecord.Digest(Requests.Client)),
            "c" => keys.WrongCodes(Requests.Alice),
            _ => keys.UsedJwt("jti"),
        });
        var before = await StateAsync();

        Assert.That(() => TakeAsync(step, node, request), Throws.TypeOf<CibaStoreUnavailableException>());

        // The step before the one in all shards is taken back by another, which nobody waits for.
        await RedisHosts.UntilAsync(async () => step != "add to all shards" || await StateAsync() == before);
        Assert.That(await StateAsync(), Is.EqualTo(before));
    }

    [TestCase("add"), TestCase("add to all shards"), TestCase("approve"), TestCase("deny"), TestCase("remove"), TestCase("notify"), TestCase("poll"), TestCase("claim"), TestCase("settle"), TestCase("try"), TestCase("use")]
    public async Task At_a_command_that_the_node_may_not_run(string step)
    {
        Assume.That(kind, Is.EqualTo(RedisServers.RealKind), "Only Redis refuses commands.");
        foreach (var command in new[] { "get", "set", "getrange", "setrange", "append", "pttl", "pexpire", "del", "zadd", "zrem", "zscore", "zincrby", "zremrangebyscore", "zrangebyscore", "hset", "hget", "hlen" })
        {
            var prefix = RedisNode.NewPrefix();
            await using var node = RedisNode.On(Server, 0, prefix, _time);
            var request = Requests.Due(Now);
            await node.Store.AddAsync(request, Limits, None);
            await node.Store.ClaimAsync(request, Now);
            await Server.AskAsync("ACL", "SETUSER", prefix, "on", "nopass", "~*", "&*", "+@all", $"-{command}");
            await using var restricted = RedisNode.On($"{Server.Endpoint},user={prefix},password=x", prefix, _time);
            await restricted.Get<Connection.RedisMultiplexer>().GetAsync();
            var before = await StateAsync(prefix);
            try
            {
                await TakeAsync(step, restricted, request);
            }
            catch (CibaStoreUnavailableException)
            {
                // A claim holds the entry first: one that cannot be read is in nobody's way until then.
                Assert.That(await StateAsync(prefix), step == "claim" ? Has.Length.EqualTo(before.Length) : Is.EqualTo(before), $"{step} without {command}");
            }

            await Server.AskAsync("ACL", "DELUSER", prefix);
        }
    }

    private async Task TakeAsync(string step, RedisNode node, CibaRequest request)
    {
        switch (step)
        {
            case "add":
                await node.Store.AddAsync(Requests.Due(Now), Limits, None);
                break;

            case "add to all shards":
                await node.Store.AddAsync(Requests.Due(Now), Limits with { PerClient = 2 }, None);
                break;

            case "approve":
                await node.Store.ApproveAsync(request, Now);
                break;

            case "deny":
                await node.Store.DecideAsync(request.Id, request.Subject, new() { Outcome = CibaRequestStatus.Denied, DecidedAt = Now, Scopes = [], Quiet = new(request.ClientKey, Now.AddMinutes(5)) }, Now, None);
                break;

            case "remove":
                await node.Store.RemoveAsync(request.Id, request.Subject, None);
                break;

            case "notify":
                await node.Store.CountNotificationAsync(request, Notifications, byClient: true, Now, None);
                break;

            case "poll":
                await node.Store.PollAsync(request, Now);
                break;

            case "claim":
                await node.Store.ClaimAsync(request.Id, Now + Requests.Hold, Now + (2 * Requests.Hold), None);
                break;

            case "settle":
                await node.Store.SettleAsync(request.Id, Now + Requests.Hold, CibaSettlement.TokensSent, None);
                break;

            case "try":
                await node.UserCodes.TryBeginAsync(Requests.Alice, "try", 5, TimeSpan.FromMinutes(1), None);
                break;

            default:
                await node.ReplayCache.TryUseAsync("jti", $"{Guid.NewGuid()}", Now.AddMinutes(1), None);
                break;
        }
    }

    private async Task SpoilAsync(StackExchange.Redis.RedisKey key)
    {
        await Server.AskAsync("DEL", key!);
        await Server.AskAsync("LPUSH", key!, "of another kind");
        await Server.AskAsync("PEXPIRE", key!, "100000");
    }

    private async Task<string> StateAsync(string? prefix = null)
    {
        var lines = new List<string>();
        foreach (var key in (await Server.AskAsync("KEYS", $"*{prefix ?? _prefix}*")).Split('\n').Where(key => key.Length > 0).Order(StringComparer.Ordinal))
        {
            string[] read = await Server.AskAsync("TYPE", key) switch
            {
                "zset" => ["ZRANGE", key, "0", "-1", "WITHSCORES"],
                "hash" => ["HGETALL", key],
                "list" => ["LRANGE", key, "0", "-1"],
                _ => ["GET", key],
            };
            Assert.That(await Server.AskAsync("PTTL", key), Is.Not.EqualTo("-1"), $"{key} lives for ever");
            lines.Add($"{key}: {await Server.AskAsync(read)}");
        }

        return string.Join('\n', lines);
    }
}
