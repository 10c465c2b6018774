using System.Diagnostics;
using System.Net;
using Ciba.AspNetCore.Redis.Connection;
using Ciba.AspNetCore.Redis.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>Providers over HTTP whose state is on a Redis, and what tests do with them when it fails.</summary>
internal static class RedisHosts
{
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private const string StatusAt = "80";

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    private static int _timeouts;

    public static CibaHost On(string configuration, string prefix, Action<CibaRedisOptions>? redis = null, Action<CibaOptions>? options = null, Action<CibaBuilder>? add = null) => new()
    {
        Options = options,
        Setup = ciba =>
        {
            FakeRedisTime.Use(ciba.Services);
            ciba.AddRedisStore(configuration, chosen =>
            {
                chosen.KeyPrefix = prefix;
                redis?.Invoke(chosen);
            });
            add?.Invoke(ciba);
        },
    };

    /// <summary>Starts the host, and waits until the worker has looked for the first time: nothing else then asks Redis by itself.</summary>
    public static async Task FirstLookAsync(this CibaHost host)
    {
        await host.StartedAsync().WaitAsync(Bound);
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(5));
    }

    /// <summary>Waits until the host hears what is called out; on a machine that is busy it may not have succeeded when it started.</summary>
    public static async Task ListeningAsync(this CibaHost host)
    {
        var signals = (await host.ServicesAsync().WaitAsync(Bound)).GetRequiredService<DecisionSignals>();
        await UntilAsync(signals.SubscribeAsync);
    }

    public static string Handle(string authReqId) => CibaRequestId.FromAuthReqId(authReqId)!;

    /// <summary>Gives the steps to come a time-out that none had before, so that their timers can be told from others.</summary>
    public static async Task<TimeSpan> NewTimeoutAsync(this CibaHost host)
    {
        var timeout = TimeSpan.FromSeconds(2) + TimeSpan.FromMilliseconds(Interlocked.Increment(ref _timeouts));
        (await host.ServicesAsync()).GetRequiredService<IOptions<CibaRedisOptions>>().Value.OperationTimeout = timeout;
        return timeout;
    }

    /// <summary>Makes a call that Redis leaves without an answer, and lets its time-out pass on the clock; it is answered then and not before.</summary>
    public static async Task<Answer> TimedOutAsync(this CibaHost host, Func<Task<Answer>> call)
    {
        var timeout = await host.NewTimeoutAsync();
        return await host.TimedOutAsync(call(), timeout);
    }

    public static async Task<Answer> TimedOutAsync(this CibaHost host, Task<Answer> call, TimeSpan timeout)
    {
        await host.Time.TimerSetAsync(timeout).WaitAsync(Bound);
        host.Time.Advance(timeout - TimeSpan.FromMilliseconds(1));
        Assert.That(call.IsCompleted, Is.False, "answered before the time-out");
        host.Time.Advance(TimeSpan.FromMilliseconds(1));
        return await call.WaitAsync(Bound);
    }

    /// <summary>Waits until the host's steps are taken again. It asks for nothing that a test counts.</summary>
    public static Task BackAsync(this CibaHost host) => UntilAsync(async () =>
    {
        var answer = await host.DeviceAsync(HttpMethod.Get, "/requests", "nobody").WaitAsync(Bound);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK).Or.EqualTo(HttpStatusCode.ServiceUnavailable), answer.Body);
        return answer.Status == HttpStatusCode.OK;
    });

    public static Task<Answer> AnswerAsync(this CibaHost host, string authReqId, string verb, string user = "alice") =>
        host.DeviceAsync(HttpMethod.Post, $"/requests/{Handle(authReqId)}/{verb}", user);

    /// <summary>
    /// What a call is answered, which is made again where that is a 503: StackExchange.Redis 1 loses a young connection now and
    /// then on a machine that is busy, which no test means to be about.
    /// </summary>
    public static async Task<Answer> ServedAsync(Func<Task<Answer>> call)
    {
        Answer answer = null!;
        await UntilAsync(async () => (answer = await call()).Status != HttpStatusCode.ServiceUnavailable);
        return answer;
    }

    /// <summary>A request, made again where it is not served.</summary>
    public static async Task<string> AuthorizedAsync(this CibaHost host, params (string Name, string? Value)[] changes) =>
        (await ServedAsync(() => host.AuthorizeAsync(changes).WaitAsync(Bound))).AuthReqId;

    /// <summary>A poll, made again where it is not served.</summary>
    public static Task<Answer> PolledAsync(this CibaHost host, string authReqId, params (string Name, string? Value)[] changes) =>
        ServedAsync(() => host.PollAsync(authReqId, changes).WaitAsync(Bound));

    /// <summary>A decision that goes straight into the store, and that no node attends to; it may have been taken the first time.</summary>
    public static async Task DecidedAsync(this CibaHost host, string authReqId, CibaRequestStatus outcome)
    {
        var now = host.Time.GetUtcNow();
        var decision = new CibaDecision { Outcome = outcome, DecidedAt = now, Scopes = ["openid"], AuthTime = now };
        var store = (await host.ServicesAsync()).GetRequiredService<ICibaRequestStore>();
        await UntilAsync(async () =>
        {
            try
            {
                var decided = await store.DecideAsync(Handle(authReqId), FakeUsers.SubjectOf("alice"), decision, now, CancellationToken.None);
                Assert.That(decided, Is.EqualTo(CibaDecideResult.Done).Or.EqualTo(CibaDecideResult.AlreadyDecided));
                return true;
            }
            catch (CibaStoreUnavailableException)
            {
                return false;
            }
        });
    }

    /// <summary>The user's answer, given again in the same way; it may have been taken the first time.</summary>
    public static async Task AnsweredAsync(this CibaHost host, string authReqId, string verb)
    {
        var answer = await ServedAsync(() => host.AnswerAsync(authReqId, verb).WaitAsync(Bound));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.NoContent).Or.EqualTo(HttpStatusCode.Conflict), answer.Body);
    }

    /// <summary>The handles of what waits for this user. A connection that has come back may go once more, so a 503 is asked again.</summary>
    public static async Task<string?[]> PendingAsync(this CibaHost host, string user = "alice")
    {
        var answer = await ServedAsync(() => host.DeviceAsync(HttpMethod.Get, "/requests", user).WaitAsync(Bound));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
        return [.. answer.Json.EnumerateArray().Select(request => request.GetProperty("id").GetString())];
    }

    /// <summary>The letter of the request's status as Redis holds it; empty where it holds none.</summary>
    public static Task<string> StatusAsync(this RedisServer server, string prefix, string authReqId) =>
        server.AskAsync("GETRANGE", new RedisKeys(prefix).Request(Handle(authReqId))!, StatusAt, StatusAt);

    /// <summary>Approves as another node does whose message gets lost.</summary>
    public static async Task DecideUnheardAsync(this RedisServer server, string prefix, string id, string subject, DateTimeOffset now)
    {
        var keys = new RedisKeys(prefix);
        var user = RequestRecord.Digest(subject);
        var section = RequestRecord.Section(RequestRecord.Decided, DecidedPayload.Write(new() { Outcome = CibaRequestStatus.Approved, DecidedAt = now, Scopes = ["openid"] }, subject));
        var redis = await RedisNode.SharedAsync(server, 0);
        var decided = await redis.GetDatabase().ScriptEvaluateAsync(
            RedisScript.Decide.Text,
            [keys.Request(id), keys.Pending(id[0], user), keys.Outbox(id[0]), keys.PendingOfShard(id[0])],
            [RedisKeys.Digest(id), user, RedisTicks.Of(now), "A", section, RedisTicks.Of(now) - 1, RequestRecord.Section(RequestRecord.DecisionId, "another"u8.ToArray())]);
        Assert.That((int)decided[0], Is.EqualTo((int)CibaDecideResult.Done));
    }

    public static async Task LoadScriptsAsync(this RedisServer server)
    {
        foreach (var script in typeof(RedisScript).GetFields().Select(field => field.GetValue(null)).OfType<RedisScript>())
        {
            await server.AskAsync("SCRIPT", "LOAD", script.Text);
        }
    }

    /// <summary>
    /// Looks again and again, for things that no signal tells of. Now and then it moves the clocks of the nodes that these things
    /// come from: a step that Redis did not answer they take again by their clock, which stands still otherwise.
    /// </summary>
    public static Task UntilAsync(Func<Task<bool>> isSo, params CibaHost[] nodes) => UntilSoAsync(isSo, [.. nodes.Select(node => node.Time)]);

    /// <summary>The same for nodes without a host, which share a clock.</summary>
    public static Task UntilAsync(Func<Task<bool>> isSo, ManualTime clock) => UntilSoAsync(isSo, [clock]);

    private static async Task UntilSoAsync(Func<Task<bool>> isSo, ManualTime[] clocks)
    {
        using var bound = new CancellationTokenSource(Bound);
        var moved = Stopwatch.GetTimestamp();
        while (!await isSo())
        {
            await Task.Delay(Look, bound.Token);
            if (Stopwatch.GetElapsedTime(moved) >= Patience)
            {
                Array.ForEach(clocks, clock => clock.Advance(Step));
                moved = Stopwatch.GetTimestamp();
            }
        }
    }

    /// <summary>A client is told so in an OAuth error, a device in problem details.</summary>
    public static void IsUnavailable(Answer answer)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable), answer.Body);
            Assert.That(
                (answer.Header("Content-Type"), answer.Json.TryGetProperty("error", out var error) ? error.GetString() : answer.Text("detail")),
                Is.EqualTo(("application/json", "temporarily_unavailable")).Or.EqualTo(("application/problem+json", CibaError.TemporarilyUnavailable.Description)));
            Assert.That(answer.Header("Cache-Control"), Is.EqualTo("no-store"));
        }
    }
}
