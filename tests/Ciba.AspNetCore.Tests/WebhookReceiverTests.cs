using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Ciba.AspNetCore.Tests;

/// <summary>What the service behind a webhook takes, and what it takes for forged, redirected or seen before.</summary>
[Spec("A21")]
public sealed class WebhookReceiverTests
{
    private const string Url = "https://push.example/ciba";
    private const string Secret = "a-webhook-secret-of-more-than-32-characters";
    private const string NewSecret = "the-next-webhook-secret-of-32-characters";

    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);
    private static readonly byte[] Body = Encoding.UTF8.GetBytes("""{"type":"ciba.request","id":"x","message":"Grüße"}""");

    private readonly ManualTime _time = new();

    [Test]
    public void A_call_is_accepted_once()
    {
        var receiver = Receiver(Secret);
        string[] headers = [Header("call 1"), Header("call 2")];

        bool[] accepted = [Accept(headers[0]), Accept(headers[0]), Accept(headers[1]), Accept(headers[1])];

        Assert.That(accepted, Is.EqualTo(new[] { true, false, true, false }));

        bool Accept(string header) => receiver.TryAccept(header, Body);
    }

    [Test]
    public void A_call_stays_known_for_as_long_as_its_time_counts([Values(-300, 0, 300)] int seconds)
    {
        var receiver = Receiver(Secret);
        var header = Header("call 1", _time.GetUtcNow().AddSeconds(seconds));

        var accepted = new List<bool> { receiver.TryAccept(header, Body) };
        for (var passed = TimeSpan.Zero; passed <= Tolerance * 3; passed += TimeSpan.FromSeconds(30))
        {
            _time.Advance(TimeSpan.FromSeconds(30));
            accepted.Add(receiver.TryAccept(header, Body));
        }

        Assert.That(accepted, Is.EqualTo(accepted.Select((_, number) => number == 0)));
    }

    [Test]
    public void While_a_secret_changes_either_of_two_is_enough()
    {
        var both = new CibaWebhookOptions { Url = Url, Secret = Secret, SecondSecret = NewSecret };
        var header = CibaWebhookSignature.Create("call 1", both, Body, _time.GetUtcNow());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { Receiver(Secret), Receiver(NewSecret), Receiver("another secret", NewSecret) }.Select(receiver => receiver.TryAccept(header, Body)), Is.All.True);
            Assert.That(Receiver(NewSecret).TryAccept(Header("call 2"), Body), Is.False);
        }
    }

    [Test]
    public void The_call_is_named_to_a_service_of_several_processes()
    {
        var accepted = Receiver(Secret).TryAccept(Header("call-7"), Body, out var id);
        var refused = Receiver(NewSecret).TryAccept(Header("call-7"), Body, out var none);

        Assert.That((accepted, id, refused, none), Is.EqualTo((true, "call-7", false, (string?)null)));
    }

    [Test]
    public void What_was_signed_is_all_that_counts()
    {
        var header = Header("call");
        var at = Seconds(_time.GetUtcNow());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Receiver(Secret).TryAccept(header, Body.AsSpan(1)), Is.False, "another body");
            Assert.That(new CibaWebhookReceiver("https://other.example/ciba", [Secret], Tolerance, _time).TryAccept(header, Body), Is.False, "for another URL");
            Assert.That(Receiver(Secret).TryAccept(header.Replace("id=call", "id=cal", StringComparison.Ordinal), Body), Is.False, "another name");
            Assert.That(Receiver(Secret).TryAccept(header.Replace($"t={at}", $"t={at[..^1]}1", StringComparison.Ordinal), Body), Is.False, "another time");
            Assert.That(Receiver(Secret).TryAccept(header.Replace("v2=", "v3=", StringComparison.Ordinal), Body), Is.False, "the older signature alone");
            Assert.That(Receiver(Secret).TryAccept($"{header},id=other", Body), Is.False, "two names");
            Assert.That(Receiver(Secret).TryAccept(null, Body), Is.False, "none");
            Assert.That(Receiver(Secret).TryAccept(header, Body), Is.True);
        }
    }

    [TestCase(-301, false), TestCase(-300, true), TestCase(300, true), TestCase(301, false)]
    public void A_signature_counts_for_the_tolerance_before_and_after(int seconds, bool counts) =>
        Assert.That(Receiver(Secret).TryAccept(Header("call", _time.GetUtcNow().AddSeconds(seconds)), Body), Is.EqualTo(counts));

    [TestCase, TestCase(""), TestCase("secret", "")]
    public void A_receiver_without_a_secret_has_a_fault(params string[] secrets) =>
        Assert.That(() => new CibaWebhookReceiver(Url, secrets), Throws.ArgumentException);

    private CibaWebhookReceiver Receiver(params string[] secrets) => new(Url, secrets, Tolerance, _time);

    // As the documentation says it, and not by the library.
    private string Header(string id, DateTimeOffset? signedAt = null)
    {
        var time = Seconds(signedAt ?? _time.GetUtcNow());
        byte[] signed = [.. Encoding.UTF8.GetBytes($"{time}\n{id}\n{Url}\n"), .. Body];
        return $"t={time},id={id},v2={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), signed))}";
    }

    private static string Seconds(DateTimeOffset time) => time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
}
