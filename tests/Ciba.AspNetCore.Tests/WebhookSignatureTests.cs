using System.Text;

namespace Ciba.AspNetCore.Tests;

/// <summary>How the receiver of a webhook tells a call of its provider from another's, and a new one from an old one.</summary>
public sealed class WebhookSignatureTests
{
    private const string Secret = "a-webhook-secret-of-more-than-32-characters";

    // Made with another implementation of HMAC.
    private const string Right = "t=1768478400,v1=f407adca356721ee2e5a32c498b1631697b237b434cefc39103f2b13b1264f21";

    private const string V2 = "12a35f380ab0dfdc8037d610b64059e3e8fb4001158597dceb736c5c8c3815e9";

    private static readonly DateTimeOffset SignedAt = DateTimeOffset.FromUnixTimeSeconds(1768478400);
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);
    private static readonly byte[] Body = Encoding.UTF8.GetBytes("""{"type":"ciba.request","id":"x","message":"Grüße"}""");

    [Test]
    public void What_the_provider_signs_is_what_the_receiver_expects() =>
        Assert.That(
            CibaWebhookSignature.Create("call-1", new() { Url = "https://push.example/ciba", Secret = Secret }, Body, SignedAt.AddMilliseconds(999)),
            Is.EqualTo($"t=1768478400,id=call-1,v2={V2},{Right["t=1768478400,".Length..]}"));

    [TestCase(Right)]
    [TestCase("v1=f407adca356721ee2e5a32c498b1631697b237b434cefc39103f2b13b1264f21, t=1768478400")]
    [TestCase("t=1768478400,v0=x,v1=00,v1=f407adca356721ee2e5a32c498b1631697b237b434cefc39103f2b13b1264f21,v2=y")]
    public void A_right_signature_is_known(string header) => Assert.That(Verify(header), Is.True);

    [TestCase(null), TestCase(""), TestCase(","), TestCase("t="), TestCase("v1="), TestCase("t=1768478400"), TestCase("t=1768478400,v1="), TestCase("t=1768478400,v1=ü")]
    [TestCase("v1=f407adca356721ee2e5a32c498b1631697b237b434cefc39103f2b13b1264f21")]
    [TestCase("t=1768478400,v2=f407adca356721ee2e5a32c498b1631697b237b434cefc39103f2b13b1264f21")]
    [TestCase("t=1768478400,v1=f407adca356721ee2e5a32c498b1631697b237b434cefc39103f2b13b1264f2")]
    [TestCase("t=1768478400,v1=f407adca356721ee2e5a32c498b1631697b237b434cefc39103f2b13b1264f22")]
    [TestCase("t=1768478401,v1=f407adca356721ee2e5a32c498b1631697b237b434cefc39103f2b13b1264f21")]
    [TestCase("t=+1768478400,v1=f407adca356721ee2e5a32c498b1631697b237b434cefc39103f2b13b1264f21")]
    [TestCase("t=1768478400.0,v1=f407adca356721ee2e5a32c498b1631697b237b434cefc39103f2b13b1264f21")]
    [TestCase("t=9223372036854775807,v1=f407adca356721ee2e5a32c498b1631697b237b434cefc39103f2b13b1264f21")]
    [TestCase("t=1768478400,t=1768478400,v1=f407adca356721ee2e5a32c498b1631697b237b434cefc39103f2b13b1264f21")]
    public void Any_other_header_is_refused(string? header) => Assert.That(Verify(header), Is.False);

    [Test]
    public void A_body_that_was_changed_is_refused([Range(0, 49, 7)] int place)
    {
        var changed = Body.ToArray();
        changed[place] ^= 1;

        Assert.That(CibaWebhookSignature.Verify(Right, changed, Secret, SignedAt, Tolerance), Is.False);
        Assert.That(CibaWebhookSignature.Verify(Right, Body.AsSpan(0, Body.Length - 1), Secret, SignedAt, Tolerance), Is.False);
    }

    [Test]
    public void Another_secret_is_refused() => Assert.That(CibaWebhookSignature.Verify(Right, Body, Secret + "x", SignedAt, Tolerance), Is.False);

    [TestCase(-301, false), TestCase(-300, true), TestCase(300, true), TestCase(301, false)]
    public void A_signature_counts_for_the_tolerance_before_and_after(int seconds, bool counts) =>
        Assert.That(CibaWebhookSignature.Verify(Right, Body, Secret, SignedAt.AddSeconds(seconds), Tolerance), Is.EqualTo(counts));

    [TestCase(""), TestCase(null)]
    public void A_receiver_without_a_secret_has_a_fault(string? secret) =>
        Assert.That(() => CibaWebhookSignature.Verify(Right, Body, secret!, SignedAt, Tolerance), Throws.InstanceOf<ArgumentException>());

    private static bool Verify(string? header) => CibaWebhookSignature.Verify(header, Body, Secret, SignedAt, Tolerance);
}
