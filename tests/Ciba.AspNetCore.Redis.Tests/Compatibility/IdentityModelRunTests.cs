using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore.Redis.Tests.Compatibility;

/// <summary>One compiled core means the same on the oldest and on the newest IdentityModel: each takes what the other signed.</summary>
public sealed class IdentityModelRunTests
{
    private readonly SignaturesByReflection _floor = new(typeof(CibaOptions).Assembly, typeof(SecurityKey).Assembly);
    private readonly SignaturesByReflection _newest = new NewIdentityModel().Load();

    [Test]
    public void Two_versions_run_side_by_side()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_floor.IdentityModel, Is.EqualTo(typeof(SecurityKey).Assembly.GetName().Version));
            Assert.That(_newest.IdentityModel.ToString(3), Is.EqualTo(NewIdentityModel.Version));
            Assert.That(_newest.Key(new byte[32]), Is.Not.InstanceOf<SecurityKey>());
            Assert.That(_newest.Key(new byte[32]).GetType().BaseType!.Assembly.GetName().Version, Is.EqualTo(_newest.IdentityModel));
        }
    }

    [TestCaseSource(nameof(Algorithms))]
    public void What_one_version_signs_the_other_verifies(string algorithm)
    {
        using var material = Material(algorithm);
        var (old, young) = (_floor.Sign(algorithm, material.Key), _newest.Sign(algorithm, material.Key));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_floor.Verifies(algorithm, material.Key, young), Is.True, "the newest signed");
            Assert.That(_newest.Verifies(algorithm, material.Key, old), Is.True, "the oldest signed");
            Assert.That(_newest.Verifies(algorithm, material.Key, young), Is.True, "both the newest");
            Assert.That(old.Split('.')[0], Is.EqualTo(young.Split('.')[0]), "the header");
        }
    }

    [TestCaseSource(nameof(Algorithms))]
    public void Both_versions_refuse_a_signature_that_is_wrong_or_too_short(string algorithm)
    {
        using var material = Material(algorithm);
        using var another = Material(algorithm);
        var token = _floor.Sign(algorithm, material.Key);

        using (Assert.EnterMultipleScope())
        {
            foreach (var version in new[] { _floor, _newest })
            {
                Assert.That(version.Verifies(algorithm, another.Key, token), Is.False, "of another key");
                Assert.That(version.Verifies(algorithm, material.Key, token[..(token.LastIndexOf('.') + 5)]), Is.False, "three bytes");
            }
        }
    }

    [TestCaseSource(nameof(Algorithms))]
    public void Both_versions_say_the_same_of_a_key(string algorithm)
    {
        using var good = Material(algorithm);
        using var small = algorithm[0] == 'H' ? new KeyMaterial(new byte[8]) : algorithm[0] == 'E' ? Material(algorithm == "ES256" ? "ES384" : "ES256") : new KeyMaterial(RSA.Create(1024));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_newest.WhyNot(algorithm, good.Key), Is.Null);
            Assert.That(_newest.WhyNot(algorithm, small.Key), Is.Not.Null.And.EqualTo(_floor.WhyNot(algorithm, small.Key)));
        }
    }

    private static string[] Algorithms => ["ES256", "ES384", "ES512", "HS256", "HS384", "HS512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];

    private static KeyMaterial Material(string algorithm) => new(algorithm switch
    {
        "ES256" => ECDsa.Create(ECCurve.NamedCurves.nistP256),
        "ES384" => ECDsa.Create(ECCurve.NamedCurves.nistP384),
        "ES512" => ECDsa.Create(ECCurve.NamedCurves.nistP521),
        _ when algorithm[0] == 'H' => RandomNumberGenerator.GetBytes(64),
        _ => RSA.Create(2048),
    });

    /// <summary>A key of the framework's, or a secret: what both versions can be given.</summary>
    private sealed record KeyMaterial(object Key) : IDisposable
    {
        public void Dispose() => (Key as IDisposable)?.Dispose();
    }
}
