using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 6749 section 10.10: a secret that may be guessed is warned of when the host starts.</summary>
public sealed class ClientSecretStrengthTests
{
    [TestCase("x", true)]
    [TestCase("shop-secret", true)]
    [TestCase("correct horse battery", true)]
    [TestCase("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true)]
    [TestCase("31415926535897932384626433832795028841", true, Description = "38 digits have 126 bits")]
    [TestCase("314159265358979323846264338327950288419", false)]
    [TestCase("0f1e2d3c4b5a69788796a5b4c3d2e1f", true, Description = "31 hexadecimal digits have 124 bits")]
    [TestCase("0f1e2d3c4b5a69788796a5b4c3d2e1f0", false)]
    [TestCase("qTz8Kd0_vP3-xY6bN1mWa", true, Description = "21 characters of base64url have 126 bits")]
    [TestCase("qTz8Kd0_vP3-xY6bN1mWaB", false)]
    public async Task A_secret_of_less_than_128_bits_is_warned_of_by_its_clients_name(string secret, bool isWeak)
    {
        var client = CibaHost.Client("shop");
        client.ClientSecrets = [CibaHost.Secret, secret];
        await using var host = new CibaHost { Clients = [client, CibaHost.Client("other")] };

        await host.StartedAsync();

        var warnings = host.Log.Ours.Where(line => line.Level == LogLevel.Warning && line.Text.Contains("128 bits", StringComparison.Ordinal)).Select(line => line.Text.Trim()).ToList();
        Assert.That(warnings, Is.EqualTo(isWeak
            ? new[] { "These clients have a secret of less than 128 bits, by its length and characters, which may be guessed: shop. Use random secrets, such as 32 bytes in base64" }
            : []));
    }

    [Test]
    public async Task Clients_are_warned_of_together_and_not_for_a_hash_or_a_secret_that_they_do_not_use()
    {
        var (one, two, hashed, keyed) = (CibaHost.Client("one"), CibaHost.Client("two", "client_secret_basic"), CibaHost.Client("hashed"), ClientCalls.KeyClient("keyed", TestKey.Set(TestKey.For("ES256").Jwk())));
        (one.ClientSecrets, two.ClientSecrets, hashed.ClientSecrets, keyed.ClientSecrets) = (["x"], ["y"], [CibaClient.HashSecret("x")], ["x"]);
        await using var host = new CibaHost { Clients = [one, two, hashed, keyed] };

        await host.StartedAsync();

        Assert.That(host.Log.Ours.Select(line => line.Text), Has.Exactly(1).Contains("which may be guessed: one, two. Use"));
    }
}
