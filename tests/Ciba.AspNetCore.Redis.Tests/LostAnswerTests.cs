using System.Net;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>The connection breaks between a step and its answer: the step was taken, and nobody here knows.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
public sealed class LostAnswerTests(string kind) : RedisOutage(kind)
{
    private readonly HookedUsers _users = new();
    private readonly FakeEvents _events = new();
    private int _decided;

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

    [Test]
    public async Task Tokens_whose_redemption_was_not_confirmed_in_time_are_not_given_and_the_approval_stands()
    {
        var approved = await ApprovedAsync();
        var (poll, timeout) = await RedeemingUnheardAsync(approved);
        RedisHosts.IsUnavailable(await Host.TimedOutAsync(poll, timeout));
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

    [Test]
    public async Task Tokens_whose_redemption_is_confirmed_on_the_next_connection_are_given()
    {
        var approved = await ApprovedAsync();
        var (poll, _) = await RedeemingUnheardAsync(approved);

        var tokens = await ReconnectedAsync(poll);
        await StatusIsAsync(approved, "R");
        var again = await Host.PolledAsync(approved);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(tokens.Text("access_token"), Is.EqualTo("access-1"), tokens.Body);
            Assert.That(again.Error, Is.EqualTo("invalid_grant"));
            Assert.That(Tokens.Calls, Is.EqualTo(1));
        }
    }

    [Test]
    public async Task While_nobody_knows_whether_it_was_redeemed_it_is_pending_to_others_and_then_theirs()
    {
        var approved = await ApprovedAsync();
        var (poll, _) = await RedeemingUnheardAsync(approved);

        // As if the node had died: it reaches Redis no more.
        Proxy.Refuse();
        RedisHosts.IsUnavailable(await RepeatedAsync(poll));
        await using var other = RedisNode.On(Server, 0, Prefix, Host.Time);
        var (handle, client) = (RedisHosts.Handle(approved), "client");
        var meanwhile = await other.Store.PollAsync(handle, client, Host.Time.GetUtcNow(), Requests.LeaseTime, CancellationToken.None);
        Host.Time.Advance(new CibaOptions().RedemptionLease);
        var afterwards = await other.Store.PollAsync(handle, client, Host.Time.GetUtcNow(), Requests.LeaseTime, CancellationToken.None);

        Assert.That(new[] { meanwhile.Status, afterwards.Status }, Is.EqualTo(new[] { CibaPollStatus.Pending, CibaPollStatus.Approved }));
    }

    [TestCase("approve"), TestCase("deny")]
    public async Task A_decision_whose_answer_is_lost_is_taken_on_the_next_connection(string verb)
    {
        var asked = await AskedAsync();
        var (first, _) = await DecidingUnheardAsync(asked, verb);

        var answer = await ReconnectedAsync(first);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.NoContent), answer.Body);
            Assert.That((await AgainAsync(asked, verb)).Status, Is.EqualTo(HttpStatusCode.Conflict));
            Assert.That((await AgainAsync(asked, verb == "approve" ? "deny" : "approve")).Status, Is.EqualTo(HttpStatusCode.Conflict));
            await IsDecidedOnceAsync();
        }
    }

    [TestCase("approve", false), TestCase("approve", true), TestCase("deny", false), TestCase("deny", true)]
    public async Task A_decision_that_was_not_confirmed_in_time_counts_once_and_is_confirmed_to_who_repeats_it(string verb, bool confirmedBefore)
    {
        var asked = await AskedAsync();
        var (first, timeout) = await DecidingUnheardAsync(asked, verb);
        RedisHosts.IsUnavailable(await Host.TimedOutAsync(first, timeout));
        await ResumeAsync();
        if (confirmedBefore)
        {
            Host.Time.Advance(TimeSpan.FromSeconds(1));
            await IsDecidedOnceAsync();
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await AgainAsync(asked, verb)).Status, Is.EqualTo(HttpStatusCode.NoContent));
            Assert.That((await AgainAsync(asked, verb == "approve" ? "deny" : "approve")).Status, Is.EqualTo(HttpStatusCode.Conflict));
            Assert.That(await Host.PendingAsync(), Is.Empty);
            var poll = await Host.PolledAsync(asked);
            Assert.That(poll.Text("access_token") ?? poll.Error, Is.EqualTo(verb == "approve" ? "access-1" : "access_denied"));
            await IsDecidedOnceAsync();
        }
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

    protected override void Add(CibaBuilder builder)
    {
        _users.Use(builder);
        _events.OnEvent = (occurrence, _) => Task.FromResult(occurrence.Kind == CibaEventKind.Decided ? Interlocked.Increment(ref _decided) : 0);
        _events.Use(builder);
    }

    /// <summary>A poll whose redemption Redis has taken, and not been heard of.</summary>
    private async Task<(Task<Answer> Poll, TimeSpan Timeout)> RedeemingUnheardAsync(string approved)
    {
        var issuing = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
        Tokens.OnIssue = async (call, _) =>
        {
            var timeout = await Host.NewTimeoutAsync();
            Proxy.DropAnswers();
            issuing.TrySetResult(timeout);
            return FakeTokens.Right(call);
        };

        var poll = Host.PollAsync(approved);
        var timeout = await issuing.Task.WaitAsync(RedisHosts.Bound);
        await StatusIsAsync(approved, "C");
        return (poll, timeout);
    }

    /// <summary>An answer of the user's that Redis has taken, and not been heard of.</summary>
    private async Task<(Task<Answer> Call, TimeSpan Timeout)> DecidingUnheardAsync(string asked, string verb)
    {
        var looked = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
        _users.OnActive = async _ =>
        {
            var timeout = await Host.NewTimeoutAsync();
            Proxy.DropAnswers();
            looked.TrySetResult(timeout);
        };

        var call = AnswerAsync(asked, verb);
        var timeout = await looked.Task.WaitAsync(RedisHosts.Bound);
        await StatusIsAsync(asked, verb == "approve" ? "A" : "D");
        _users.OnActive = _ => Task.CompletedTask;
        return (call, timeout);
    }

    /// <summary>What follows a decision follows it once.</summary>
    private async Task IsDecidedOnceAsync()
    {
        await RedisHosts.UntilAsync(() => Task.FromResult(Volatile.Read(ref _decided) > 0), Host);
        Assert.That(Volatile.Read(ref _decided), Is.EqualTo(1));
    }

    /// <summary>Breaks the connection, and lets the step be taken again on the next one.</summary>
    private async Task<Answer> ReconnectedAsync(Task<Answer> call)
    {
        Proxy.Resume();
        return await RepeatedAsync(call);
    }

    private async Task<Answer> RepeatedAsync(Task<Answer> call)
    {
        await RedisHosts.UntilAsync(() =>
        {
            Host.Time.Advance(TimeSpan.FromMilliseconds(20));
            return Task.FromResult(call.IsCompleted);
        });
        return await call;
    }

    private Task<Answer> AgainAsync(string asked, string verb) => RedisHosts.ServedAsync(() => AnswerAsync(asked, verb).WaitAsync(RedisHosts.Bound));

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
