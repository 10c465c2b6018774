using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 7515 section 2: the compact form is base64url without padding, three parts, and of a sane size.</summary>
[Spec("A4")]
public sealed class ClientAssertionEncodingTests
{
    private static readonly TestKey Key = TestKey.For("ES256");

    private static IEnumerable<Func<string, string>> Spoilt =>
    [
        right => right + "=", right => right + "==", right => right + "\n", right => " " + right, right => right + " ", right => right + ".", right => "." + right,
        right => right.Replace(".", "..", StringComparison.Ordinal), right => right.Replace(".", ". ", StringComparison.Ordinal), right => right.Replace(".", "=.", StringComparison.Ordinal),
        right => right[..^1] + "+", right => right[..^1] + "/", right => right[..^1] + "é", right => right[..^1] + "\u0661", right => right[..^1], right => right + "AAA",
        right => right.Insert(5, "\r\n"), right => right.Insert(5, "%"), right => $"{right}.{right}", right => $"{right}.AA.AA", right => "....", right => "..", right => ".", right => "a.b.c",
        right => right[right.IndexOf('.', StringComparison.Ordinal)..], right => right[..right.LastIndexOf('.')], right => $"Bearer {right}", right => $"\"{right}\"",
        right => "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGe.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6ji.XFBoMYUZodetZdvTiFvSkQ",
    ];

    [TestCaseSource(nameof(Spoilt))]
    public async Task Anything_but_three_parts_of_base64url_is_no_JWT(Func<string, string> spoil)
    {
        await using var host = ClientCalls.KeyHost();

        var answer = await host.AuthorizeAsync(TestJwt.Form(spoil(new TestJwt(host).Sign(Key))));

        using (Assert.EnterMultipleScope())
        {
            Refusal.IsUnproven(host, answer, "The client_assertion is not a signed JWT with the client_id as iss and sub.");
            Assert.That((await host.StoreAsync()).Count, Is.Zero);
        }
    }

    [Test]
    public async Task Bits_that_stand_for_nothing_must_be_zero()
    {
        await using var host = ClientCalls.KeyHost();
        var right = new TestJwt(host).Sign(Key);

        // 64 bytes leave four bits of the last character unused: 'A', 'Q', 'g' and 'w' are the only right ones.
        var answer = await host.AuthorizeAsync(TestJwt.Form(right[..^1] + (char)(right[^1] + 1)));

        Assert.That(answer.Error, Is.EqualTo("invalid_client"));
    }

    [Test]
    public async Task A_JWT_may_have_16_KiB_and_no_more()
    {
        await using var host = ClientCalls.KeyHost();

        var answers = new List<HttpStatusCode>();
        foreach (var length in new[] { 16 * 1024, (16 * 1024) + 1 })
        {
            answers.Add((await host.AuthorizeAsync(TestJwt.Form(OfLength(host, length)))).Status);
        }

        Assert.That(answers, Is.EqualTo(new[] { HttpStatusCode.OK, HttpStatusCode.Unauthorized }));
    }

    [TestCase(60_000, HttpStatusCode.Unauthorized)]
    [TestCase(100_000, HttpStatusCode.BadRequest)]
    [TestCase(1_000_000, HttpStatusCode.BadRequest)]
    [Spec("A20")]
    public async Task A_huge_JWT_is_refused_before_it_is_decoded(int length, HttpStatusCode status)
    {
        await using var host = ClientCalls.KeyHost();

        foreach (var assertion in new[] { new string('a', length), new string('.', length), OfLength(host, length) })
        {
            var answer = await host.AuthorizeAsync(TestJwt.Form(assertion));

            Assert.That(answer.Status, Is.EqualTo(status), answer.Body);
        }

        Assert.That((await host.StoreAsync()).Count, Is.Zero);
    }

    // Three bytes of the claims are four characters; the header's length makes up for the rest.
    private static string OfLength(CibaHost host, int length)
    {
        foreach (var x in new[] { "x", "xx", "xxx", "xxxx" })
        {
            foreach (var more in new[] { 0, 1, 2, 3 })
            {
                var jwt = new TestJwt(host).Header("h", TestJwt.Text(x));
                var empty = new TestJwt(host).Header("h", TestJwt.Text(x)).Claim("fill", "\"\"").Sign(Key).Length;
                var filled = jwt.Claim("fill", TestJwt.Text(new string('f', ((length - empty) * 3 / 4) + more))).Sign(Key);
                if (filled.Length == length)
                {
                    return filled;
                }
            }
        }

        throw new AssertionException($"No JWT has {length} characters.");
    }
}
