using System.Net;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace Ciba.AspNetCore.Tests;

/// <summary>Whatever arrives: never a server error, nothing stored that was not accepted, every error as section 13 has it.</summary>
[Spec("A18"), Spec("A20"), Spec("T9")]
public sealed class RandomInputTests
{
    private const int Runs = 400;

    // What parsers stumble over.
    private static readonly string[] Nasty =
    [
        "", " ", "\0", "\r\n", "\"", "\\", "%", "%00", "%zz", "+", "&", "=", ";", "ü", "\uFFFD", "\uFFFE", "\u202E", "\u200B", "😀", "-1", "0", "1e9", "99999999999999999999", "null", "true", "{}", "[]",
        "{\"a\":", "<script>", "' or 1=1 --", "../../etc", "${jndi:x}", new('a', 65), new('a', 1025), new('a', 20_000), new('a', 70_000), "a.b.c", "..", "eyJhbGciOiJub25lIn0.e30.",
        "openid openid", "openid  email", "openid\temail", "urn:ietf:params:oauth:grant-type:ciba", "authorization_code",
    ];

    private static readonly string[] Names =
    [
        "client_id", "client_secret", "client_assertion", "client_assertion_type", "scope", "login_hint", "login_hint_token", "id_token_hint", "binding_message", "user_code",
        "requested_expiry", "acr_values", "request", "request_uri", "client_notification_token", "grant_type", "auth_req_id", "Scope", "unknown", "",
    ];

    private static readonly Gen<string> Text = Gen.OneOf(
        Gen.Elements(Nasty),
        ArbMap.Default.GeneratorFor<string>().Select(text => text ?? ""),
        Gen.ArrayOf(Gen.Choose(0, 0xFFFF)).Select(codes => string.Concat(codes.Select(code => (char)code))),
        Gen.Elements("alice", "bob", "openid", "openid email", "60", "client", "basic", CibaHost.Secret, CibaHost.GrantType, ClientCalls.UnknownRequest));

    private static readonly Gen<(string Name, string Value)[]> Changes = Few(
        from name in Gen.Frequency((9, Gen.Elements(Names)), (1, Text))
        from value in Text
        select (name, value));

    private static readonly Gen<string> Header = Gen.OneOf(
        Text.Select(text => $"Basic {text}"),
        Text.Select(ClientCalls.Basic),
        Text.Select(text => ClientCalls.Basic($"basic:{text}")),
        Text.Select(text => ClientCalls.Basic($"{text}:{CibaHost.Secret}")),
        Gen.ArrayOf(Gen.Choose(0, 255)).Select(bytes => $"Basic {Convert.ToBase64String([.. bytes.Select(value => (byte)value)])}"),
        Text,
        Gen.Constant(ClientCalls.Basic($"basic:{CibaHost.Secret}")));

    private static readonly Gen<string> Json = Gen.Frequency(
        (3, Gen.Elements("null", "true", "1", "-1", "1.5", "1e400", "1e-400", "253402300799", "\"\"", "\"client\"", "\"\\ud800\"", "\"\\u0000\"", "[]", "{}", "[[[[]]]]", "{\"a\":1,\"a\":2}", "[\"https://id.example.com\"]", "")),
        (1, Text.Select(JsonText)),
        (1, Text));

    private static readonly Gen<(string Name, string Json)[]> Claims = Few(
        from name in Gen.Frequency((9, Gen.Elements("iss", "sub", "aud", "exp", "iat", "nbf", "jti", "x", "\\ud800", "\\u0069ss", "")), (1, Text.Select(text => JsonText(text)[1..^1])))
        from json in Json
        select (name, json));

    private static readonly Gen<(string Name, string Json)[]> HeaderMembers = Few(
        from name in Gen.Elements("alg", "typ", "kid", "crit", "jwk", "x")
        from json in Gen.OneOf(Json, Gen.Elements("\"HS256\"", "\"HS512\"", "\"ES256\"", "\"none\"", "\"JWT\""))
        select (name, json));

    private static readonly Gen<Func<string, string>> Damage = Gen.Frequency(
        (4, Gen.Constant<Func<string, string>>(text => text)),
        (1, from at in Gen.Choose(0, 10_000) from more in Text select (Func<string, string>)(text => text.Insert(at % (text.Length + 1), more))),
        (1, from at in Gen.Choose(0, 10_000) from length in Gen.Choose(1, 50) select (Func<string, string>)(text => text.Remove(at % text.Length, Math.Min(length, text.Length - (at % text.Length))))));

