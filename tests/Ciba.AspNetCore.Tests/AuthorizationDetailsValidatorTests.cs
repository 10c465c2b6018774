using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 9396 section 5: the host says what objects of a type must hold.</summary>
public sealed class AuthorizationDetailsValidatorTests
{
    private const string Payment = """{"type":"payment_initiation","amount":1.50}""";
    private const string Account = """{"type":"account","actions":["read"]}""";

    private readonly Seen _seen = new();

    [Test, Spec("I6")]
    public async Task Each_object_is_shown_to_the_validator_of_its_type_in_order()
    {
        await using var host = Host();

        var answer = await host.AuthorizeAsync(("authorization_details", $"[{Payment},{Account},{Payment}]"), ("scope", "openid profile"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
            Assert.That(_seen.Calls, Is.EqualTo(new[]
            {
                $"payment_initiation {Payment} sub-alice openid profile client",
                $"account {Account} sub-alice openid profile client",
                $"payment_initiation {Payment} sub-alice openid profile client",
            }));
        }
    }

    [TestCase("amount must be positive, in the account's currency.", "amount must be positive, in the account's currency.")]
    [TestCase("say \"no\" to Ärger", "say ?no? to ?rger"), TestCase("", "The authorization_details are not acceptable."), Spec("A20"), Spec("A18")]
    public async Task A_refusal_goes_to_the_client_and_leaves_nothing(string problem, string description)
    {
        await using var host = Host();
        _seen.Problem = detail => detail.GetProperty("type").GetString() == "account" ? problem : null;

        var answer = await host.AuthorizeAsync(("authorization_details", $"[{Payment},{Account}]"));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_authorization_details");
        Assert.That(answer.Description, Is.EqualTo(description));
    }

    [Test, Spec("A20")]
    public async Task Nobody_is_asked_behind_a_refusal()
    {
        await using var host = Host(ciba => ciba.AddRequestValidator<NotReached>());
        _seen.Problem = _ => "no";

        var answer = await host.AuthorizeAsync(("authorization_details", $"[{Payment},{Account}]"));

        Refusal.Says(answer, "invalid_authorization_details");
        Assert.That(_seen.Calls, Has.Count.EqualTo(1));
    }

    [Test, Spec("A18"), Spec("A20")]
    public async Task A_validator_that_fails_is_the_providers_fault_and_leaves_nothing()
    {
        await using var host = Host();
        _seen.Problem = _ => throw new InvalidOperationException("for the operator");

        var answer = await host.AuthorizeAsync(("authorization_details", $"[{Payment}]"));

        await Refusal.LeavesNothingAsync(host, answer, "server_error", 500);
    }

    [TestCase("[{\"type\":\"consent\"}]", TestName = "{m}(not the client's)"), TestCase("[{\"type\":\"other\"}]", TestName = "{m}(not known)"), Spec("A20")]
    public async Task What_the_client_may_not_ask_for_no_validator_sees(string json)
    {
        await using var host = Host(ciba => ciba.AddAuthorizationDetailsType<Recording>("consent"));

        var answer = await host.AuthorizeAsync(("authorization_details", json));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_authorization_details");
        Assert.That(_seen.Calls, Is.Empty);
    }

    [Test]
    public async Task A_type_without_a_validator_is_taken_as_it_is()
    {
        await using var host = Host();

        var answer = await host.AuthorizeAsync(("authorization_details", """[{"type":"plain","anything":[]}]"""));

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
        Assert.That(_seen.Calls, Is.Empty);
    }

    [Test, Spec("D5")]
    public async Task Discovery_lists_the_types_behind_those_of_the_options_each_once()
    {
        // Options that are set afterwards, and a list that cannot grow.
        await using var host = Host(ciba => ciba.Services.Configure<CibaOptions>(options => options.AuthorizationDetailsTypesSupported = new[] { "plain", "account" }));

        var answer = await host.SendAsync(HttpMethod.Get, "/.well-known/openid-configuration");

        Assert.That(answer.Json.GetProperty("authorization_details_types_supported").GetRawText(), Is.EqualTo("""["plain","account","payment_initiation"]"""));
    }

    [Test]
    public void A_type_has_one_validator()
    {
        var ciba = new ServiceCollection().AddCiba().AddAuthorizationDetailsType<Recording>("payment").AddAuthorizationDetailsType<Recording>("Payment");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => ciba.AddAuthorizationDetailsType<Recording>("payment"), Throws.InvalidOperationException.With.Message.EqualTo(
                "AddAuthorizationDetailsType was called before for 'payment': a type has one validator."));
            Assert.That(() => ciba.AddAuthorizationDetailsType<Recording>(""), Throws.ArgumentException);
        }
    }

    [TestCase(true, 1), TestCase(false, 2)]
    public async Task A_validator_is_made_for_each_request_unless_the_host_registered_it_otherwise(bool isSingleton, int made)
    {
        var client = CibaHost.Client("client");
        client.AuthorizationDetailsTypes = ["counted"];
        await using var host = new CibaHost
        {
            Clients = [client],
            Setup = ciba =>
            {
                ciba.Services.AddSingleton(_seen);
                if (isSingleton)
                {
                    ciba.Services.AddSingleton<Counted>();
                }

                ciba.AddAuthorizationDetailsType<Counted>("counted");
            },
        };

        for (var i = 0; i < 2; i++)
        {
            await host.AuthorizeAsync(("authorization_details", """[{"type":"counted"},{"type":"counted"}]"""));
        }

        Assert.That(_seen.Instances.Distinct().Count(), Is.EqualTo(made));
    }

    [TestCase(32, true), TestCase(33, false), Spec("A20")]
    public async Task There_are_only_so_many_objects(int count, bool isTaken)
    {
        await using var host = Host();

        var answer = await host.AuthorizeAsync(("authorization_details", $"[{string.Join(',', Enumerable.Repeat(Payment, count))}]"));

        if (isTaken)
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
            return;
        }

        await Refusal.LeavesNothingAsync(host, answer, "invalid_authorization_details");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Description, Is.EqualTo("authorization_details has too many objects: 32 at most."));
            Assert.That(_seen.Calls, Is.Empty);
        }
    }

    private CibaHost Host(Action<CibaBuilder>? setup = null)
    {
        var client = CibaHost.Client("client");
        client.AuthorizationDetailsTypes = ["payment_initiation", "account", "plain"];
        return new CibaHost
        {
            Clients = [client],
            Options = options => options.AuthorizationDetailsTypesSupported = ["plain"],
            Setup = ciba =>
            {
                ciba.Services.AddSingleton(_seen);
                ciba.AddAuthorizationDetailsType<Recording>("payment_initiation").AddAuthorizationDetailsType<Recording>("account");
                setup?.Invoke(ciba);
            },
        };
    }

    private sealed class Seen
    {
        public ConcurrentQueue<string> Calls { get; } = new();

        public ConcurrentQueue<object> Instances { get; } = new();

        public Func<JsonElement, string?> Problem { get; set; } = _ => null;
    }

    private sealed class Recording(Seen seen, [ServiceKey] string type) : ICibaAuthorizationDetailsValidator
    {
        public ValueTask<string?> FindProblemAsync(JsonElement detail, CibaRequest request, CibaClient client, CancellationToken cancellationToken)
        {
            seen.Calls.Enqueue($"{type} {detail.GetRawText()} {request.Subject} {string.Join(' ', request.Scopes)} {client.ClientId}");
            return new(seen.Problem(detail));
        }
    }

    private sealed class Counted(Seen seen) : ICibaAuthorizationDetailsValidator
    {
        public ValueTask<string?> FindProblemAsync(JsonElement detail, CibaRequest request, CibaClient client, CancellationToken cancellationToken)
        {
            seen.Instances.Enqueue(this);
            return new((string?)null);
        }
    }

    private sealed class NotReached : ICibaRequestValidator
    {
        public ValueTask<CibaError?> ValidateAsync(CibaRequest request, CibaClient client, CancellationToken cancellationToken) => throw new AssertionException("asked all the same");
    }
}
