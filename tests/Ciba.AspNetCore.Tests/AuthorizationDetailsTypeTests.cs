using System.Net;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 9396: which types of authorization details there are, and whatever else a client may send in their place.</summary>
public sealed class AuthorizationDetailsTypeTests
{
    private const int Runs = 300;

    private static readonly Gen<string> Text = Gen.Elements(
        "payment", "type", "", "a", "b", "c d", "\\t", "\\n", "日本", "0", "Zoë", "{}", "\\ud800", "\\udc00\\ud800", "\\u0000", "\\ud83d\\ude00", "\\\"", "ü", "\uFFFE", "\u202E", "\\u0074ype", "\\x");

    [Test, Spec("D5")]
    public async Task Discovery_lists_the_types_where_there_are_any()
    {
        await using var none = new CibaHost();
        await using var some = new CibaHost { Options = options => options.AuthorizationDetailsTypesSupported = ["payment", "https://example.com/account"] };

        var without = await none.SendAsync(HttpMethod.Get, "/.well-known/openid-configuration");
        var with = await some.SendAsync(HttpMethod.Get, "/.well-known/openid-configuration");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(without.Json.TryGetProperty("authorization_details_types_supported", out _), Is.False);
            Assert.That(with.Json.GetProperty("authorization_details_types_supported").GetRawText(), Is.EqualTo("""["payment","https://example.com/account"]"""));
        }
    }

    [Test, Spec("D7")]
    public async Task A_clients_type_that_is_not_known_is_named_at_the_start()
    {
        var client = CibaHost.Client("shop");
        client.AuthorizationDetailsTypes = ["payment", "paiment"];
        await using var host = new CibaHost { Clients = [client], Options = options => options.AuthorizationDetailsTypesSupported = ["payment"] };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[]
        {
            "Client 'shop': AuthorizationDetailsTypes holds 'paiment'; add it to CibaOptions.AuthorizationDetailsTypesSupported, or leave it out.",
        }));
    }

    [TestCase(null), TestCase(""), Spec("D7")]
    public async Task A_type_without_a_name_is_refused_at_the_start(string? type)
    {
        var client = CibaHost.Client("shop");
        client.AuthorizationDetailsTypes = type is null ? null! : [type];
        await using var host = new CibaHost { Clients = [client], Options = options => options.AuthorizationDetailsTypesSupported = [""] };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[]
        {
            "CibaOptions: AuthorizationDetailsTypesSupported has an empty entry; leave it out.",
            "Client 'shop': AuthorizationDetailsTypes is null or has an empty entry; leave it out, or give it a list of types.",
        }));
    }

    [Test, Spec("D7")]
    public async Task The_list_of_known_types_is_a_list()
    {
        await using var host = new CibaHost { Options = options => options.AuthorizationDetailsTypesSupported = null! };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Does.Contain("CibaOptions: AuthorizationDetailsTypesSupported must be a list."));
    }

    [Test, Spec("A18"), Spec("A20")]
    public async Task Whatever_is_sent_is_taken_or_refused_and_what_is_taken_can_be_shown_and_granted()
    {
        var client = CibaHost.Client("client");
        client.AuthorizationDetailsTypes = ["payment"];
        await using var host = new CibaHost
        {
            Clients = [client],
            Options = options =>
            {
                options.AuthorizationDetailsTypesSupported = ["payment"];
                options.Limits.SwitchOff();
            },
        };
        await host.StartedAsync();
        var taken = 0;

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(Runs), Prop.ForAll(Details().ToArbitrary(), json =>
        {
            var answer = host.AuthorizeAsync(("authorization_details", json)).GetAwaiter().GetResult();
            if (answer.Status != HttpStatusCode.OK)
            {
                Refusal.Says(answer, "invalid_authorization_details");
                return true;
            }

            taken++;
            var shown = host.DeviceAsync(HttpMethod.Get, $"/requests/{CibaRequestId.FromAuthReqId(answer.AuthReqId)}", "alice").GetAwaiter().GetResult();
            var echo = $$"""{"authorization_details":{{shown.Json.GetProperty("authorization_details").GetRawText()}}}""";
            var approved = host.DeviceAsync(HttpMethod.Post, $"/requests/{CibaRequestId.FromAuthReqId(answer.AuthReqId)}/approve", "alice", echo).GetAwaiter().GetResult();
            var tokens = host.PollAsync(answer.AuthReqId).GetAwaiter().GetResult();
            return approved.Status == HttpStatusCode.NoContent
                && JsonElement.DeepEquals(tokens.Json.GetProperty("authorization_details"), JsonElement.Parse(json))
                && JsonElement.DeepEquals(ReceivedToken.Access(tokens).Claims.GetProperty("authorization_details"), JsonElement.Parse(json));
        }));

        Assert.That(taken, Is.InRange(Runs / 20, Runs * 19 / 20), "some of both");
    }

    private static Gen<string> Details() => Gen.Frequency(
        (1, Value(3)),
        (1, ArbMap.Default.GeneratorFor<NonEmptyString>().Select(text => text.Get)),
        (6, Gen.ListOf(
            from members in Members(3)
            select $$"""{"type":"payment"{{string.Concat(members.Select(member => $",{member}"))}}}""").Select(details => $"[{string.Join(',', details)}]")));

    private static Gen<string> Value(int depth)
    {
        var plain = Gen.OneOf(
            Gen.Elements("null", "true", "1", "-0", "1.50", "1e400", "1E-9", "12345678901234567890", "01", "NaN"),
            Text.Select(text => $"\"{text}\""));
        return depth == 0 ? plain : Gen.Frequency(
            (3, plain),
            (1, Gen.ListOf(Value(depth - 1)).Select(values => $"[{string.Join(',', values.Take(3))}]")),
            (1, Members(depth - 1).Select(members => $"{{{string.Join(',', members)}}}")));
    }

    private static Gen<List<string>> Members(int depth) => Gen.ListOf(
        from name in Gen.Frequency((1, Text), (3, Gen.Choose(1, 1000).Select(number => $"name{number}")))
        from value in Value(depth)
        select $"\"{name}\":{value}").Select(members => members.Take(3).ToList());
}
