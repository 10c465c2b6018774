using System.Net;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 7.1, RFC 6749 section 2.3.1: <c>client_secret_basic</c> and <c>client_secret_post</c>.</summary>
public sealed class ClientSecretTests
{
    private static readonly string[] Endpoints = [ClientCalls.Authorize, ClientCalls.Token];

    private static readonly (string Id, string Secret)[] OddCharacters =
    [
        ("a:b", "c:d"), ("50%", "100%25"), ("a+b", "c+d"), ("a b", " c d "), ("a&b=c;d", "&=;?#/"), ("~!*'()", "ü€😀"), ("%3A", "%3a%2B"),
    ];

    private static IEnumerable<TestCaseData> MalformedHeaders =>
        from endpoint in Endpoints
        from header in new[]
        {
            "Basic", "Basic ", "Basic !!!!", "Basic Zm9v", "Basic =", ClientCalls.Basic("no-colon"), ClientCalls.Basic(":secret"),
            ClientCalls.Basic("basic:"), ClientCalls.Basic(":"), "Basic YmFzaWM6/w==", "Basic YmFzaWM6YQ", "Bearer YmFzaWM6YQ==", "Negotiate", "basic:secret",
            $"{ClientCalls.Basic("basic:a")}, {ClientCalls.Basic("basic:b")}", ClientCalls.Basic($"basic:{CibaHost.Secret}")["Basic ".Length..],
        }
        select new TestCaseData(endpoint, header);

    private static IEnumerable<TestCaseData> TwoMethods =>
        from endpoint in Endpoints
        from fields in new (string, string?)[][]
        {
            [("client_id", "basic"), ("client_secret", CibaHost.Secret)],
            [("client_secret", CibaHost.Secret)],
            [("client_secret", "wrong")],
            [("client_assertion_type", TestJwt.AssertionType), ("client_assertion", "a.b.c")],
            [("client_assertion", "junk")],
            [("client_secret", CibaHost.Secret), ("client_assertion_type", TestJwt.AssertionType), ("client_assertion", "a.b.c")],
        }
        select new TestCaseData(endpoint, fields);

    [Test, Spec("A3"), Spec("T9")]
    public async Task Basic_takes_both_halves_form_encoded([ValueSource(nameof(Endpoints))] string endpoint, [ValueSource(nameof(OddCharacters))] (string Id, string Secret) odd)
    {
        var client = CibaHost.Client(odd.Id, CibaClientAuthenticationMethods.ClientSecretBasic);
        client.ClientSecrets = [odd.Secret];
        await using var host = new CibaHost { Clients = [client] };
        var escaped = ClientCalls.Basic($"{Uri.EscapeDataString(odd.Id)}:{Uri.EscapeDataString(odd.Secret)}");
        var formEncoded = ClientCalls.Basic($"{WebUtility.UrlEncode(odd.Id)}:{WebUtility.UrlEncode(odd.Secret)}");

        var answers = new[] { await host.CallAsync(endpoint, [escaped]), await host.CallAsync(endpoint, [formEncoded]) };

        Assert.That(answers.Select(answer => answer.IsAuthenticated()), Is.All.True);
    }

    [Test, Spec("A3"), Spec("T9")]
    public async Task Post_takes_odd_characters([ValueSource(nameof(Endpoints))] string endpoint, [ValueSource(nameof(OddCharacters))] (string Id, string Secret) odd)
    {
        var client = CibaHost.Client(odd.Id);
        client.ClientSecrets = [odd.Secret];
        await using var host = new CibaHost { Clients = [client] };

        var answer = await host.CallAsync(endpoint, [], ("client_id", odd.Id), ("client_secret", odd.Secret));

        Assert.That(answer.IsAuthenticated());
    }

    [TestCase("basic ")]
    [TestCase("BASIC ")]
    [TestCase("bAsIc   ")]
    [Spec("A3")]
    public async Task The_name_of_the_scheme_has_no_letter_case(string scheme)
    {
        await using var host = new CibaHost();

        var answer = await host.CallAsync(ClientCalls.Authorize, [scheme + ClientCalls.Basic($"basic:{CibaHost.Secret}")["Basic ".Length..]]);

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCaseSource(nameof(MalformedHeaders))]
    [Spec("A2"), Spec("T9"), Spec("A20")]
    public async Task A_malformed_Authorization_header_is_invalid_client_with_a_challenge(string endpoint, string header)
    {
        await using var host = new CibaHost();

        var answer = await host.CallAsync(endpoint, [header]);

        using (Assert.EnterMultipleScope())
        {
            Refusal.IsUnproven(host, answer);
            Assert.That(answer.Description, Does.Contain("each form-encoded"));
            Assert.That((await host.StoreAsync()).Count, Is.Zero);
        }
    }

