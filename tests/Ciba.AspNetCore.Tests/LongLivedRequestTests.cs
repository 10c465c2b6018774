using System.Net;
using Ciba.AspNetCore.Callbacks;

namespace Ciba.AspNetCore.Tests;

/// <summary>Requests that live for days, as approvals by e-mail do.</summary>
public sealed class LongLivedRequestTests
{
    private const string ThreeDays = "259200";

    [Test, Spec("A11"), Spec("T4")]
    public async Task A_request_may_live_for_days()
    {
        await using var host = Host();
        var approved = await host.AuthorizeAsync(("requested_expiry", ThreeDays));
        var expired = await host.AuthorizeAsync(("requested_expiry", ThreeDays));
        var capped = await host.AuthorizeAsync(("requested_expiry", "99999999"));

        host.Time.Advance(TimeSpan.FromDays(3) - TimeSpan.FromSeconds(1));
        await host.ApproveAsync(approved.AuthReqId);
        var tokens = await host.PollAsync(approved.AuthReqId);
        var pending = await host.PollAsync(expired.AuthReqId);
        host.Time.Advance(TimeSpan.FromSeconds(1));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(approved.Body, Is.EqualTo($$"""{"auth_req_id":"{{approved.AuthReqId}}","expires_in":259200,"interval":5}"""));
            Assert.That(capped.Json.GetProperty("expires_in").GetInt32(), Is.EqualTo(2592000));
            Assert.That((tokens.Status, pending.Error), Is.EqualTo((HttpStatusCode.OK, "authorization_pending")));
            Assert.That((await host.PollAsync(expired.AuthReqId)).Error, Is.EqualTo("expired_token"));
        }
    }

    [Test, Spec("A21")]
    public async Task A_device_that_cannot_be_notified_is_tried_less_and_less_often()
    {
        await using var host = Host(options =>
        {
            options.RequestLifetime = TimeSpan.FromDays(3);
            options.Limits.SwitchOff();
        });
        host.Devices.OnNotify = (_, _) => throw new InvalidOperationException("The mail server is down.");

        await host.AuthorizeAsync();
        foreach (var wait in new[] { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 2160, 2160 })
        {
            await host.WaitedAsync(wait);
        }
    }

    [TestCase(10, 30), TestCase(60, 30), TestCase(120, 60), TestCase(43_200, 3600)]
    public void The_longest_wait_follows_from_the_life_of_the_request(int minutes, int longest) =>
        Assert.That(new RetryWaits(jitter: 0).After(1000, TimeSpan.FromMinutes(minutes)), Is.EqualTo(TimeSpan.FromSeconds(longest)));

    [Test]
    public async Task Resends_are_counted_for_the_whole_life_of_the_request()
    {
        await using var host = Host(options => (options.MaxResends, options.ClientsMayResend) = (2, true));
        var id = (await host.AuthorizeAsync(("requested_expiry", ThreeDays))).AuthReqId;
        var answers = new List<HttpStatusCode>();
        for (var day = 0; day < 3; day++)
        {
            answers.Add((await host.PostAsync("/bc-authorize/resend", [("client_id", "client"), ("client_secret", CibaHost.Secret), ("auth_req_id", id)])).Status);
            host.Time.Advance(TimeSpan.FromHours(20));
        }

        Assert.That(answers, Is.EqualTo(new[] { HttpStatusCode.NoContent, HttpStatusCode.NoContent, HttpStatusCode.TooManyRequests }));
    }

    private static CibaHost Host(Action<CibaOptions>? change = null) => new()
    {
        Options = options =>
        {
            options.MaxRequestLifetime = TimeSpan.FromDays(30);
            change?.Invoke(options);
        },
    };
}
