using System.Net;
using System.Net.Http.Headers;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 9111, RFC 7517 section 4.5: when a client's word about its keys behind <c>jwks_uri</c> is asked for again, and what it does.</summary>
[Spec("R1")]
public sealed class JwksUriChangeTests
{
    private const string NotRead = "The request is refused: the keys at the client's jwks_uri cannot be read.";
    private const string NoUsableKey = "The request is refused: the JWK Set at the client's jwks_uri holds no usable key.";
    private const string NoKey = "The request is refused: no key of the client verifies its signature.";

    private static readonly TestKey Old = TestKey.Ec("key");
    private static readonly TestKey New = TestKey.Ec("key");

    private static IEnumerable<TestCaseData> Words
    {
        get
        {
            yield return Case("an empty set", NoUsableKey, HttpStatusCode.OK, "{\"keys\":[]}");
            yield return Case("a set of keys for encryption", NoUsableKey, HttpStatusCode.OK, TestKey.Set(Old.Jwk(("use", "enc"))));
            yield return Case("a set of keys that cannot be made out", NoUsableKey, HttpStatusCode.OK, "{\"keys\":[{\"kty\":\"EC\",\"kid\":42}]}");
            yield return Case("another set", NoKey, HttpStatusCode.OK, TestKey.Set(New.Jwk()));
            yield return Case("a page", NotRead, HttpStatusCode.OK, "<html>");
            yield return Case("a set with a private key", NotRead, HttpStatusCode.OK, TestKey.Set(Old.Jwk(("d", Old.D))));
            yield return Case("not found", NotRead, HttpStatusCode.NotFound, TestKey.Set(Old.Jwk()));
            yield return Case("gone", NotRead, HttpStatusCode.Gone, "");
            yield return Case("forbidden", NotRead, HttpStatusCode.Forbidden, "");
            yield return Case("moved", NotRead, HttpStatusCode.MovedPermanently, "");

            static TestCaseData Case(string name, string description, HttpStatusCode status, string body) =>
                new TestCaseData(description, () => FakeJwksUri.Answer(status, new StringContent(body))).SetArgDisplayNames(name);
        }
    }

    private static IEnumerable<TestCaseData> Silences
    {
        get
        {
            foreach (var status in new[] { HttpStatusCode.InternalServerError, HttpStatusCode.BadGateway, HttpStatusCode.ServiceUnavailable, HttpStatusCode.GatewayTimeout, HttpStatusCode.TooManyRequests, HttpStatusCode.RequestTimeout })
            {
                yield return Case($"{(int)status}", () => FakeJwksUri.Answer(status, new StringContent("{\"keys\":[]}")));
            }

            yield return Case("no host", () => throw new HttpRequestException("No such host"));
            yield return Case("a time-out", () => throw new TaskCanceledException("Too long"));
            yield return Case("cut off in the middle", () => FakeJwksUri.Answer(HttpStatusCode.OK, new StreamContent(new Broken())));

            static TestCaseData Case(string name, Func<HttpResponseMessage> answer) => new TestCaseData(answer).SetArgDisplayNames(name);
        }
    }

    [TestCaseSource(nameof(Words))]
    public async Task What_the_client_says_ends_the_keys_of_before(string description, Func<HttpResponseMessage> word)
    {
        var remote = new FakeJwksUri(TestKey.Set(Old.Jwk()));
        await using var host = remote.SigningHost();
        await AssertAcceptedAsync(host, Old);
        remote.OnGet = _ => Task.FromResult(word());

        host.Time.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromTicks(1));
        await AssertAcceptedAsync(host, Old);
        host.Time.Advance(TimeSpan.FromTicks(1));
        await AssertRefusedAsync(host, Old, description);

