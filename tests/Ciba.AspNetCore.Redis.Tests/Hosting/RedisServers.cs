namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>The servers that all tests share, each started when it is first asked for.</summary>
public static class RedisServers
{
    public const string GarnetKind = "Garnet";
    public const string RealKind = "Redis";

    private static readonly Lazy<GarnetServer> SharedGarnet = new(GarnetServer.Start);
    private static readonly Lazy<RealRedisServer?> SharedReal = new(() => WithReal ? RealRedisServer.StartAsync().GetAwaiter().GetResult() : null);

    public static GarnetServer Garnet => SharedGarnet.Value;

    /// <summary>Null where Redis is not installed, and not demanded by CIBA_REQUIRE_REDIS=1 either.</summary>
    public static RealRedisServer? Real => SharedReal.Value;

    /// <summary>What tests can run against on this machine. It starts nothing.</summary>
    public static IEnumerable<string> Kinds => WithReal ? [GarnetKind, RealKind] : [GarnetKind];

    private static bool WithReal => RealRedisServer.IsInstalled || Environment.GetEnvironmentVariable("CIBA_REQUIRE_REDIS") == "1";

    public static RedisServer Get(string kind) => kind switch
    {
        GarnetKind => Garnet,
        RealKind => Real ?? throw new InvalidOperationException("Redis is not installed."),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not one of the kinds."),
    };

    /// <summary>A server of its own for a test that does it harm.</summary>
    public static async Task<RedisServer> StartAsync(string kind) => kind == GarnetKind ? GarnetServer.Start() : await RealRedisServer.StartAsync();

    /// <summary>Leaves a test out where Redis is not installed and not demanded.</summary>
    public static void NeedReal()
    {
        if (!WithReal)
        {
            Assert.Ignore("Redis is not installed.");
        }
    }

    internal static async Task StopAsync()
    {
        if (SharedGarnet.IsValueCreated)
        {
            await Garnet.DisposeAsync();
        }

        if (SharedReal.IsValueCreated && Real is { } real)
        {
            await real.DisposeAsync();
        }
    }
}
