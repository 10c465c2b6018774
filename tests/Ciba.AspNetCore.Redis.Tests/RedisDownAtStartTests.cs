using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Ciba.AspNetCore.Redis.Connection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>A host that starts before its Redis does, or with options that cannot be right.</summary>
public sealed class RedisDownAtStartTests
{
    private const string Password = "secret-of-redis";

    private readonly string _prefix = RedisNode.NewPrefix();

    [Test]
    public async Task A_host_starts_without_Redis_says_so_once_and_answers_503()
    {
        var endpoint = $"127.0.0.1:{FreePort.Next()}";
        await using var host = RedisHosts.On($"{endpoint},password={Password}", _prefix);

        await host.StartedAsync().WaitAsync(RedisHosts.Bound);
        Answer[] answers = [await host.AuthorizeAsync(), await host.PollAsync(ClientCalls.UnknownRequest), await host.DeviceAsync(HttpMethod.Get, "/requests", "alice")];

        Array.ForEach(answers, RedisHosts.IsUnavailable);
        var errors = host.Log.Ours.Where(line => line.Level >= LogLevel.Error).ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(errors, Has.Length.EqualTo(1), string.Join('\n', errors.AsEnumerable()));
            Assert.That(errors[0].Text, Does.StartWith($"Redis cannot be used for the state of CIBA ({endpoint}): requests are answered 503 until it is there"));
            Assert.That(host.Log.Lines.Select(line => line.Text), Has.None.Contains(Password));
        }
    }

    [Test]
    public async Task A_host_starts_in_time_where_Redis_accepts_and_says_nothing()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var host = RedisHosts.On($"{silent.LocalEndpoint},password={Password}", _prefix, Short, add: InRealTime);

        var started = Stopwatch.StartNew();
        await host.StartedAsync().WaitAsync(RedisHosts.Bound);
        TestContext.Out.WriteLine($"Started after {started.ElapsedMilliseconds} ms");
        var answer = await host.AuthorizeAsync().WaitAsync(RedisHosts.Bound);

        RedisHosts.IsUnavailable(answer);
        var errors = host.Log.Ours.Where(line => line.Level >= LogLevel.Error).ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(errors, Has.Length.EqualTo(1), string.Join('\n', errors.AsEnumerable()));
            Assert.That(errors[0].Text, Does.Contain($"({silent.LocalEndpoint})"));
            Assert.That(host.Log.Lines.Select(line => line.Text), Has.None.Contains(Password));
        }
    }

    [TestCaseSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
    public async Task A_host_that_started_without_Redis_works_when_it_is_there(string kind)
    {
        await using var proxy = new FaultProxy(RedisServers.Get(kind));
        proxy.Refuse();
        await using var host = RedisHosts.On(proxy.Endpoint, _prefix);
        await host.StartedAsync().WaitAsync(RedisHosts.Bound);
        RedisHosts.IsUnavailable(await host.AuthorizeAsync());

        proxy.Resume();
        await host.BackAsync();

        await WorksAsync(host);
    }

    [Test]
    public async Task A_host_that_started_without_Redis_works_when_a_server_is_started()
    {
        RedisServers.NeedReal();
        var port = FreePort.Next();
        await using var host = RedisHosts.On($"127.0.0.1:{port}", _prefix);
        await host.StartedAsync().WaitAsync(RedisHosts.Bound);

        await using var server = await RealRedisServer.StartAsync(() => port);
        await host.BackAsync();

        await WorksAsync(host);
    }

    [TestCase(false), TestCase(true)]
    public async Task A_host_that_requires_Redis_does_not_start_without_it(bool hangs)
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var endpoint = hangs ? $"{silent.LocalEndpoint}" : $"127.0.0.1:{FreePort.Next()}";
        await using var host = RedisHosts.On($"{endpoint},password={Password}", _prefix, options =>
        {
            Short(options);
            options.RequireConnectionAtStart = true;
        }, add: InRealTime);

        var exception = (await Assert.ThrowsAsync<CibaConfigurationException>(() => host.StartedAsync().WaitAsync(RedisHosts.Bound)))!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(exception.Problems, Has.Count.EqualTo(1));
            Assert.That(exception.Problems[0], Does.StartWith(
                $"Redis cannot be used for the state of CIBA ({endpoint}): start it, correct the connection string or the permissions of its user, or switch off CibaRedisOptions.RequireConnectionAtStart."));
            Assert.That(exception.ToString(), Does.Not.Contain(Password));
            Assert.That(host.Log.Lines.Select(line => line.Text), Has.None.Contains(Password));
        }
    }

    [TestCase(""), TestCase("a{b}"), TestCase("with space"), TestCase("12345678901234567890123456789012345678901234567890123456789012345")]
    public async Task Options_that_cannot_be_right_are_refused_all_at_once(string prefix)
    {
        await using var host = RedisHosts.On(RedisServers.Garnet.Endpoint, prefix, options =>
        {
            options.OperationTimeout = TimeSpan.Zero;
            options.LookAgainAfter = TimeSpan.Zero;
        });

        var exception = (await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync))!;

        Assert.That(exception.Problems, Is.EqualTo(new[]
        {
            "CibaRedisOptions: KeyPrefix must be 1 to 64 letters, digits and . _ : -.",
            "CibaRedisOptions: OperationTimeout must be between 00:00:00.0100000 and 00:01:00, not 00:00:00.",
            "CibaRedisOptions: LookAgainAfter must be between 00:00:01 and 00:05:00, not 00:00:00.",
        }));
    }

    [Test]
    public async Task A_factory_of_the_host_that_throws_is_asked_again()
    {
        var isThere = false;
        await using var host = new CibaHost
        {
            Setup = ciba => ciba.AddRedisStore(
                (IServiceProvider _) => Volatile.Read(ref isThere) ? RedisNode.SharedAsync(RedisServers.Garnet, 0) : throw new IOException("not yet"),
                options => options.KeyPrefix = _prefix),
        };

        await host.StartedAsync().WaitAsync(RedisHosts.Bound);
        var first = await host.AuthorizeAsync();
        Volatile.Write(ref isThere, true);
        var second = await RedisHosts.ServedAsync(() => host.AuthorizeAsync());

        RedisHosts.IsUnavailable(first);
        Assert.That(second.Status, Is.EqualTo(HttpStatusCode.OK), second.Body);
    }

    [Test]
    public async Task The_multiplexer_of_the_host_stays_open_and_ours_is_closed()
    {
        await using var proxy = new FaultProxy(RedisServers.Garnet);
        var theirs = await RedisServers.Garnet.ConnectAsync();
        var host = new CibaHost { Setup = ciba => ciba.AddRedisStore(_ => theirs, options => options.KeyPrefix = _prefix) };
        var node = RedisNode.On(proxy.Endpoint, _prefix, new ManualTime());
        await host.AuthorizeAsync();
        await node.Store.AddedAsync(DateTimeOffset.UtcNow);
        var ours = await node.Get<RedisMultiplexer>().GetAsync();

        await host.DisposeAsync();
        await node.DisposeAsync().AsTask().WaitAsync(RedisHosts.Bound);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await theirs.GetDatabase().PingAsync(), Is.GreaterThan(TimeSpan.Zero));
            Assert.That(() => ours.GetDatabase().PingAsync(), Throws.InstanceOf<ObjectDisposedException>());
        }

        theirs.Close(false);
    }

    [Test]
    public async Task A_multiplexer_of_ours_that_was_still_connecting_is_closed_too()
    {
        var connected = new TaskCompletionSource<RedisLink>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var services = new ServiceCollection().BuildServiceProvider();
        var multiplexer = new RedisMultiplexer(new RedisSource(_ => connected.Task), services, NullLogger<RedisMultiplexer>.Instance);
        var connecting = multiplexer.GetAsync();

        await multiplexer.DisposeAsync().AsTask().WaitAsync(RedisHosts.Bound);
        connected.SetResult(new RedisLink(await RedisServers.Garnet.ConnectAsync(), IsOurs: true));
        var ours = await connecting.WaitAsync(RedisHosts.Bound);

        await RedisHosts.UntilAsync(async () =>
        {
            try
            {
                await ours.GetDatabase().PingAsync();
                return false;
            }
            catch (Exception exception) when (exception is RedisException or ObjectDisposedException)
            {
                return exception is ObjectDisposedException;
            }
        });
    }

    private static async Task WorksAsync(CibaHost host)
    {
        var authReqId = await host.AuthorizedAsync();
        await host.AnsweredAsync(authReqId, "approve");
        Assert.That((await host.PolledAsync(authReqId)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    private static void Short(CibaRedisOptions options) => options.OperationTimeout = TimeSpan.FromMilliseconds(300);

    private static void InRealTime(CibaBuilder builder) => builder.Services.AddSingleton(TimeProvider.System);
}
