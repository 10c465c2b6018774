using Ciba.AspNetCore.Clients;

namespace Ciba.AspNetCore.Tests;

/// <summary>The keys of a client are read once, however often its store makes the client anew.</summary>
public sealed class ClientKeyMemoryTests
{
    private static readonly string Jwks = TestKey.Set(TestKey.Ec("remembered").Jwk());

    [Test]
    public void The_same_text_is_the_same_keys()
    {
        var (one, again) = (Keys(Jwks), Keys(new string(Jwks.AsSpan())));

        Assert.That(again, Is.SameAs(one).And.Not.Null);
    }

    [Test]
    public void Another_text_is_other_keys() => Assert.That(Keys($"{Jwks} "), Is.Not.SameAs(Keys(Jwks)));

    [Test]
    public void A_long_text_is_not_remembered()
    {
        var padded = Jwks.PadRight((64 * 1024) + 1);

        var (one, again) = (Keys(padded), Keys(padded));

        Assert.That(again, Is.Not.SameAs(one).And.Not.Null);
    }

    private static ClientKeySet? Keys(string jwks) => RegisteredClient.Of(ClientCalls.KeyClient("client", jwks)).Keys;
}
