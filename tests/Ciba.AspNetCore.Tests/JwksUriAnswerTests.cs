using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 7517 section 5, RFC 9110 section 8.4: what a <c>jwks_uri</c> may answer, and what is said of the rest.</summary>
[Spec("R0"), Spec("R1")]
public sealed class JwksUriAnswerTests
{
    private const string NotRead = "The request is refused: the keys at the client's jwks_uri cannot be read.";
    private const string NoUsableKey = "The request is refused: the JWK Set at the client's jwks_uri holds no usable key.";
    private const string None = "it holds no key that can check a signature (EC P-256, P-384, P-521, or RSA of 2048 to 8192 bits)";

    private static readonly TestKey Key = TestKey.Ec("key");

    private static IEnumerable<TestCaseData> Strange
    {
        get
        {
            yield return new("kid 42", """{"kty":"RSA","kid":42,"n":"AQAB","e":"AQAB"}""");
            yield return new("e 65537", """{"kty":"RSA","n":"AQAB","e":65537}""");
            yield return new("an unknown kty with a use in a list", """{"kty":"AKP","use":["sig"],"pub":1}""");
            yield return new("no object", "1");
            yield return new("null", "null");
            yield return new("half a character", """{"kty":"EC","kid":"\ud800"}""");
            yield return new("half a character in a name", """{"\udc00":{}}""");
            yield return new("x5c in no list", """{"kty":"EC","crv":"P-256","x5c":{}}""");
        }
    }

