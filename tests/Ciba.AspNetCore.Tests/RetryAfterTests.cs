using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>RFC 9110 section 10.2.3: whoever is told to come back later is told when.</summary>
public sealed class RetryAfterTests
{
    [Test, Spec("T3")]
    public async Task Slow_down_names_the_interval_that_it_has_made_longer()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        string?[] waits = [(await host.PollAsync(id)).Header("Retry-After"), (await host.PollAsync(id)).Header("Retry-After"), (await host.PollAsync(id)).Header("Retry-After")];
        host.Time.Advance(TimeSpan.FromSeconds(15));

        Assert.That((waits, (await host.PollAsync(id)).Error), Is.EqualTo((new[] { null, "10", "15" }, "authorization_pending")));
    }

    [Test, Spec("T3")]
    public async Task A_token_endpoint_of_the_hosts_own_learns_it_from_the_grant()
    {
        await using var host = new CibaHost();
        await using var scope = Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.CreateAsyncScope(await host.ServicesAsync());
        var grants = (ICibaGrants)scope.ServiceProvider.GetService(typeof(ICibaGrants))!;
        var id = (await host.AuthorizeAsync()).AuthReqId;

        CibaGrant[] polls = [await grants.RedeemAsync(id, "client", CancellationToken.None), await grants.RedeemAsync(id, "client", CancellationToken.None)];

        Assert.That(polls.Select(poll => poll.RetryAfter), Is.EqualTo(new TimeSpan?[] { null, TimeSpan.FromSeconds(10) }));
    }

    [Test]
    public async Task A_store_that_is_away_is_tried_again_after_the_polling_interval()
    {
        var store = new HookedStore();
        await using var host = new CibaHost { Setup = store.Use, Options = options => options.PollingInterval = TimeSpan.FromSeconds(7) };
        var id = (await host.AuthorizeAsync()).AuthReqId;
        store.Before = _ => throw new CibaStoreUnavailableException("The store does not answer.");

        Answer[] answers = [await host.AuthorizeAsync(), await host.PollAsync(id), await host.DeviceAsync(HttpMethod.Get, "/requests", "alice")];

        Assert.That(answers.Select(answer => (answer.Status, answer.Header("Retry-After"))), Is.All.EqualTo((HttpStatusCode.ServiceUnavailable, "7")));
    }

    [Test, Spec("A21")]
    public async Task A_device_that_could_not_be_notified_is_tried_again_later()
    {
        await using var host = new CibaHost { Options = options => options.DeviceNotification = CibaDeviceNotificationMode.BeforeAcknowledgement };
        host.Devices.OnNotify = (_, _) => throw new InvalidOperationException("The push service is down.");

        var answer = await host.AuthorizeAsync();

        Refusal.Says(answer, "temporarily_unavailable", 503);
        Assert.That(answer.Header("Retry-After"), Is.EqualTo("5"));
    }

    [TestCase(null, "5"), TestCase(90.2, "91"), TestCase(0.0, "1")]
    public async Task What_a_validator_of_the_host_refuses_for_a_while_says_how_long(double? seconds, string expected)
    {
        var error = new CibaError("temporarily_unavailable", "The bank is closed.", 503);
        await using var host = new CibaHost { Setup = ciba => ciba.Services.Add(new(typeof(ICibaRequestValidator), new Closed(seconds is { } wait ? error.WithRetryAfter(TimeSpan.FromSeconds(wait)) : error))) };

        var answer = await host.AuthorizeAsync();

        Assert.That((answer.Body, answer.Header("Retry-After")), Is.EqualTo(("""{"error":"temporarily_unavailable","error_description":"The bank is closed."}""", expected)));
    }

    [Test]
    public void Another_sentence_leaves_the_time_to_wait()
    {
        var error = CibaError.AccessDenied.WithRetryAfter(TimeSpan.FromSeconds(9));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((error.Error, error.Description, error.StatusCode), Is.EqualTo((CibaError.AccessDenied.Error, CibaError.AccessDenied.Description, 403)));
            Assert.That(error.With("Another sentence.").RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(9)));
            Assert.That(CibaError.AccessDenied.RetryAfter, Is.Null);
        }
    }

    [TestCase("client", "840"), TestCase("third", "900"), Spec("A10")]
    public async Task Too_many_wrong_codes_are_tried_again_when_they_no_longer_count(string client, string expected)
    {
        await using var host = new CibaHost { Clients = [Coded("client"), Coded("other"), Coded("third")], Options = options => options.MaxUserCodeFailures = 2 };
        host.Users.Codes["alice"] = "1234";
        await host.AuthorizeAsync(("user_code", "wrong"), ("client_id", "other"));
        host.Time.Advance(TimeSpan.FromMinutes(client == "third" ? 0 : 1));
        await host.AuthorizeAsync(("user_code", "wrong"));

        // Of its one try the client has none left; of the user's two there is none either.
        var ofClient = await host.AuthorizeAsync(("user_code", "1234"));
        var ofUser = await host.AuthorizeAsync(("user_code", "1234"), ("client_id", "third"));

        Assert.That(
            ((ofClient.Error, ofClient.Header("Retry-After")), (ofUser.Error, ofUser.Header("Retry-After"))),
            Is.EqualTo((("access_denied", "900"), ("access_denied", expected))));
    }

    [TestCase("PendingPerUser"), TestCase("PendingPerUserAndClient"), Spec("U5")]
    public async Task A_users_limit_is_tried_again_when_the_first_request_has_expired(string limit)
    {
        await using var host = new CibaHost
        {
            Options = options => (options.Limits.PendingPerUser, options.Limits.PendingPerUserAndClient) = limit == "PendingPerUser" ? (2, 0) : (0, 2),
        };
        await host.AuthorizeAsync(("requested_expiry", "100"));
        await host.AuthorizeAsync(("requested_expiry", "60"));
        host.Time.Advance(TimeSpan.FromSeconds(0.1));

        var answer = await host.AuthorizeAsync();
        host.Time.Advance(TimeSpan.FromSeconds(60));

        Assert.That(
            (answer.Error, answer.Header("Retry-After"), (await host.AuthorizeAsync()).Status),
            Is.EqualTo(("access_denied", "60", HttpStatusCode.OK)));
    }

    private static CibaClient Coded(string id)
    {
        var client = CibaHost.Client(id);
        client.BackchannelUserCodeParameter = true;
        return client;
    }

    private sealed class Closed(CibaError error) : ICibaRequestValidator
    {
        public ValueTask<CibaError?> ValidateAsync(CibaRequest request, CibaClient client, CancellationToken cancellationToken) => new(error);
    }
}
