using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Tests.Compatibility;

/// <summary>The package, compiled against the oldest StackExchange.Redis, fits the newer ones that a host may bring.</summary>
[TestFixture("2.13.23")]
[TestFixture("3.4.35")]
[FixtureLifeCycle(LifeCycle.SingleInstance)]
public sealed class RedisCompatibilityTests(string version)
{
    private const string Redis = "StackExchange.Redis";

    private readonly CompiledAssembly _ours = new(typeof(CibaRedisOptions).Assembly.Location);
    private readonly PublishedAssembly _compiledAgainst = new(typeof(ConnectionMultiplexer).Assembly.Location);
    private readonly PublishedAssembly _published = new(Packages.Library(Redis, version));
    private IReadOnlyList<UsedMember> _used = [];

    [OneTimeSetUp]
    public void Read()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_ours.Name, Is.EqualTo("Ciba.AspNetCore.Redis"));
            Assert.That(_compiledAgainst.Name, Is.EqualTo(Redis));
            Assert.That(_published.Name, Is.EqualTo(Redis));
            Assert.That(_published.Version, Is.GreaterThan(_compiledAgainst.Version));
        }

        Assert.That(_ours.ReferencedAssemblies, Has.Member(Redis));
        _used = _ours.Uses(Redis);
        Assert.That(_used.Count(member => member.Signature is not null), Is.GreaterThan(0));
    }

    [OneTimeTearDown]
    public void Close()
    {
        _ours.Dispose();
        _compiledAgainst.Dispose();
        _published.Dispose();
    }

    [Test]
    public void Every_member_that_the_package_calls_is_there() => Assert.That(_published.Missing(_used), Is.Empty);

    [Test]
    public void Nothing_implements_an_interface_to_which_members_may_be_added() => Assert.That(_ours.TypesThatExtend(Redis), Is.Empty);

    [Test]
    public void The_enums_have_the_values_that_were_compiled_in() => Assert.That(Copied.EnumValues(_used, _compiledAgainst, _published), Is.Empty);

    [Test]
    public void Optional_parameters_have_the_values_that_were_compiled_in() => Assert.That(Copied.Defaults(_used, _compiledAgainst, _published), Is.Empty);
}
