using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Moq;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>While a connection dies, StackExchange.Redis ends steps with whatever was thrown in it: seen were cancellations.</summary>
public sealed class StrangeFailureTests
{
    private static readonly Exception[] Failures =
    [
        new TaskCanceledException(),
        new InvalidOperationException("no stream"),
        new SocketException(),
    ];

    [TestCaseSource(nameof(Failures))]
    public async Task Whatever_ends_a_step_is_a_store_that_is_away(Exception failure)
    {
        var database = new Mock<IDatabase>();
        database.Setup(redis => redis.ScriptEvaluateAsync(It.IsAny<byte[]>(), It.IsAny<RedisKey[]>(), It.IsAny<RedisValue[]>(), It.IsAny<CommandFlags>())).ThrowsAsync(failure);
        database.Setup(redis => redis.SortedSetRangeByScoreAsync(It.IsAny<RedisKey>(), It.IsAny<double>(), It.IsAny<double>(), It.IsAny<Exclude>(), It.IsAny<Order>(), It.IsAny<long>(), It.IsAny<long>(), It.IsAny<CommandFlags>())).ThrowsAsync(failure);
        var multiplexer = new Mock<IConnectionMultiplexer>();
        multiplexer.Setup(redis => redis.GetDatabase(It.IsAny<int>(), It.IsAny<object>())).Returns(database.Object);
        await using var host = new CibaHost { Setup = ciba => ciba.AddRedisStore(_ => multiplexer.Object) };

        RedisHosts.IsUnavailable(await host.AuthorizeAsync());
        RedisHosts.IsUnavailable(await host.PollAsync("0" + new string('A', 43)));
        RedisHosts.IsUnavailable(await host.DeviceAsync(HttpMethod.Get, "/requests", "alice"));
    }
}
