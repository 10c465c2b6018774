using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 7.1: the three hints, and from each to the user.</summary>
public sealed class HintTests
{
    private static readonly string[] Names = ["login_hint", "login_hint_token", "id_token_hint"];

    /// <summary>Every set of hints but those with exactly one.</summary>
    public static IEnumerable<string[]> WrongNumbers() =>
        Enumerable.Range(0, 8).Select(set => Names.Where((_, place) => (set >> place & 1) == 1).ToArray()).Where(names => names.Length != 1);

    [TestCaseSource(nameof(WrongNumbers)), Spec("A6")]
    public async Task Not_exactly_one_hint_is_refused(params string[] names)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync([.. Names.Select(name => (name, names.Contains(name) ? "alice" : null))]);

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Description, Does.StartWith("Send exactly one of login_hint, login_hint_token and id_token_hint: "));
            Assert.That(host.Users.Hints, Is.Empty);
        }
    }

    [TestCase("nobody"), TestCase("Alice"), TestCase("alice "), TestCase("sub-alice"), TestCase("' OR 1=1 --"), Spec("A15")]
    public async Task A_hint_that_names_nobody_is_unknown(string hint)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("login_hint", hint));

        await Refusal.LeavesNothingAsync(host, answer, "unknown_user_id");
        Assert.That(answer.Body, Is.EqualTo("""{"error":"unknown_user_id","error_description":"The hint does not name a known user."}"""));
    }

    [Test, Spec("A14")]
    public async Task What_a_login_hint_token_means_is_for_the_host_to_say()
    {
        await using var host = new CibaHost();
        host.Users.ReadLoginHintToken = token => CibaUserLookupResult.Found(new CibaUser { Subject = $"sub-{token[^3..]}" });

        await host.AuthorizeAsync(("login_hint", null), ("login_hint_token", "anything/but-a_JWT=bob"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await host.Devices.NextAsync()).Subject, Is.EqualTo("sub-bob"));
            Assert.That(host.Users.Hints.Single(), Has.Property("Kind").EqualTo(CibaHintKind.LoginHintToken).And.Property("Value").EqualTo("anything/but-a_JWT=bob"));
        }
    }

    public static IEnumerable<TestCaseData> BadLoginHintTokens()
    {
        yield return new TestCaseData(CibaUserLookupResult.ExpiredLoginHintToken, """{"error":"expired_login_hint_token","error_description":"The login_hint_token has expired."}""").SetArgDisplayNames("expired");
        yield return new TestCaseData(CibaUserLookupResult.Unknown, """{"error":"unknown_user_id","error_description":"The hint does not name a known user."}""").SetArgDisplayNames("unknown");
        yield return new TestCaseData(CibaUserLookupResult.Invalid("The \"signature\" is bad."), """{"error":"invalid_request","error_description":"The ?signature? is bad."}""").SetArgDisplayNames("invalid");
    }

    [TestCaseSource(nameof(BadLoginHintTokens)), Spec("A14")]
    public async Task A_login_hint_token_that_leads_to_nobody_is_refused_as_the_host_says(CibaUserLookupResult result, string body)
    {
        await using var host = new CibaHost();
        host.Users.ReadLoginHintToken = _ => result;

        var answer = await host.AuthorizeAsync(("login_hint", null), ("login_hint_token", "t"));

        await Refusal.LeavesNothingAsync(host, answer, answer.Error!);
        Assert.That(answer.Body, Is.EqualTo(body));
    }

    [Test, Spec("A22")]
    public async Task A_user_who_is_locked_is_denied_at_the_request()
    {
        await using var host = new CibaHost();
        host.Users.Lock("alice");

        var answer = await host.AuthorizeAsync();

        await Refusal.LeavesNothingAsync(host, answer, "access_denied", 403);
        Assert.That(answer.Description, Is.EqualTo("This user cannot authenticate at present."));
        Assert.That((await host.AuthorizeAsync(("login_hint", "bob"))).Status, Is.EqualTo(HttpStatusCode.OK), "others are not concerned");
    }

    [TestCase(0), TestCase(3601), TestCase(100 * 24 * 3600), Spec("A13")]
    public async Task An_ID_Token_of_ours_names_its_user_even_when_it_has_expired(int age)
    {
        await using var host = new CibaHost();
        var idToken = (await host.TokensAsync()).Text("id_token");
        await host.Devices.NextAsync();
        host.Time.Advance(TimeSpan.FromSeconds(age));

        var answer = await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", idToken));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
            Assert.That((await host.Devices.NextAsync()).Subject, Is.EqualTo("sub-alice"));
        }
    }

    [Test, Spec("A13")]
    public async Task A_client_with_pairwise_subjects_is_told_to_use_another_hint()
    {
        await using var host = PairwiseClients.Host(PairwiseClients.Client());
        var id = (await host.AuthorizeAsync(PairwiseClients.Form(host))).AuthReqId;
        await host.ApproveAsync(id);
        var idToken = (await host.PollAsync(id, PairwiseClients.Form(host))).Text("id_token");
        var hints = host.Users.Hints.Count;

        var answer = await host.AuthorizeAsync([.. PairwiseClients.Form(host), ("login_hint", null), ("id_token_hint", idToken)]);

        using (Assert.EnterMultipleScope())
        {
            Refusal.Says(answer, "invalid_request");
            Assert.That(answer.Description, Is.EqualTo("The pairwise sub in this client's ID Tokens cannot be turned back into a user: send login_hint."));
            Assert.That(host.Users.Hints, Has.Count.EqualTo(hints), "the host's look-up is not asked for what it cannot know");
        }
    }

    [TestCase("ES256"), TestCase("PS256"), TestCase("RS256"), Spec("A13")]
    public async Task An_ID_Token_in_the_clients_own_algorithm_is_accepted(string algorithm)
    {
        var client = CibaHost.Client("client");
        client.IdTokenSignedResponseAlg = algorithm;
        await using var host = new CibaHost { Clients = [client] };
        var idToken = (await host.TokensAsync()).Text("id_token");

        var answer = await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", idToken));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    [Test, Spec("A13")]
    public async Task An_ID_Token_of_a_user_who_is_gone_is_unknown_and_of_one_locked_is_denied()
    {
        await using var host = new CibaHost();
        var idToken = (await host.TokensAsync()).Text("id_token");

        host.Users.Lock("alice");
        var locked = await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", idToken));
        host.Users.Names.Remove("alice");
        var gone = await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", idToken));

        Refusal.Says(locked, "access_denied", 403);
        Refusal.Says(gone, "unknown_user_id");
    }

    public static IEnumerable<TestCaseData> ForgedHints()
    {
        yield return Case("a token for somebody else", (forger, _) => forger.Sign(claims => claims["aud"] = "other"));
        yield return Case("a token for several others", (forger, _) => forger.Sign(claims => claims["aud"] = new JsonArray("other", "third")));
        yield return Case("a token for nobody", (forger, _) => forger.Sign(claims => claims.Remove("aud")));
        yield return Case("an audience that is no string", (forger, _) => forger.Sign(claims => claims["aud"] = 1));
        yield return Case("another issuer", (forger, _) => forger.Sign(claims => claims["iss"] = "https://evil.example"));
        yield return Case("our issuer with a slash", (forger, _) => forger.Sign(claims => claims["iss"] = $"{CibaHost.Issuer}/"));
        yield return Case("no issuer", (forger, _) => forger.Sign(claims => claims.Remove("iss")));
        yield return Case("no subject", (forger, _) => forger.Sign(claims => claims.Remove("sub")));
        yield return Case("an empty subject", (forger, _) => forger.Sign(claims => claims["sub"] = ""));
        yield return Case("a subject that is no string", (forger, _) => forger.Sign(claims => claims["sub"] = 7));
        yield return Case("the type of an access token", (forger, _) => forger.Sign(header: header => header["typ"] = "at+jwt"));
        yield return Case("the type of a logout token", (forger, _) => forger.Sign(header: header => header["typ"] = "logout+jwt"));
        yield return Case("a type that is no string", (forger, _) => forger.Sign(header: header => header["typ"] = 1));
        yield return Case("our access token", (_, tokens) => tokens.Text("access_token")!);
        yield return Case("another key", (_, _) => new TokenForger().Sign());
        yield return Case("no signature", (forger, _) => $"{Unsigned(forger.Sign())}.");
        yield return Case("two parts", (forger, _) => Unsigned(forger.Sign()));
        yield return Case("four parts", (forger, _) => $"{forger.Sign()}.e30");
        yield return Case("a subject changed after signing", (forger, _) => $"{Unsigned(forger.Sign(claims => claims["sub"] = "sub-bob"))}.{forger.Sign().Split('.')[2]}");
        yield return Case("a signature cut off", (forger, _) => forger.Sign()[..^8]);
        yield return Case("a signature of an impossible length", (forger, _) => $"{forger.Sign()}AAA");
        yield return Case("a header of an impossible length", (_, _) => "aaaaa.e30.e30");
        yield return Case("a last character with bits too many", (_, _) => "e31.e30.e30");
        yield return Case("padding", (forger, _) => $"{forger.Sign()}==");
        yield return Case("alg none", (forger, _) => $"{Unsigned(forger.Sign(header: header => header["alg"] = "none"))}.");
        yield return Case("alg none with a signature", (forger, _) => forger.Sign(header: header => header["alg"] = "none"));
        yield return Case("alg of another key type", (forger, _) => forger.Sign(header: header => header["alg"] = "RS256"));
        yield return Case("alg absent", (forger, _) => forger.Sign(header: header => header.Remove("alg")));
        yield return Case("an HMAC with the public key", (forger, _) => TokenForger.SignHs256(forger.PublicKeyText));
        yield return Case("an HMAC with the client's secret", (_, _) => TokenForger.SignHs256(Encoding.UTF8.GetBytes(CibaHost.Secret)));
        yield return Case("a critical header", (forger, _) => forger.Sign(header: header => header["crit"] = new JsonArray("x")));
        yield return Case("a claim twice", (forger, _) => forger.SignRaw($$"""{"iss":"{{CibaHost.Issuer}}","aud":"client","sub":"sub-bob","sub":"sub-alice"}"""));
        yield return Case("half a surrogate pair in the subject", (forger, _) => forger.SignRaw($$"""{"iss":"{{CibaHost.Issuer}}","aud":"client","sub":"\ud800"}"""));
        yield return Case("claims that are no object", (forger, _) => forger.SignRaw("[]"));
        yield return Case("claims that are no JSON", (forger, _) => forger.SignRaw("{"));
        yield return Case("deeply nested claims", (forger, _) => forger.SignRaw($"{new string('[', 5000)}{new string(']', 5000)}"));
        yield return Case("garbage", (_, _) => "garbage");
        yield return Case("dots", (_, _) => "..");

        static string Unsigned(string token) => token[..token.LastIndexOf('.')];
        static TestCaseData Case(string name, Func<TokenForger, Answer, string> make) => new TestCaseData(make).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(ForgedHints)), Spec("A13")]
    public async Task Anything_but_an_ID_Token_of_ours_for_this_client_is_refused(Func<TokenForger, Answer, string> make)
    {
        using var forger = new TokenForger();
        await using var host = new CibaHost
        {
            Tokens = options =>
            {
                options.SigningCredentials = [forger.Credentials];

                // Even an access token that says it is for the client is none of its ID Tokens.
                options.AccessTokenAudience = "client";
            },
        };
        var tokens = await host.TokensAsync();
        await host.Devices.NextAsync();
        var hints = host.Users.Hints.Count;

        var right = await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", forger.Sign()));
        await host.Devices.NextAsync();
        var answer = await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", make(forger, tokens)));

        Refusal.Says(answer, "invalid_request");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(right.Status, Is.EqualTo(HttpStatusCode.OK), "the token without the fault");
            Assert.That(answer.Description, Is.EqualTo("The id_token_hint is not an ID Token that this provider issued to this client."));
            Assert.That(host.Users.Hints, Has.Count.EqualTo(hints + 1), "the host is asked about checked tokens only");
        }
    }

    [Test, Spec("A13")]
    public async Task Another_clients_ID_Token_is_refused()
    {
        await using var host = new CibaHost();
        var idToken = (await host.TokensAsync()).Text("id_token");

        var answer = await host.AuthorizeAsync(("client_id", "other"), ("login_hint", null), ("id_token_hint", idToken));

        Refusal.Says(answer, "invalid_request");
    }

    [Test, Spec("A13")]
    public async Task Without_keys_to_check_it_with_an_id_token_hint_is_refused()
    {
        await using var host = new CibaHost
        {
            Setup = ciba => ciba.Services.Remove(ciba.Services.Single(service => service.ServiceType == typeof(ICibaSigningKeys))),
        };

        var answer = await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", "a.b.c"));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo("id_token_hint is not supported here: send login_hint."));
    }
}