        // It is asked again for everybody whom it has no key for, and is silent from now on: that changes nothing.
        remote.OnGet = _ => throw new HttpRequestException("No such host");
        host.Time.Advance(TimeSpan.FromSeconds(30));
        await AssertRefusedAsync(host, Old, description);
        remote.OnGet = null;
        host.Time.Advance(TimeSpan.FromSeconds(30));
        await AssertAcceptedAsync(host, Old);
    }

    [TestCaseSource(nameof(Silences))]
    public async Task Silence_leaves_the_keys_of_before_for_an_hour(Func<HttpResponseMessage> silence)
    {
        var remote = new FakeJwksUri(TestKey.Set(Old.Jwk()));
        await using var host = remote.SigningHost();
        await AssertAcceptedAsync(host, Old);
        remote.OnGet = _ => Task.FromResult(silence());

        host.Time.Advance(TimeSpan.FromMinutes(60) - TimeSpan.FromSeconds(1));
        await AssertAcceptedAsync(host, Old);
        host.Time.Advance(TimeSpan.FromSeconds(1));
        await AssertRefusedAsync(host, Old, NotRead);

        Assert.That(remote.Calls, Is.EqualTo(2));
    }

    [TestCase("max-age=0", null, 60)]
    [TestCase("max-age=59", null, 60)]
    [TestCase("public, max-age=120, must-revalidate", null, 120)]
    [TestCase("max-age=120", 45, 75)]
    [TestCase("max-age=600", 3600, 60)]
    [TestCase("max-age=86400", null, 600)]
    [TestCase("max-age=86400", 86100, 300)]
    [TestCase("no-cache", null, 60)]
    [TestCase("no-store, max-age=300", null, 60)]
    [TestCase("s-maxage=60", null, 600)]
    [TestCase("private", null, 600)]
    [TestCase(null, 500, 600)]
    public async Task Keys_are_fresh_for_as_long_as_the_client_says_from_one_to_ten_minutes(string? control, int? age, int seconds)
    {
        var remote = new FakeJwksUri("")
        {
            OnGet = _ =>
            {
                var answer = FakeJwksUri.Answer(HttpStatusCode.OK, new StringContent(TestKey.Set(Old.Jwk())));
                answer.Headers.CacheControl = control is null ? null : CacheControlHeaderValue.Parse(control);
                answer.Headers.Age = age is null ? null : TimeSpan.FromSeconds(age.Value);
                return Task.FromResult(answer);
            },
        };
        await using var host = remote.SigningHost();
        var calls = new List<int>();

        foreach (var wait in new[] { TimeSpan.Zero, TimeSpan.FromSeconds(seconds) - TimeSpan.FromTicks(1), TimeSpan.FromTicks(1) })
        {
            host.Time.Advance(wait);
            await AssertAcceptedAsync(host, Old);
            calls.Add(remote.Calls);
        }

        Assert.That(calls, Is.EqualTo(new[] { 1, 1, 2 }));
    }

    [Test]
    public async Task A_new_key_is_found_whatever_its_kid([Values] bool named)
    {
        (string, string?)[] change = named ? [] : [("kid", null)];
        var remote = new FakeJwksUri(TestKey.Set(Old.Jwk(change)));
        await using var host = remote.SigningHost();
        await AssertAcceptedAsync(host, Old);
        remote.Jwks = TestKey.Set(New.Jwk(change));

        // Within half a minute of the last look nobody looks again.
        host.Time.Advance(TimeSpan.FromSeconds(30) - TimeSpan.FromTicks(1));
        await AssertRefusedAsync(host, New, NoKey);
        await AssertAcceptedAsync(host, Old);
        host.Time.Advance(TimeSpan.FromTicks(1));
        await AssertAcceptedAsync(host, New);
        await AssertRefusedAsync(host, Old, NoKey);

        Assert.That(remote.Calls, Is.EqualTo(2));
    }

    [Test]
    public async Task Signatures_that_no_key_verifies_are_no_reason_to_ask_more_than_twice_a_minute()
    {
        var remote = new FakeJwksUri(TestKey.Set(Old.Jwk()));
        await using var host = remote.SigningHost();
        await AssertAcceptedAsync(host, Old);

        for (var second = 0; second < 120; second++)
        {
            host.Time.Advance(TimeSpan.FromSeconds(1));
            await AssertRefusedAsync(host, New, NoKey);
        }

        await AssertAcceptedAsync(host, Old);
        Assert.That(remote.Calls, Is.EqualTo(5));
    }

    [Test, Spec("A3")]
    public async Task A_client_takes_its_certificates_back_in_the_same_way()
    {
        using var authority = new TestAuthority();
        using var certificate = authority.SelfMade("CN=client");
        var remote = new FakeJwksUri(TestKey.Set(CertificateClients.Jwk(certificate)));
        var client = CertificateClients.ByKeys("client");
        (client.Jwks, client.JwksUri) = (null, FakeJwksUri.Url);
        await using var host = new CibaHost { Clients = [client], Options = CertificateClients.Trust(), BeforeRouting = CertificateClients.Shown(() => certificate), Setup = remote.Use };
        var taken = await host.CallAsync(ClientCalls.Authorize, [], ("client_id", "client"));

        remote.Jwks = "{\"keys\":[]}";
        host.Time.Advance(TimeSpan.FromMinutes(10));
        var gone = await host.CallAsync(ClientCalls.Authorize, [], ("client_id", "client"));

        Assert.That(taken.IsAuthenticated(), taken.Body);
        Refusal.Says(gone, "invalid_client", 401);
    }

    private static async Task AssertAcceptedAsync(CibaHost host, TestKey key)
    {
        var answer = await host.SignedAsync(SignedCalls.Jwt(host).Sign(key));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    private static async Task AssertRefusedAsync(CibaHost host, TestKey key, string description)
    {
        var answer = await host.SignedAsync(SignedCalls.Jwt(host).Sign(key));
        Refusal.Says(answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo(description));
    }

    private sealed class Broken : MemoryStream
    {
        public override bool CanSeek => false;

        public override int Read(Span<byte> buffer) => throw new IOException("Cut off");

        public override int Read(byte[] buffer, int offset, int count) => throw new IOException("Cut off");

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new IOException("Cut off");

        public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken) => throw new IOException("Cut off");
    }
}
