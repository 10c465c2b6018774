using System.Net;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>The connection breaks between a step and its answer: the step was taken, and nobody here knows.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
public sealed class LostAnswerTests(string kind) : RedisOutage(kind)
{
    private readonly HookedUsers _users = new();

    [Test]
    public async Task An_approval_whose_answer_is_lost_is_there_for_the_next_poll()
    {
        var approved = await ApprovedAsync();

        Proxy.DropAnswers();
        RedisHosts.IsUnavailable(await Host.TimedOutAsync(() => Host.PollAsync(approved)));
        await StatusIsAsync(approved, "A");
        await ResumeAsync();

        await IsRedeemedOnceAsync(approved);
    }

    [Test]
    public async Task An_approval_whose_answer_is_lost_with_the_connection_comes_back_on_the_next()
    {
        var approved = await ApprovedAsync();

        Proxy.DropAnswers();
        var poll = Host.PollAsync(approved);
        await StatusIsAsync(approved, "L");
        Proxy.CutAll();
        RedisHosts.IsUnavailable(await poll.WaitAsync(RedisHosts.Bound));
        await ResumeAsync();

        Assert.That((await Host.PolledAsync(approved)).Error, Is.EqualTo("authorization_pending"));
        await TakenBackAsync(approved);
        await IsRedeemedOnceAsync(approved);
    }

    [TestCase(false), TestCase(true)]
    public async Task Tokens_whose_redemption_was_not_confirmed_are_not_given_and_the_approval_stands(bool cut)
    {
        var approved = await ApprovedAsync();
        var issuing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var timeout = TimeSpan.Zero;
        Tokens.OnIssue = async (call, _) =>
        {
            timeout = await Host.NewTimeoutAsync();
            Proxy.DropAnswers();
            issuing.TrySetResult();
            return FakeTokens.Right(call);
        };

        var poll = Host.PollAsync(approved);
        await issuing.Task.WaitAsync(RedisHosts.Bound);
        await StatusIsAsync(approved, "R");
        if (cut)
        {
            Proxy.CutAll();
            RedisHosts.IsUnavailable(await poll.WaitAsync(RedisHosts.Bound));
        }
        else
        {
            RedisHosts.IsUnavailable(await Host.TimedOutAsync(poll, timeout));
        }

        await ResumeAsync();
        Tokens.OnIssue = (call, _) => Task.FromResult<CibaTokens?>(FakeTokens.Right(call));
        await TakenBackAsync(approved);

        var tokens = await Host.PolledAsync(approved);
        var again = await Host.PolledAsync(approved);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(tokens.Text("access_token"), Is.EqualTo("access-2"), tokens.Body);
            Assert.That(again.Error, Is.EqualTo("invalid_grant"));
            Assert.That(Tokens.Calls, Is.EqualTo(2));
        }
    }

    [TestCase("approve", false), TestCase("approve", true), TestCase("deny", false), TestCase("deny", true)]
    public async Task A_decision_whose_answer_is_lost_counts_once(string verb, bool cut)
    {
        var asked = await AskedAsync();
        var timeout = TimeSpan.Zero;
        _users.OnActive = async _ =>
        {
            timeout = await Host.NewTimeoutAsync();
            Proxy.DropAnswers();
        };

        var first = AnswerAsync(asked, verb);
        await StatusIsAsync(asked, verb == "approve" ? "A" : "D");
        if (cut)
        {
            Proxy.CutAll();
        }

        RedisHosts.IsUnavailable(cut ? await first.WaitAsync(RedisHosts.Bound) : await Host.TimedOutAsync(first, timeout));
        _users.OnActive = _ => Task.CompletedTask;
        await ResumeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await AgainAsync(verb)).Status, Is.EqualTo(HttpStatusCode.Conflict));
            Assert.That((await AgainAsync(verb == "approve" ? "deny" : "approve")).Status, Is.EqualTo(HttpStatusCode.Conflict));
            Assert.That(await Host.PendingAsync(), Is.Empty);
            var poll = await Host.PolledAsync(asked);
            Assert.That(poll.Text("access_token") ?? poll.Error, Is.EqualTo(verb == "approve" ? "access-1" : "access_denied"));
        }

        Task<Answer> AgainAsync(string again) => RedisHosts.ServedAsync(() => AnswerAsync(asked, again).WaitAsync(RedisHosts.Bound));
    }

    [Test]
    public async Task A_decision_that_was_never_taken_can_be_taken_afterwards()
    {
        var asked = await AskedAsync();
        var looked = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
        _users.OnActive = async _ =>
        {
            Proxy.Hang();
            looked.SetResult(await Host.NewTimeoutAsync());
        };

        var first = AnswerAsync(asked, "approve");
        RedisHosts.IsUnavailable(await Host.TimedOutAsync(first, await looked.Task.WaitAsync(RedisHosts.Bound)));
        _users.OnActive = _ => Task.CompletedTask;
        await ResumeAsync();

        var second = await RedisHosts.ServedAsync(() => AnswerAsync(asked, "approve").WaitAsync(RedisHosts.Bound));
        Assert.That(second.Status, Is.EqualTo(HttpStatusCode.NoContent));
        await IsRedeemedOnceAsync(asked);
    }

    [Test]
    public async Task A_request_whose_acknowledgement_is_lost_is_taken_back()
    {
        Proxy.DropAnswers();
        for (var i = 0; i < 4; i++)
        {
            RedisHosts.IsUnavailable(await Host.TimedOutAsync(() => Host.AuthorizeAsync(("binding_message", Message))));
        }

        // All of this is a race with the last taking back, which nobody waits for.
        await RedisHosts.UntilAsync(async () => await OwnKeysAsync() == 0);
        await ResumeAsync();

        Assert.That(await Host.PendingAsync(), Is.Empty);
        await AskedAsync();
        await AskedAsync();
        await AskedAsync();
        Assert.That((await RedisHosts.ServedAsync(() => Host.AuthorizeAsync())).Error, Is.EqualTo("access_denied"));
    }

    [Test]
    public async Task A_request_whose_acknowledgement_is_lost_with_the_connection_is_taken_back_on_the_next()
    {
        Proxy.DropAnswers();
        var call = Host.AuthorizeAsync(("binding_message", Message));
        await RedisHosts.UntilAsync(async () => await OwnKeysAsync() > 0);
        Proxy.CutAll();
        RedisHosts.IsUnavailable(await call.WaitAsync(RedisHosts.Bound));
        await ResumeAsync();

        Host.Time.Advance(TimeSpan.FromSeconds(1));
        await RedisHosts.UntilAsync(async () => await OwnKeysAsync() == 0, Host);
        Assert.That(await Host.PendingAsync(), Is.Empty);
    }

    protected override void Add(CibaBuilder builder) => _users.Use(builder);

    private async Task IsRedeemedOnceAsync(string authReqId)
    {
        var tokens = await Host.PolledAsync(authReqId);
        var again = await Host.PolledAsync(authReqId);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(tokens.Text("access_token"), Is.EqualTo("access-1"), tokens.Body);
            Assert.That(again.Error, Is.EqualTo("invalid_grant"));
            Assert.That(Tokens.Calls, Is.EqualTo(1));
        }
    }

    private async Task<int> OwnKeysAsync()
    {
        var keys = await Server.AskAsync("KEYS", $"{{{Prefix}:*");
        return keys.Length == 0 ? 0 : keys.Split('\n').Length;
    }
}
