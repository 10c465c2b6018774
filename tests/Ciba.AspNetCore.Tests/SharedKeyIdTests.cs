using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 7517 section 4.5: different keys of the provider have different identifiers, or nobody can tell which has signed.</summary>
[Spec("D5"), Spec("D7")]
public sealed class SharedKeyIdTests
{
    private const string Shared = "different keys have the kid 'one': give each a KeyId of its own (RFC 7517 section 4.5)";

    [TestCase("ES256"), TestCase("PS256")]
    public async Task Different_keys_of_the_ready_issuer_with_one_kid_keep_the_host_from_starting(string algorithm)
    {
        await using var host = new CibaHost { Tokens = options => options.SigningCredentials = [TestKeys.Make("ES256", "one"), TestKeys.Make("ES256", "two"), TestKeys.Make(algorithm, "one")] };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { $"AddJwtTokenIssuer: {Shared}." }));
    }

    [Test]
    public async Task Different_keys_of_an_issuer_of_the_hosts_own_with_one_kid_keep_the_host_from_starting()
    {
        await using var host = new RotatingKeys { Now = [TestKeys.Make("ES256", "one"), TestKeys.Make("ES384", "one")] }.Host();

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { $"AddSigningKeys: {Shared}." }));
    }

    [Test]
    public async Task One_that_comes_later_is_shown_and_said_once()
    {
        var keys = new RotatingKeys { Now = [TestKeys.Make("ES256", "one")] };
        await using var host = keys.Host();
        await host.StartedAsync();
        keys.Now = [.. keys.Now, TestKeys.Make("ES256", "one")];

        var shown = new[] { await host.SendAsync(HttpMethod.Get, "/jwks"), await host.SendAsync(HttpMethod.Get, "/jwks") };

        using (Assert.EnterMultipleScope())
        {
            Assert.That(shown.Select(answer => answer.Json.GetProperty("keys").GetArrayLength()), Is.All.EqualTo(2));
            Assert.That(host.Log.Ours.Where(line => line.Level == LogLevel.Error).Select(line => line.Text.Trim()), Is.EqualTo(new[] { $"The JWK Set is ambiguous: {Shared}" }));
        }
    }

    [Test]
    public async Task One_key_may_stand_there_for_several_algorithms()
    {
        var key = TestKeys.Make("PS256", "one").Key;
        await using var host = new CibaHost { Tokens = options => options.SigningCredentials = [new(key, "PS256"), new(key, "RS256")] };

        var shown = await host.SendAsync(HttpMethod.Get, "/jwks");

        Assert.That(shown.Json.GetProperty("keys").EnumerateArray().Select(each => $"{each.GetProperty("kid")} {each.GetProperty("alg")}"), Is.EqualTo(new[] { "one PS256", "one RS256" }));
    }
}