    [Test, Spec("A2"), Spec("T9")]
    public async Task A_wrong_secret_and_an_unknown_client_cannot_be_told_apart(
        [ValueSource(nameof(Endpoints))] string endpoint, [Values("client", "nobody", "CLIENT", "client ", "client\u00a0")] string id)
    {
        await using var host = new CibaHost();

        var post = await host.CallAsync(endpoint, [], ("client_id", id), ("client_secret", CibaHost.Secret + "!"));
        var basic = await host.CallAsync(endpoint, [ClientCalls.Basic($"{Uri.EscapeDataString(id == "client" ? "basic" : id)}:{CibaHost.Secret}!")]);

        using (Assert.EnterMultipleScope())
        {
            Refusal.IsUnproven(host, post);
            Refusal.IsUnproven(host, basic);
            Assert.That((await host.StoreAsync()).Count, Is.Zero);
        }
    }

    [Test, Spec("A2"), Spec("T9")]
    public async Task Two_Authorization_headers_are_invalid_request([ValueSource(nameof(Endpoints))] string endpoint)
    {
        await using var host = new CibaHost();
        var right = ClientCalls.Basic($"basic:{CibaHost.Secret}");

        var answer = await host.CallAsync(endpoint, [right, right]);

        AssertRefused(answer, "The client authenticates in two ways at once: use only the registered one.");
    }

    [TestCaseSource(nameof(TwoMethods))]
    [Spec("A2"), Spec("T9"), Spec("A20")]
    public async Task Two_methods_at_once_are_invalid_request(string endpoint, (string, string?)[] fields)
    {
        await using var host = new CibaHost();

        var answer = await host.CallAsync(endpoint, [ClientCalls.Basic($"basic:{CibaHost.Secret}")], fields);

        AssertRefused(answer, "The client authenticates in two ways at once: use only the registered one.");
        Assert.That((await host.StoreAsync()).Count, Is.Zero);
    }

    [Test, Spec("A2"), Spec("T9")]
    public async Task A_secret_and_an_assertion_in_the_form_are_invalid_request([ValueSource(nameof(Endpoints))] string endpoint)
    {
        await using var host = new CibaHost { Clients = [ClientCalls.MacClient("client")] };
        var assertion = new TestJwt(host).Mac(CibaHost.Secret);

        var answer = await host.CallAsync(endpoint, [], TestJwt.Form(assertion, ("client_secret", CibaHost.Secret)));

        AssertRefused(answer, "The client authenticates in two ways at once: use only the registered one.");
    }

    [Test, Spec("A2"), Spec("T9")]
    public async Task Another_client_id_beside_Basic_is_invalid_request([ValueSource(nameof(Endpoints))] string endpoint)
    {
        await using var host = new CibaHost();
        var right = ClientCalls.Basic($"basic:{CibaHost.Secret}");

        var other = await host.CallAsync(endpoint, [right], ("client_id", "other"));
        var same = await host.CallAsync(endpoint, [right], ("client_id", "basic"), ("client_secret", ""));

        AssertRefused(other, "The client_id in the form is not that of the client that authenticates.");
        Assert.That(same.IsAuthenticated());
    }

    [Test, Spec("A2"), Spec("T9"), Spec("A5")]
    public async Task A_client_without_credentials_is_told_as_all_others([ValueSource(nameof(Endpoints))] string endpoint, [Values(null, "client_id", "client_secret")] string? field)
    {
        await using var host = new CibaHost();

        var answer = await host.CallAsync(endpoint, [], (field ?? "", field == "client_id" ? "client" : field is null ? null : CibaHost.Secret));

        Refusal.IsUnproven(host, answer, field == "client_id" ? "The client is registered with client_secret_post and used client_id alone." : "The request has no credentials.");
    }

    [Test, Spec("A3")]
    public async Task Each_of_several_secrets_opens_in_the_clear_or_hashed()
    {
        var client = CibaHost.Client("client");
        client.ClientSecrets = ["old", CibaClient.HashSecret("new"), CibaClient.HashSecret("next").ToUpperInvariant().Replace("SHA256:", "sha256:", StringComparison.Ordinal)];
        await using var host = new CibaHost { Clients = [client] };

        var answers = new List<HttpStatusCode>();
        foreach (var secret in new[] { "old", "new", "next", "older", CibaClient.HashSecret("new"), CibaClient.HashSecret("old") })
        {
            answers.Add((await host.AuthorizeAsync(("client_secret", secret))).Status);
        }

        // The hash itself is no secret: who reads the configuration cannot log in with it.
        Assert.That(answers, Is.EqualTo(new[] { HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized }));
    }

    [Test, Spec("A3")]
    public async Task The_ready_store_keeps_secrets_as_hashes_but_for_the_method_that_computes_with_them()
    {
        await using var host = new CibaHost { Clients = [CibaHost.Client("client"), ClientCalls.MacClient("mac")] };
        var store = (await host.ServicesAsync()).GetRequiredService<ICibaClientStore>();

        var kept = new[] { await store.FindAsync("client", default), await store.FindAsync("mac", default) };

        Assert.That(kept.Select(client => client!.ClientSecrets.Single()), Is.EqualTo(new[] { CibaClient.HashSecret(CibaHost.Secret), CibaHost.Secret }));
    }

    private static void AssertRefused(Answer answer, string description)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(answer.Body, Is.EqualTo($$"""{"error":"invalid_request","error_description":"{{description}}"}"""));
        }
    }
}
