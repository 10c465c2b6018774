using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>The servers of the tests do what tests rely on.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ServersTests
{
    private const string Count = "return redis.call('INCR', KEYS[1])";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task A_script_gets_every_byte_as_it_is(string kind)
    {
        var redis = await RedisServers.Get(kind).ConnectAsync();
        byte[] bytes = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];

        var answer = (RedisResult[])(await redis.GetDatabase().ScriptEvaluateAsync(
            "return { ARGV[1], string.byte(ARGV[1], 256), string.sub(ARGV[1], 1, 3), string.char(0, 10, 255), #ARGV[2] }", [], [bytes, Array.Empty<byte>()]))!;
        redis.Close(false);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((byte[]?)answer[0], Is.EqualTo(bytes));
            Assert.That((int)answer[1], Is.EqualTo(255));
            Assert.That((byte[]?)answer[2], Is.EqualTo(new byte[] { 0, 1, 2 }));
            Assert.That((byte[]?)answer[3], Is.EqualTo(new byte[] { 0, 10, 255 }));
            Assert.That((int)answer[4], Is.Zero);
        }
    }

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task A_part_that_is_written_leaves_the_time_to_live_alone(string kind)
    {
        const string Script = """
            redis.call('SET', KEYS[1], 'hello', 'PX', 50000)
            redis.call('SETRANGE', KEYS[1], 1, 'EL')
            redis.call('APPEND', KEYS[1], '!')
            return { redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1]) }
            """;
        var redis = await RedisServers.Get(kind).ConnectAsync();

        var answer = (RedisResult[])(await redis.GetDatabase().ScriptEvaluateAsync(Script, [NewKey()]))!;
        redis.Close(false);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((string?)answer[0], Is.EqualTo("hELlo!"));
            Assert.That((int)answer[1], Is.InRange(1, 50000));
        }
    }

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task A_script_is_one_step_to_everybody_else(string kind)
    {
        const string Script = """
            local before = tonumber(redis.call('GET', KEYS[1]) or '0')
            for _ = 1, 1000 do end
            redis.call('SET', KEYS[1], string.format('%.0f', before + 1))
            return redis.call('ZADD', KEYS[2], 1, string.format('%.0f', before))
            """;
        var nodes = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => RedisServers.Get(kind).ConnectAsync()));
        RedisKey[] keys = [NewKey(), NewKey()];

        var added = await Task.WhenAll(Enumerable.Range(0, 4000).Select(call => nodes[call % 4].GetDatabase().ScriptEvaluateAsync(Script, keys)));
        Array.ForEach(nodes, node => node.Close(false));

        Assert.That(added.Select(one => (int)one), Is.All.EqualTo(1));
    }

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task After_a_flush_of_scripts_a_digest_is_refused_until_the_text_was_sent(string kind)
    {
        // A server of its own: others would lose their scripts.
        await using var server = await RedisServers.StartAsync(kind);
        var redis = await server.ConnectAsync();
        var database = redis.GetDatabase();
#pragma warning disable CA5350 // Redis names scripts by their SHA-1.
        var digest = SHA1.HashData(Encoding.UTF8.GetBytes(Count));
#pragma warning restore CA5350
        await database.ScriptEvaluateAsync(Count, ["k"]);

        await server.AskAsync("SCRIPT", "FLUSH");

        Assert.That(() => database.ScriptEvaluateAsync(digest, ["k"]), Throws.TypeOf<RedisServerException>().With.Message.StartsWith("NOSCRIPT"));
        Assert.That((int)await database.ScriptEvaluateAsync(Count, ["k"]), Is.EqualTo(2));
        Assert.That((int)await database.ScriptEvaluateAsync(digest, ["k"]), Is.EqualTo(3));
        redis.Close(false);
    }

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task A_server_tries_another_port_when_one_is_taken(string kind)
    {
        var taken = RedisServers.Get(kind).Port;
        var ports = new Queue<int>([taken, FreePort.Next()]);

        await using RedisServer server = kind == RedisServers.GarnetKind ? GarnetServer.Start(ports.Dequeue) : await RealRedisServer.StartAsync(ports.Dequeue);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(server.Port, Is.Not.EqualTo(taken));
            Assert.That(await server.AskAsync("PING"), Is.EqualTo("PONG"));
        }
    }

    [Test]
    public async Task What_was_written_survives_a_kill_where_it_is_appended_to_a_file()
    {
        RedisServers.NeedReal();
        await using var server = await RealRedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        await using var forgetful = await RealRedisServer.StartAsync();
        await server.AskAsync("SET", "k", "v");
        await forgetful.AskAsync("SET", "k", "v");

        await server.KillAsync();
        Assert.That(() => server.AskAsync("GET", "k"), Throws.InstanceOf<SocketException>());
        await server.RestartAsync();
        await forgetful.RestartAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await server.AskAsync("GET", "k"), Is.EqualTo("v"));
            Assert.That(await forgetful.AskAsync("DBSIZE"), Is.EqualTo("0"));
        }
    }

    [Test]
    public async Task A_paused_server_answers_when_it_goes_on()
    {
        RedisServers.NeedReal();
        await using var server = await RealRedisServer.StartAsync();

        server.Pause();
        var answer = server.AskAsync("PING");
        Assert.That(() => answer.WaitAsync(TimeSpan.FromMilliseconds(100)), Throws.TypeOf<TimeoutException>());
        server.Resume();

        Assert.That(await answer, Is.EqualTo("PONG"));
    }

    [Test]
    public void A_server_that_does_not_start_says_why()
    {
        RedisServers.NeedReal();

        Assert.That(() => RealRedisServer.StartAsync("--no-such-setting", "1"), Throws.InvalidOperationException.With.Message.Contains("no-such-setting"));
    }

    [Test]
    public async Task Every_master_of_a_cluster_runs_the_scripts_of_its_slots()
    {
        RedisServers.NeedReal();
        await using var cluster = await RedisCluster.StartAsync();
        var redis = await cluster.ConnectAsync();

        for (var shard = 0; shard < 30; shard++)
        {
            await redis.GetDatabase().ScriptEvaluateAsync("redis.call('SET', KEYS[1], 1) return redis.call('INCR', KEYS[2])", [$"{{{shard}}}a", $"{{{shard}}}b"]);
        }

        redis.Close(false);
        var sizes = await Task.WhenAll(cluster.Nodes.Select(async node => int.Parse(await node.AskAsync("DBSIZE"))));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(sizes, Is.All.Positive);
            Assert.That(sizes.Sum(), Is.EqualTo(60));
        }
    }

    [Test]
    public async Task A_replica_takes_the_place_of_a_killed_master()
    {
        RedisServers.NeedReal();
        await using var cluster = await RedisCluster.StartAsync(replicasOfEach: 1);
        var redis = await cluster.ConnectAsync();
        var database = redis.GetDatabase();
        var keys = Enumerable.Range(0, 30).Select(shard => $"{{{shard}}}").ToArray();
        await Task.WhenAll(keys.Select(key => database.ScriptEvaluateAsync(Count, [key])));
        await cluster.ReplicatedAsync();

        await cluster.Nodes[0].KillAsync();

        var counts = await Task.WhenAll(keys.Select(key => Reconnecting.WorksAgainAsync(() => database.ScriptEvaluateAsync(Count, [key])))).WaitAsync(Bound);
        redis.Close(false);
        Assert.That(counts.Select(count => (int)count), Is.All.EqualTo(2));
    }

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task A_proxy_passes_on_and_counts(string kind)
    {
        await using var proxy = new FaultProxy(RedisServers.Get(kind));

        Assert.That(await proxy.AskAsync("ECHO", "hello"), Is.EqualTo("hello"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(proxy.Requests, Is.EqualTo(["ECHO"]));
            Assert.That(proxy.RequestBytes, Is.EqualTo("*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n".Length));
            Assert.That(proxy.AnswerBytes, Is.EqualTo("$5\r\nhello\r\n".Length));
        }
    }

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task A_script_whose_answer_is_dropped_was_executed(string kind)
    {
        await using var proxy = new FaultProxy(RedisServers.Get(kind));
        var redis = await proxy.ConnectAsync();
        var database = redis.GetDatabase();
        var key = NewKey();
        await database.ScriptEvaluateAsync(Count, [key]);

        proxy.DropAnswers();
        var call = database.ScriptEvaluateAsync(Count, [key]);
        await RedisHosts.UntilAsync(async () => await RedisServers.Get(kind).AskAsync("GET", key!) == "2");
        Assert.That(call.IsCompleted, Is.False);
        proxy.CutAll();

        Assert.That(() => call.WaitAsync(Bound), Throws.TypeOf<RedisConnectionException>());
        proxy.Resume();
        Assert.That((int)await Reconnecting.WorksAgainAsync(() => database.ScriptEvaluateAsync(Count, [key])), Is.EqualTo(3));
        redis.Close(false);
    }

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task A_script_that_a_hanging_proxy_took_was_not_executed(string kind)
    {
        await using var proxy = new FaultProxy(RedisServers.Get(kind));
        var redis = await proxy.ConnectAsync();
        var database = redis.GetDatabase();
        var key = NewKey();
        await database.ScriptEvaluateAsync(Count, [key]);

        proxy.Hang();
        var call = database.ScriptEvaluateAsync(Count, [key]);
        await RedisHosts.UntilAsync(() => Task.FromResult(proxy.Kept.Contains("EVALSHA")));
        Assert.That(() => call.WaitAsync(TimeSpan.FromMilliseconds(100)), Throws.TypeOf<TimeoutException>());
        proxy.Resume();

        Assert.That(() => call.WaitAsync(Bound), Throws.TypeOf<RedisConnectionException>());
        Assert.That((int)await Reconnecting.WorksAgainAsync(() => database.ScriptEvaluateAsync(Count, [key])), Is.EqualTo(2));
        redis.Close(false);
    }

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task A_cut_is_a_reset_and_not_an_end(string kind)
    {
        await using var proxy = new FaultProxy(RedisServers.Get(kind));
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", proxy.Port);
        var stream = client.GetStream();
        await stream.WriteAsync("*1\r\n$4\r\nPING\r\n"u8.ToArray());
        await stream.ReadExactlyAsync(new byte["+PONG\r\n".Length]).AsTask().WaitAsync(Bound);

        proxy.CutAll();

        Assert.That(
            () => stream.ReadExactlyAsync(new byte[1]).AsTask().WaitAsync(Bound),
            Throws.InstanceOf<IOException>().With.InnerException.Property(nameof(SocketException.SocketErrorCode)).EqualTo(SocketError.ConnectionReset));
    }

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task A_refusing_proxy_lets_nobody_in(string kind)
    {
        await using var proxy = new FaultProxy(RedisServers.Get(kind));

        proxy.Refuse();
        Assert.That(() => proxy.AskAsync("PING"), Throws.InstanceOf<IOException>().Or.InstanceOf<SocketException>());
        proxy.Resume();

        Assert.That(await proxy.AskAsync("PING"), Is.EqualTo("PONG"));
    }

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task A_client_may_start_before_its_server(string kind)
    {
        await using var proxy = new FaultProxy(RedisServers.Get(kind));
        var key = NewKey();

        proxy.Refuse();
        var redis = await proxy.ConnectAsync();
        Assert.That(() => redis.GetDatabase().ScriptEvaluateAsync(Count, [key]), Throws.TypeOf<RedisConnectionException>());
        proxy.Resume();

        Assert.That((int)await Reconnecting.WorksAgainAsync(() => redis.GetDatabase().ScriptEvaluateAsync(Count, [key])), Is.EqualTo(1));
        redis.Close(false);
    }

    private static RedisKey NewKey() => $"{{{nameof(ServersTests)}}}{Guid.NewGuid()}";
}
