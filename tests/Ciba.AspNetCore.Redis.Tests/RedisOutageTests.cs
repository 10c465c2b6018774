using System.Net;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>Redis lost in flight: 503 in time, never a wrong word, and on return everything that was acknowledged is there.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
public sealed class RedisOutageTests(string kind) : RedisOutage(kind)
{
    [Test]
    public async Task Every_endpoint_is_answered_503_when_its_time_is_over_and_no_later()
    {
        var asked = await AskedAsync();
        var approved = await ApprovedAsync();
        Proxy.Hang();

        Func<Task<Answer>>[] calls =
        [
            () => Host.AuthorizeAsync(("binding_message", Message)),
            AuthorizeWithKeyAsync,
            () => Host.PollAsync(asked),
            () => Host.PollAsync(approved),
            () => Host.DeviceAsync(HttpMethod.Get, "/requests", "alice"),
            () => Host.DeviceAsync(HttpMethod.Get, $"/requests/{RedisHosts.Handle(asked)}", "alice"),
            () => AnswerAsync(asked, "approve"),
            () => AnswerAsync(asked, "deny"),
        ];
        foreach (var call in calls)
        {
            RedisHosts.IsUnavailable(await Host.TimedOutAsync(call));
        }

        Assert.That(Tokens.Calls, Is.Zero);
    }

    [Test]
    public async Task Where_the_replay_cache_hangs_the_client_is_not_told_that_it_is_another()
    {
        Assert.That((await AuthorizeWithKeyAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
        var assertion = new TestJwt(Host, "with-key").Sign(TestKey.For("ES256"));
        Proxy.Hang();

        RedisHosts.IsUnavailable(await Host.TimedOutAsync(() => Host.AuthorizeAsync(TestJwt.Form(assertion))));
        RedisHosts.IsUnavailable(await Host.TimedOutAsync(() => Host.PollAsync(ClientCalls.UnknownRequest, TestJwt.Form(assertion))));

        await ResumeAsync();
        var again = await RedisHosts.ServedAsync(() => Host.AuthorizeAsync(TestJwt.Form(assertion)));
        Assert.That(again.Status, Is.EqualTo(HttpStatusCode.OK), again.Body);
    }

    [Test]
    public async Task Where_the_limit_of_user_codes_hangs_the_right_code_is_not_called_wrong()
    {
        Host.Users.Codes["alice"] = UserCode;
        Proxy.Hang();

        RedisHosts.IsUnavailable(await Host.TimedOutAsync(AuthorizeWithCodeAsync));

        await ResumeAsync();
        Assert.That((await RedisHosts.ServedAsync(AuthorizeWithCodeAsync)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_token_request_whose_end_hangs_takes_no_longer_than_one_step()
    {
        var approved = await ApprovedAsync();
        var timeout = TimeSpan.Zero;
        Tokens.OnIssue = async (call, _) =>
        {
            if (call == 1)
            {
                timeout = await Host.NewTimeoutAsync();
                Proxy.Hang();
                Issuing.SetResult();
            }

            return FakeTokens.Right(call);
        };

        var poll = Host.PollAsync(approved);
        await Issuing.Task.WaitAsync(RedisHosts.Bound);
        RedisHosts.IsUnavailable(await Host.TimedOutAsync(poll, timeout));

        // The end of the lease was never heard of, so it comes by its time.
        await ResumeAsync();
        Assert.That((await Host.PolledAsync(approved)).Error, Is.EqualTo("authorization_pending"));
        Host.Time.Advance(TimeSpan.FromSeconds(30));
        Assert.That((await Host.PolledAsync(approved)).Text("access_token"), Is.EqualTo("access-2"));
        Assert.That((await Host.PolledAsync(approved)).Error, Is.EqualTo("invalid_grant"));
    }

    [TestCase(false), TestCase(true)]
    public async Task Without_a_connection_every_endpoint_is_answered_503_at_once_and_afterwards_everything_is_there(bool cutAgain)
    {
        string[] states = [await AskedAsync(), await ApprovedAsync(), await ApprovedAsync(), await AskedAsync(), await AskedAsync()];
        Assert.That((await Host.PolledAsync(states[2])).Status, Is.EqualTo(HttpStatusCode.OK));
        await Host.AnsweredAsync(states[3], "deny");

        Proxy.Refuse();
        await IsRefusedAsync(states);
        if (cutAgain)
        {
            await ResumeAsync();
            Proxy.CutAll();
        }

        await ResumeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await Host.PolledAsync(states[0])).Error, Is.EqualTo("authorization_pending"));
            Assert.That((await Host.PolledAsync(states[0])).Error, Is.EqualTo("slow_down"));
            Assert.That((await Host.PolledAsync(states[1])).Text("access_token"), Is.EqualTo("access-2"));
            Assert.That((await Host.PolledAsync(states[2])).Error, Is.EqualTo("invalid_grant"));
            Assert.That((await Host.PolledAsync(states[3])).Error, Is.EqualTo("access_denied"));
            Assert.That(await Host.PendingAsync(), Is.EquivalentTo(new[] { RedisHosts.Handle(states[0]), RedisHosts.Handle(states[4]) }));
        }

        // Two wait, three may.
        await AskedAsync();
        Assert.That((await RedisHosts.ServedAsync(() => Host.AuthorizeAsync())).Error, Is.EqualTo("access_denied"));
    }

    [Test]
    public async Task A_request_that_was_never_acknowledged_is_not_there_afterwards()
    {
        Proxy.Hang();
        for (var i = 0; i < 4; i++)
        {
            RedisHosts.IsUnavailable(await Host.TimedOutAsync(() => Host.AuthorizeAsync(("binding_message", Message))));
        }

        await ResumeAsync();

        Assert.That(await Host.PendingAsync(), Is.Empty);
        await AskedAsync();
        await AskedAsync();
        await AskedAsync();
        Assert.That((await RedisHosts.ServedAsync(() => Host.AuthorizeAsync())).Error, Is.EqualTo("access_denied"));
    }

    private TaskCompletionSource Issuing { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task IsRefusedAsync(string[] states)
    {
        Answer[] answers =
        [
            await Host.AuthorizeAsync(("binding_message", Message)).WaitAsync(RedisHosts.Bound),
            await AuthorizeWithKeyAsync().WaitAsync(RedisHosts.Bound),
            await Host.PollAsync(states[0]).WaitAsync(RedisHosts.Bound),
            await Host.PollAsync(states[1]).WaitAsync(RedisHosts.Bound),
            await AnswerAsync(states[0], "approve").WaitAsync(RedisHosts.Bound),
            await AnswerAsync(states[0], "deny").WaitAsync(RedisHosts.Bound),
            await Host.DeviceAsync(HttpMethod.Get, "/requests", "alice").WaitAsync(RedisHosts.Bound),
        ];
        Array.ForEach(answers, RedisHosts.IsUnavailable);
    }
}
