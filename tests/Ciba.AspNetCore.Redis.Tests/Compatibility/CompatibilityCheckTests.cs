using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Tests.Compatibility;

/// <summary>The check finds what is gone, and nothing else: shown on this assembly, which names some of it in <see cref="OldCalls"/>.</summary>
[TestFixture("2.13.23")]
[TestFixture("3.4.35")]
public sealed class CompatibilityCheckTests(string version)
{
    private const string Redis = "StackExchange.Redis";

    [Test]
    public void Exactly_the_members_that_are_gone_are_found()
    {
        using var these = new CompiledAssembly(typeof(OldCalls).Assembly.Location);
        using var published = new PublishedAssembly(Packages.Library(Redis, version));

        Assert.That(published.Missing(these.Uses(Redis)).Select(member => member.ToString()), Is.EquivalentTo(new[]
        {
            "StackExchange.Redis.ConnectionMultiplexer: Void BeginProfiling(Object)",
            "StackExchange.Redis.IConnectionMultiplexer: Void Dispose()",
            "StackExchange.Redis.IProfiler",
            "StackExchange.Redis.IProfiler: Object GetContext()",
            "StackExchange.Redis.IRedisAsync: StackExchange.Redis.ConnectionMultiplexer get_Multiplexer()",
            "StackExchange.Redis.RedisResult: static StackExchange.Redis.RedisResult Create(struct StackExchange.Redis.RedisValue)",
        }));
    }

    [Test]
    public void The_members_of_the_version_that_it_was_compiled_against_are_all_found()
    {
        using var these = new CompiledAssembly(typeof(OldCalls).Assembly.Location);
        using var compiledAgainst = new PublishedAssembly(typeof(ConnectionMultiplexer).Assembly.Location);

        Assert.That(compiledAgainst.Missing(these.Uses(Redis)), Is.Empty);
    }

    [TestCase("StackExchange.Redis.IDatabase: Void Nothing()", Description = "No such name")]
    [TestCase("StackExchange.Redis.IDatabase: System.Threading.Tasks.Task`1<Boolean> KeyDeleteAsync(struct StackExchange.Redis.RedisKey, struct StackExchange.Redis.CommandFlags)", Description = "Inherited by an interface")]
    [TestCase("StackExchange.Redis.IDatabaseAsync: System.Threading.Tasks.Task KeyDeleteAsync(struct StackExchange.Redis.RedisKey, struct StackExchange.Redis.CommandFlags)", Description = "Another return type")]
    [TestCase("StackExchange.Redis.IDatabaseAsync: System.Threading.Tasks.Task`1<Boolean> KeyDeleteAsync(StackExchange.Redis.RedisKey, struct StackExchange.Redis.CommandFlags)", Description = "A class for a struct")]
    [TestCase("StackExchange.Redis.IDatabaseAsync: static System.Threading.Tasks.Task`1<Boolean> KeyDeleteAsync(struct StackExchange.Redis.RedisKey, struct StackExchange.Redis.CommandFlags)", Description = "Static")]
    [TestCase("StackExchange.Redis.PhysicalConnection", Description = "Not public")]
    [TestCase("StackExchange.Redis.CommandFlags: struct StackExchange.Redis.CommandFlags None", Description = "A constant, which the compiler copies")]
    public void What_the_runtime_would_not_find_is_missing(string text)
    {
        using var published = new PublishedAssembly(Packages.Library(Redis, version));
        var parts = text.Split(": ");

        Assert.That(published.Has(new UsedMember(parts[0], parts.ElementAtOrDefault(1))), Is.False);
    }

    [TestCase("StackExchange.Redis.IDatabaseAsync: System.Threading.Tasks.Task`1<Boolean> KeyDeleteAsync(struct StackExchange.Redis.RedisKey, struct StackExchange.Redis.CommandFlags)")]
    [TestCase("StackExchange.Redis.RedisKey: static struct StackExchange.Redis.RedisKey op_Implicit(String)")]
    [TestCase("StackExchange.Redis.RedisChannel+PatternMode")]
    public void What_the_runtime_finds_is_there(string text)
    {
        using var published = new PublishedAssembly(Packages.Library(Redis, version));
        var parts = text.Split(": ");

        Assert.That(published.Has(new UsedMember(parts[0], parts.ElementAtOrDefault(1))), Is.True);
    }

    [Test]
    public void What_the_compiler_copies_is_read()
    {
        using var published = new PublishedAssembly(Packages.Library(Redis, version));
        var delete = new UsedMember(
            "StackExchange.Redis.IDatabaseAsync",
            "System.Threading.Tasks.Task`1<Boolean> KeyDeleteAsync(struct StackExchange.Redis.RedisKey, struct StackExchange.Redis.CommandFlags)");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(published.Constants("StackExchange.Redis.When"), Is.EquivalentTo(new Dictionary<string, string> { ["Always"] = "Int32 0", ["Exists"] = "Int32 1", ["NotExists"] = "Int32 2" }));
            Assert.That(published.IsEnum("StackExchange.Redis.When"), Is.True);
            Assert.That(published.IsEnum("StackExchange.Redis.RedisKey"), Is.False);
            Assert.That(published.Defaults(delete), Is.EqualTo(new[] { null, "Int32 0" }));
        }
    }
}
