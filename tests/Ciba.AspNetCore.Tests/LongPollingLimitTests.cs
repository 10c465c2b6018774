using System.Net;
using Ciba.AspNetCore.Token;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 10.1, long polling: how many polls wait, and that each is let go.</summary>
[Spec("T10")]
public sealed class LongPollingLimitTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly WaitingPolls _polls = new();

    [Test]
    public async Task A_store_that_makes_nobody_wait_is_not_looked_at_for_ever()
    {
        var store = new HookedStore { MakesNobodyWait = true };
        await using var host = new CibaHost { Options = options => options.LongPolling.Timeout = Limit, Setup = store.Use };
        var id = (await host.AuthorizeAsync()).AuthReqId;
        store.Calls.Clear();

        var answer = await host.PollAsync(id).WaitAsync(Bound);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Error, Is.EqualTo("authorization_pending"));
            Assert.That(store.Calls.Count(call => call.StartsWith("Poll", StringComparison.Ordinal)), Is.EqualTo(1));
        }
    }

    [Test, Spec("T12")]
    public async Task A_client_that_goes_away_is_forgotten_at_once_and_the_approval_is_left([Values] bool kestrel)
    {
        await using var host = Host(options => options.LongPolling.MaxWaiting = 1, kestrel);
        using var http = kestrel ? await KestrelHost.HttpAsync(host) : await host.HttpAsync();
        var (id, other) = (await AuthorizeAsync(http), await AuthorizeAsync(http));
        using var client = new CancellationTokenSource();
        var gone = PollAsync(http, id, client.Token);
        await _polls.BegunAsync();

        await client.CancelAsync();
        await _polls.EndedAsync();
        var next = PollAsync(http, other);
        await _polls.BegunAsync();
        await host.ApproveAsync(id);
        var tokens = await PollAsync(http, id);
        await host.DenyAsync(other);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => gone, Throws.InstanceOf<OperationCanceledException>());
            Assert.That((await next.WaitAsync(Bound)).Error, Is.EqualTo("access_denied"));
            Assert.That(tokens.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(host.Log.Ours.Where(line => line.Level >= LogLevel.Error), Is.Empty);
        }
    }

    [TestCase(0), TestCase(1), TestCase(3)]
    public async Task Beyond_the_limit_polls_are_answered_at_once(int most)
    {
        await using var host = Host(options => options.LongPolling.MaxWaiting = most);
        using var http = await host.HttpAsync();
        var waiting = new List<Task<Answer>>();
        for (var i = 0; i < most; i++)
        {
            waiting.Add(PollAsync(http, await AuthorizeAsync(http)));
            await _polls.BegunAsync();
        }

        var id = await AuthorizeAsync(http);
        var oneMore = await PollAsync(http, id).WaitAsync(Bound);
        var tooSoon = await PollAsync(http, id).WaitAsync(Bound);
        host.Time.Advance(Limit);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(oneMore.Error, Is.EqualTo("authorization_pending"));
            Assert.That(tooSoon.Error, Is.EqualTo("slow_down"));
            Assert.That((await Task.WhenAll(waiting).WaitAsync(Bound)).Select(answer => answer.Error), Is.All.EqualTo("authorization_pending"));
        }
    }

    [Test]
    public async Task Every_way_in_which_a_wait_ends_makes_room_for_another()
    {
        await using var host = Host(options => options.LongPolling.MaxWaiting = 1);
        using var http = await host.HttpAsync();
        Func<string, Task>[] ends =
        [
            id => host.ApproveAsync(id),
            id => host.DenyAsync(id),
            async id => await (await host.StoreAsync()).RemoveAsync(await host.HandleAsync(id), "sub-alice", CancellationToken.None),
            _ => AdvanceAsync(host, Limit),
        ];
        foreach (var end in ends)
        {
            var id = await AuthorizeAsync(http);
            var poll = PollAsync(http, id);
            await _polls.BegunAsync();
            await end(id);
            Assert.That((await poll.WaitAsync(Bound)).Body, Is.Not.Empty);
        }
    }

    [Test]
    public async Task Of_two_polls_that_come_at_one_moment_one_gets_the_last_place()
    {
        await using var host = Host();
        var services = await host.ServicesAsync();
        var store = await host.StoreAsync();
        var rounds = Enumerable.Range(0, Race.Rounds).Select(_ => new LongPolling(
            store,
            services.GetRequiredService<IHostApplicationLifetime>(),
            Options.Create(new CibaOptions { LongPolling = { Timeout = Limit, MaxWaiting = 1 } }),
            host.Time)).ToArray();
        using var http = await host.HttpAsync();
        var handles = new List<string>();
        for (var i = 0; i < 2 * rounds.Length; i++)
        {
            handles.Add(await host.HandleAsync(await AuthorizeAsync(http)));
        }

        using var over = new CancellationTokenSource();
        ValueTask<Task> Poll(int round, int which) => new(rounds[round].PollAsync(handles[(2 * round) + which], "client", over.Token).AsTask());

        var polls = await Race.RunAsync(round => Poll(round, 0), round => Poll(round, 1));
        var waiting = polls.Select(round => round.Count(poll => !poll.IsCompleted)).ToList();
        await over.CancelAsync();

        Assert.That(waiting, Is.All.EqualTo(1));
    }

    [Test]
    public async Task A_host_that_stops_lets_its_waiting_polls_go_and_does_not_wait_for_them()
    {
        await using var host = Host(kestrel: true);
        using var http = await KestrelHost.HttpAsync(host);
        var polls = new List<Task<Answer>>();
        for (var i = 0; i < 5; i++)
        {
            polls.Add(PollAsync(http, await AuthorizeAsync(http)));
        }

        await _polls.BegunAsync(polls.Count);
        await (await host.ServicesAsync()).GetRequiredService<IHost>().StopAsync().WaitAsync(Bound);

        Assert.That((await Task.WhenAll(polls).WaitAsync(Bound)).Select(answer => answer.Error), Is.All.EqualTo("authorization_pending"));
    }

    [Test]
    public async Task A_thousand_polls_wait_without_a_thread_each_and_all_get_their_tokens()
    {
        const int Polls = 1000;
        var tokens = new FakeTokens();
        await using var host = Host(setup: tokens.Use);
        using var http = await host.HttpAsync();
        var ids = new List<string>();
        for (var i = 0; i < Polls; i++)
        {
            ids.Add(await AuthorizeAsync(http));
        }

        var polls = ids.Select(id => PollAsync(http, id)).ToList();
        await _polls.BegunAsync(Polls);
        var threads = ThreadPool.ThreadCount;
        foreach (var id in ids)
        {
            await host.ApproveAsync(id);
        }

        var answers = await Task.WhenAll(polls).WaitAsync(Bound);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(threads, Is.LessThan(Polls / 10));
            Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(HttpStatusCode.OK));
            Assert.That(answers.Select(answer => answer.Text("access_token")), Is.Unique);
        }
    }

    private CibaHost Host(Action<CibaOptions>? options = null, bool kestrel = false, Action<CibaBuilder>? setup = null) => new()
    {
        Options = all =>
        {
            all.LongPolling.Timeout = Limit;
            all.Limits.SwitchOff();
            options?.Invoke(all);
        },
        Map = _polls.Use,
        Setup = ciba =>
        {
            setup?.Invoke(ciba);
            if (kestrel)
            {
                KestrelHost.Use(ciba);
            }
        },
    };

    private static async Task<string> AuthorizeAsync(HttpClient http) =>
        (await PostAsync(http, "/bc-authorize", [new("scope", "openid"), new("login_hint", "alice")], CancellationToken.None)).AuthReqId;

    private static Task<Answer> PollAsync(HttpClient http, string id, CancellationToken cancellationToken = default) =>
        PostAsync(http, "/token", [new("grant_type", CibaHost.GrantType), new("auth_req_id", id)], cancellationToken);

    private static async Task<Answer> PostAsync(HttpClient http, string path, KeyValuePair<string, string>[] fields, CancellationToken cancellationToken)
    {
        using var form = new FormUrlEncodedContent([new("client_id", "client"), new("client_secret", CibaHost.Secret), .. fields]);
        var response = await http.PostAsync(new Uri(path, UriKind.Relative), form, cancellationToken);
        return new Answer(response, await response.Content.ReadAsStringAsync(cancellationToken));
    }

    private static Task AdvanceAsync(CibaHost host, TimeSpan by)
    {
        host.Time.Advance(by);
        return Task.CompletedTask;
    }
}