    [Test]
    public void Random_forms() => Throw(
        from endpoint in Endpoint
        from changes in Changes
        select ((Func<CibaHost, Task<Answer>>)(host => host.PostAsync(endpoint, Right(endpoint, ("client_id", "client"), ("client_secret", CibaHost.Secret), changes))), $"{endpoint} {Show(changes)}"));

    // Where globalization is not invariant, string normalisation throws at the first of them.
    [Test, Spec("A9")]
    public async Task Noncharacters_are_no_binding_message([Values(0xFFFE, 0xFFFF, 0xFDD0, 0x1FFFE)] int code)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("binding_message", $"a{new Rune(code)}b"));

        Assert.That((answer.Status, answer.Error), Is.EqualTo((HttpStatusCode.BadRequest, "invalid_binding_message")));
    }

    [Test]
    public void Random_bodies() => Throw(
        from endpoint in Endpoint
        from contentType in Gen.Frequency(
            (6, Gen.Constant("application/x-www-form-urlencoded")),
            (2, Gen.Elements("application/x-www-form-urlencoded; charset=utf-8", "application/x-www-form-urlencoded;charset=utf-16", "multipart/form-data", "multipart/form-data; boundary=x", "application/json", "text/plain", ";", "")))
        from damage in Damage
        from tail in Gen.OneOf(Gen.Constant(Array.Empty<int>()), Gen.ArrayOf(Gen.Choose(0, 255)))
        select ((Func<CibaHost, Task<Answer>>)(host => host.SendAsync(HttpMethod.Post, endpoint, Body(damage("client_id=client&client_secret=" + CibaHost.Secret + "&scope=openid&login_hint=alice&grant_type=x"), tail, contentType))), $"{endpoint} {contentType} {string.Join(',', tail)}"));

    [Test]
    public void Random_Authorization_headers() => Throw(
        from endpoint in Endpoint
        from headers in Gen.Frequency((5, Header.Select(header => new[] { header })), (1, Header.Two().Select(two => new[] { two.Item1, two.Item2 })))
        from changes in Gen.Frequency((3, Gen.Constant(Array.Empty<(string Name, string Value)>())), (1, Changes))
        select ((Func<CibaHost, Task<Answer>>)(host => host.CallAsync(endpoint, headers, [.. changes.Select(change => (change.Name, (string?)change.Value))])), $"{endpoint} {Show(headers)} {Show(changes)}"));

    [Test]
    public void Random_assertions() => Throw(
        from endpoint in Endpoint
        from client in Gen.Elements("mac", "key")
        from header in HeaderMembers
        from claims in Claims
        from damage in Damage
        select ((Func<CibaHost, Task<Answer>>)(host => host.CallAsync(endpoint, [], TestJwt.Form(damage(Assertion(host, client, header, claims))))), $"{endpoint} {client} {Show(header)} {Show(claims)}"));

    [Test]
    public void Random_calls_of_the_device()
    {
        var calls =
            from path in Gen.Elements("/requests/{0}", "/requests/{0}/approve", "/requests/{0}/deny")
            from post in Gen.Elements(true, true, false)
            from id in Gen.OneOf(Text.Select(text => text.Length > 1000 ? text[..1000] : text), Gen.Constant(ClientCalls.UnknownRequest), Gen.Constant("right"))
            from user in Gen.Elements("alice", "bob", null)
            from body in Gen.OneOf(Text, Json.Select(json => $"{{\"scope\":{json}}}"), Gen.Constant<string>(""))
            select (path, post, id, user, body);
        RunAsync((_, host) =>
        {
            var right = CibaRequestId.FromAuthReqId(host.AuthorizeAsync().GetAwaiter().GetResult().AuthReqId)!;
            Check.One(Config.QuickThrowOnFailure.WithMaxTest(Runs), Prop.ForAll(calls.ToArbitrary(), call =>
            {
                var path = call.path.Replace("{0}", Uri.EscapeDataString(call.id == "right" ? right : Sendable(call.id)), StringComparison.Ordinal);
                var answer = host.DeviceAsync(call.post ? HttpMethod.Post : HttpMethod.Get, path, call.user, call.post ? Sendable(call.body) : null).GetAwaiter().GetResult();
                return (int)answer.Status < 500;
            }));
        }).GetAwaiter().GetResult();
    }

    private static Gen<string> Endpoint => Gen.Elements(ClientCalls.Authorize, ClientCalls.Token);

    private static Gen<T[]> Few<T>(Gen<T> one) => Gen.Choose(0, 3).SelectMany(count => one.ArrayOf(count));

    private static void Throw(Gen<(Func<CibaHost, Task<Answer>> Send, string Shown)> requests) => RunAsync((store, host) =>
    {
        var accepted = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(Runs), Prop.ForAll(requests.ToArbitrary(), request =>
        {
            var before = store.Count;
            var answer = request.Send(host).GetAwaiter().GetResult();
            accepted += answer.Status == HttpStatusCode.OK ? 1 : 0;
            return Problem(answer, store.Count - before) is not { } problem ? true.ToProperty() : false.Label($"{problem}: {(int)answer.Status} {answer.Body} {Show([request.Shown])}");
        }));

        // Almost right is what gets deep: of hundreds, some are right.
        Assert.That(accepted, Is.Positive);
    }).GetAwaiter().GetResult();

    private static async Task RunAsync(Action<MemoryCibaRequestStore, CibaHost> run)
    {
        await using var host = new CibaHost
        {
            Clients = [CibaHost.Client("client"), CibaHost.Client("basic", CibaClientAuthenticationMethods.ClientSecretBasic), ClientCalls.MacClient("mac"), ClientCalls.KeyClient("key", TestKey.Set(TestKey.For("ES256").Jwk()))],
            Options = options => options.Limits.SwitchOff(),
        };
        run(await host.StoreAsync(), host);
    }

    private static string? Problem(Answer answer, int stored)
    {
        if ((int)answer.Status is not (200 or 400 or 401 or 403))
        {
            return "a status that is not expected";
        }

        if (stored != ((int)answer.Status == 200 ? 1 : 0))
        {
            return $"{stored} requests stored";
        }

        if ((int)answer.Status == 200)
        {
            return null;
        }

        var members = answer.Json.EnumerateObject().ToDictionary(member => member.Name, member => member.Value.GetString()!);
        return answer.Header("Content-Type") != "application/json" ? "not JSON"
            : !members.Keys.Order().SequenceEqual(["error", "error_description"]) ? "other members"
            : members.Values.Any(text => text.Length == 0 || text.Any(c => c is < ' ' or > '~' or '"' or '\\')) ? "characters that are not allowed"
            : (int)answer.Status == 401 != (members["error"] == "invalid_client") ? "a status that does not go with the error"
            : null;
    }

    private static IEnumerable<(string Name, string? Value)> Right(string endpoint, (string, string?) id, (string, string?) secret, (string Name, string Value)[] changes)
    {
        (string Name, string? Value)[] right = endpoint == ClientCalls.Authorize
            ? [id, secret, ("scope", "openid"), ("login_hint", "alice")]
            : [id, secret, ("grant_type", CibaHost.GrantType), ("auth_req_id", ClientCalls.UnknownRequest)];

        // Now and then both stay: a parameter that is there twice.
        return [.. right.Where(field => changes.All(change => change.Name != field.Name || change.Value.Length % 7 == 6)), .. changes.Select(change => (change.Name, (string?)change.Value))];
    }

    private static ByteArrayContent Body(string text, int[] tail, string contentType)
    {
        var content = new ByteArrayContent([.. Encoding.UTF8.GetBytes(text), .. tail.Select(value => (byte)value)]);
        content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        return content;
    }

    private static string Assertion(CibaHost host, string client, (string Name, string Json)[] header, (string Name, string Json)[] claims)
    {
        var jwt = new TestJwt(host, client);
        foreach (var (name, json) in header)
        {
            jwt.Header(name, json);
        }

        foreach (var (name, json) in claims)
        {
            _ = json.Length % 3 == 2 ? jwt.Again(name, json) : jwt.Claim(name, json);
        }

        return client == "mac" ? jwt.Mac(CibaHost.Secret) : jwt.Sign(TestKey.For("ES256"));
    }

    private static string JsonText(string text) => JsonSerializer.Serialize(text);

    // Half of a surrogate pair has no form in UTF-8, and the test server itself refuses a path with NUL, as Kestrel does.
    private static string Sendable(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace("\0", "", StringComparison.Ordinal);

    private static string Show<T>(IEnumerable<T> values)
    {
        var text = string.Join(" | ", values.Select(value => JsonText(value!.ToString()!)));
        return text.Length > 2000 ? text[..2000] : text;
    }
}