    [TestCaseSource(nameof(Strange))]
    public async Task A_key_that_cannot_be_made_out_does_no_harm_to_a_good_one(string name, string jwk)
    {
        var remote = new FakeJwksUri($$"""{"keys":[{{jwk}},{{Key.Jwk().ToJsonString()}},{{jwk}}],"more":1}""");
        await using var host = remote.SigningHost();

        var answer = await host.SignedAsync(SignedCalls.Jwt(host).Sign(Key));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), $"{name}: {answer.Body}");
    }

    [Test]
    public async Task A_set_without_a_usable_key_is_said_to_be_one([Values("{\"keys\":[]}", "{\"keys\":[{}]}", "{\"keys\":[{\"kty\":\"EC\",\"kid\":42}]}", "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}]}")] string jwks)
    {
        var remote = new FakeJwksUri(jwks);
        await using var host = remote.SigningHost();

        await host.RefusesAsync(await host.SignedAsync(SignedCalls.Jwt(host).Sign(Key)), NoUsableKey);

        Assert.That(Said(host), Is.EqualTo(new[] { None }));
    }

    [Test]
    public async Task A_byte_order_mark_is_passed_over([Values] bool byValue)
    {
        var jwks = "\uFEFF" + TestKey.Set(Key.Jwk());
        var client = SignedCalls.Client();
        client.Jwks = jwks;
        await using var host = byValue ? new CibaHost { Clients = [client] } : new FakeJwksUri(jwks).SigningHost();

        var answer = await host.SignedAsync(SignedCalls.Jwt(host).Sign(Key));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [Test]
    public async Task No_coding_is_asked_for()
    {
        var remote = new FakeJwksUri(TestKey.Set(Key.Jwk()));
        await using var host = remote.SigningHost();

        await host.SignedAsync(SignedCalls.Jwt(host).Sign(Key));

        Assert.That(remote.AcceptEncoding, Is.EqualTo("identity"));
    }

    [TestCase("gzip", "gzip"), TestCase("br", "br"), TestCase("GZIP", "GZIP"), TestCase("identity, zstd", "zstd"), TestCase("x-a-name-that-has-no-end-of-any-kind", "x-a-name-that-has-no")]
    public async Task A_coding_that_comes_all_the_same_is_named(string coding, string named)
    {
        var remote = new FakeJwksUri("") { OnGet = _ => Task.FromResult(Encoded(coding)) };
        await using var host = remote.SigningHost();

        await host.RefusesAsync(await host.SignedAsync(SignedCalls.Jwt(host).Sign(Key)), NotRead);

        Assert.That(Said(host), Is.EqualTo(new[] { $"it is encoded with {named}: only identity is taken, which the request asks for in Accept-Encoding" }));
    }

    [Test]
    public async Task The_coding_identity_is_none()
    {
        var remote = new FakeJwksUri("") { OnGet = _ => Task.FromResult(Plain("Identity")) };
        await using var host = remote.SigningHost();

        var answer = await host.SignedAsync(SignedCalls.Jwt(host).Sign(Key));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [TestCase(64 * 1024, null), TestCase(1024, 1024), TestCase(1024 * 1024, 1024 * 1024)]
    public async Task The_size_of_a_set_is_the_hosts_to_choose(int size, int? option)
    {
        var remote = new FakeJwksUri(TestKey.Set(Key.Jwk()).PadRight(size));
        await using var host = remote.SigningHost(options => options.ClientKeys.MaxSetSize = option ?? options.ClientKeys.MaxSetSize);
        var largest = await host.SignedAsync(SignedCalls.Jwt(host).Sign(Key));

        remote.Jwks += " ";
        host.Time.Advance(TimeSpan.FromMinutes(10));
        await AssertRefusedAsync(host, NotRead);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(largest.Status, Is.EqualTo(HttpStatusCode.OK), largest.Body);
            Assert.That(Said(host), Is.EqualTo(new[] { $"it is larger than {size} bytes (see CibaOptions.ClientKeys.MaxSetSize)" }));
        }
    }

    [TestCase(32, null), TestCase(1, 1), TestCase(200, 200)]
    public async Task The_number_of_keys_is_the_hosts_to_choose(int count, int? option)
    {
        void Limit(CibaOptions options) => options.ClientKeys.MaxKeys = option ?? options.ClientKeys.MaxKeys;
        var keys = Enumerable.Range(1, count - 1).Select(number => new JsonObject { ["kty"] = "OKP", ["kid"] = $"{number}" }).Append(Key.Jwk()).ToArray();
        var (most, more) = (TestKey.Set(keys), TestKey.Set([.. keys.Select(key => (JsonObject)key.DeepClone()), new JsonObject()]));
        var remote = new FakeJwksUri(most);
        await using var host = remote.SigningHost(Limit);
        var client = SignedCalls.Client();
        client.Jwks = more;
        await using var byValue = new CibaHost { Clients = [client], Options = Limit };

        var taken = await host.SignedAsync(SignedCalls.Jwt(host).Sign(Key));
        remote.Jwks = more;
        host.Time.Advance(TimeSpan.FromMinutes(10));
        await AssertRefusedAsync(host, NotRead);
        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(byValue.StartedAsync);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(taken.Status, Is.EqualTo(HttpStatusCode.OK), taken.Body);
            Assert.That(Said(host), Is.EqualTo(new[] { $"it holds more than {count} keys" }));
            Assert.That(exception!.Problems, Is.EqualTo(new[] { $"Client 'client': Jwks holds more than {count} keys; register fewer, or raise CibaOptions.ClientKeys.MaxKeys." }));
        }
    }

    [Test]
    public async Task A_client_of_the_hosts_own_store_with_too_many_keys_is_refused()
    {
        var client = SignedCalls.Client();
        client.Jwks = TestKey.Set(Key.Jwk(), Key.Jwk());
        await using var host = new CibaHost { Clients = [], Options = options => options.ClientKeys.MaxKeys = 1, Setup = new HookedClients { Current = client }.Use };

        var answer = await host.PostAsync("/bc-authorize", [("client_id", "client"), ("client_secret", CibaHost.Secret), ("request", SignedCalls.Jwt(host).Sign(Key))]);

        await Refusal.LeavesNothingAsync(host, answer, "unauthorized_client");
        Assert.That(host.Log.Ours.Select(line => line.Text), Has.One.Contains("Client 'client': Jwks holds more than 1 keys; register fewer, or raise CibaOptions.ClientKeys.MaxKeys."));
    }

    [TestCase(0, 65536, "MaxKeys must be between 1 and 1000, not 0")]
    [TestCase(1001, 65536, "MaxKeys must be between 1 and 1000, not 1001")]
    [TestCase(32, 1023, "MaxSetSize must be between 1024 and 1048576, not 1023")]
    [TestCase(32, 1048577, "MaxSetSize must be between 1024 and 1048576, not 1048577")]
    public async Task The_limits_have_bounds_of_their_own(int maxKeys, int maxSetSize, string problem)
    {
        await using var host = new CibaHost { Options = options => (options.ClientKeys.MaxKeys, options.ClientKeys.MaxSetSize) = (maxKeys, maxSetSize) };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { $"CibaOptions: ClientKeys.{problem}." }));
    }

    private static async Task AssertRefusedAsync(CibaHost host, string description)
    {
        var answer = await host.SignedAsync(SignedCalls.Jwt(host).Sign(Key));
        Refusal.Says(answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo(description));
    }

    private static HttpResponseMessage Encoded(string coding)
    {
        using var buffer = new MemoryStream();
        using (var gzip = new GZipStream(buffer, CompressionLevel.Fastest))
        {
            gzip.Write(Encoding.UTF8.GetBytes(TestKey.Set(Key.Jwk())));
        }

        return With(new ByteArrayContent(buffer.ToArray()), coding);
    }

    private static HttpResponseMessage Plain(string coding) => With(new StringContent(TestKey.Set(Key.Jwk())), coding);

    private static HttpResponseMessage With(HttpContent content, string coding)
    {
        Assert.That(content.Headers.TryAddWithoutValidation("Content-Encoding", coding));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/jwk-set+json");
        return FakeJwksUri.Answer(HttpStatusCode.OK, content);
    }

    /// <summary>What the log says of the fetches.</summary>
    private static IEnumerable<string> Said(CibaHost host)
    {
        const string line = $"The client keys at {FakeJwksUri.Url} could not be read: ";
        return host.Log.Ours.Where(each => each.Level == LogLevel.Warning && each.Text.StartsWith(line, StringComparison.Ordinal)).Select(each => each.Text[line.Length..].Trim());
    }
}
