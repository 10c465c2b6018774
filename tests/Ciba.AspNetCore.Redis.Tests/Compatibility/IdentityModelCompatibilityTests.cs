using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore.Redis.Tests.Compatibility;

/// <summary>The core, compiled against the oldest IdentityModel, fits the newest one that a host may bring.</summary>
[FixtureLifeCycle(LifeCycle.SingleInstance)]
public sealed class IdentityModelCompatibilityTests
{
    private const string Tokens = "Microsoft.IdentityModel.Tokens";

    private readonly CompiledAssembly _ours = new(typeof(CibaOptions).Assembly.Location);
    private readonly PublishedAssembly _compiledAgainst = new(typeof(SecurityKey).Assembly.Location);
    private readonly PublishedAssembly _published = new(NewIdentityModel.Tokens, NewIdentityModel.Logging, NewIdentityModel.Abstractions);
    private IReadOnlyList<UsedMember> _used = [];

    [OneTimeSetUp]
    public void Read()
    {
        _used = _ours.Uses(Tokens);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_ours.Name, Is.EqualTo("Ciba.AspNetCore"));
            Assert.That(_published.Version, Is.GreaterThan(_compiledAgainst.Version));
            Assert.That(_used.Select(member => member.ToString()), Has.Member($"{Tokens}.CryptoProviderFactory: Void .ctor()"));
        }
    }

    [OneTimeTearDown]
    public void Close()
    {
        _ours.Dispose();
        _compiledAgainst.Dispose();
        _published.Dispose();
    }

    [Test]
    public void Every_member_that_the_core_calls_is_there() => Assert.That(_published.Missing(_used), Is.Empty);

    [Test]
    public void Nothing_derives_from_a_type_to_which_members_may_be_added() => Assert.That(_ours.TypesThatExtend(Tokens), Is.Empty);

    [Test]
    public void No_other_assembly_of_IdentityModel_is_named() =>
        Assert.That(_ours.ReferencedAssemblies.Where(name => name.Contains("IdentityModel", StringComparison.Ordinal)), Is.EqualTo([Tokens]));

    [Test]
    public void The_enums_have_the_values_that_were_compiled_in() => Assert.That(Copied.EnumValues(_used, _compiledAgainst, _published), Is.Empty);

    [Test]
    public void The_constants_have_the_values_that_may_be_compiled_in() => Assert.That(Copied.Constants(_compiledAgainst, _published), Is.Empty);

    [Test]
    public void Optional_parameters_have_the_values_that_were_compiled_in() => Assert.That(Copied.Defaults(_used, _compiledAgainst, _published), Is.Empty);
}
