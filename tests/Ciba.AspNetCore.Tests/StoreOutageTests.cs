using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>A store that cannot be reached: 503 for whoever asks, a line for the operator, and nothing lost.</summary>
public sealed class StoreOutageTests
{
    private const string Body = """{"error":"temporarily_unavailable","error_description":"The provider cannot serve the request just now: try again later."}""";
    private const string Reason = "The store at the far end does not answer.";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly HookedStore _store = new();

    private static readonly TestCaseData<string, string, Func<CibaHost, string, Task<Answer>>>[] Calls =
    [
        Call("AddAsync", "CIBA backchannel authentication", (host, _) => host.AuthorizeAsync()),
        Call("PollAsync", "CIBA token", (host, id) => host.PollAsync(id)),
        Call("CompleteAsync", "CIBA token", async (host, id) =>
        {
            await host.ApproveAsync(id);
            host.Log.Lines.Clear();
            return await host.PollAsync(id);
        }),
        Call("ListPendingAsync", "CIBA device: pending requests", (host, _) => host.DeviceAsync(HttpMethod.Get, "/requests", "alice")),
        Call("GetAsync", "CIBA device: request", (host, id) => DeviceAsync(host, HttpMethod.Get, id, "")),
        Call("GetAsync", "CIBA device: approve", (host, id) => DeviceAsync(host, HttpMethod.Post, id, "/approve")),
        Call("DecideAsync", "CIBA device: approve", (host, id) => DeviceAsync(host, HttpMethod.Post, id, "/approve")),
        Call("DecideAsync", "CIBA device: deny", (host, id) => DeviceAsync(host, HttpMethod.Post, id, "/deny")),
    ];

    [TestCaseSource(nameof(Calls))]
    public async Task Whoever_asks_is_told_to_come_again_and_the_operator_reads_why(string step, string endpoint, Func<CibaHost, string, Task<Answer>> call)
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.Devices.NextAsync();
        host.Log.Lines.Clear();
        Break(step);

        var answer = await call(host, id).WaitAsync(Bound);

        IsUnavailable(answer, endpoint);
        Assert.That(host.Log.Ours, Is.EqualTo(new[] { Refused(endpoint) }), "with no stack, and of the request nothing");
    }

    [TestCaseSource(nameof(Calls))]
    public async Task Nothing_is_lost_when_the_store_is_there_again(string step, string _, Func<CibaHost, string, Task<Answer>> call)
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        Break(step);
        await call(host, id).WaitAsync(Bound);

        Mend();
        if (step != "CompleteAsync")
        {
            Assert.That(await host.ApproveAsync(id), Is.EqualTo(CibaDecisionResult.Done));
        }

        Assert.That((await host.PollAsync(id)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_request_that_could_not_be_stored_notifies_nobody([Values] CibaDeviceNotificationMode mode)
    {
        await using var host = Host(options => options.DeviceNotification = mode);
        await host.StartedAsync();
        Break("AddAsync");
        IsUnavailable(await host.AuthorizeAsync());
        Mend();

        await host.AuthorizeAsync(("login_hint", "bob"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await host.Devices.NextAsync()).Subject, Is.EqualTo("sub-bob"));
            Assert.That(host.Devices.Calls, Is.EqualTo(1));
            Assert.That(_store.Count, Is.EqualTo(1));
        }
    }

    [Test, Spec("A21")]
    public async Task A_request_that_cannot_be_taken_back_is_answered_so_too()
    {
        await using var host = Host(options => options.DeviceNotification = CibaDeviceNotificationMode.BeforeAcknowledgement);
        await host.StartedAsync();
        host.Devices.OnNotify = (_, _) => throw new InvalidOperationException("no signal");
        Break("RemoveAsync");

        IsUnavailable(await host.AuthorizeAsync());
    }

    [TestCase(true), TestCase(false), Spec("T5"), Spec("U4")]
    public async Task Of_two_answers_that_the_store_did_not_take_the_users_last_word_counts(bool approves)
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        var (first, last) = approves ? ("/deny", "/approve") : ("/approve", "/deny");
        Break("DecideAsync");
        IsUnavailable(await DeviceAsync(host, HttpMethod.Post, id, first), "CIBA device");
        IsUnavailable(await DeviceAsync(host, HttpMethod.Post, id, last), "CIBA device");
        Mend();

        // Each word is repeated each second, but for the one that was taken back.
        var decided = (await host.ServicesAsync()).GetRequiredService<ICibaRequestStore>().WaitForDecisionAsync(CibaRequestId.FromAuthReqId(id)!, CancellationToken.None);
        host.Time.Advance(TimeSpan.FromSeconds(1));
        await decided.WaitAsync(Bound);
        var poll = await host.PollAsync(id);

        Assert.That(poll.Error, Is.EqualTo(approves ? null : "access_denied"), poll.Body);
    }

    [Test, Spec("T10")]
    public async Task A_poll_that_waited_is_answered_so_too()
    {
        var polls = new WaitingPolls();
        await using var host = Host(options => options.LongPolling.Timeout = Limit, polls);
        var id = (await host.AuthorizeAsync()).AuthReqId;
        var poll = host.PollAsync(id);
        await polls.BegunAsync();
        Break("PollAfterWaitAsync");

        await host.ApproveAsync(id);
        IsUnavailable(await poll.WaitAsync(Bound));
        Mend();

        Assert.That((await host.PollAsync(id).WaitAsync(Bound)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("T12")]
    public async Task After_a_redemption_of_which_nobody_knows_the_approval_is_given_back_in_the_background()
    {
        var release = new Gate();
        var released = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _store.AfterRelease = () => released.TrySetResult();
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);
        Break("CompleteAsync", step => step == "ReleaseAsync" ? release.PassAsync() : Task.CompletedTask);

        IsUnavailable(await host.PollAsync(id).WaitAsync(Bound));
        await release.ReachedAsync();
        var during = await host.PollAsync(id);
        release.Open();
        await released.Task.WaitAsync(Bound);
        Mend();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(during.Error, Is.EqualTo("authorization_pending"));
            Assert.That((await host.PollAsync(id)).Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(_store.Calls.Count(step => step == "ReleaseAsync"), Is.EqualTo(1));
        }
    }

    [Test, Spec("T12")]
    public async Task Where_it_cannot_be_given_back_either_the_lease_runs_out()
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);
        Break("CompleteAsync", step => step == "ReleaseAsync" ? throw Unavailable : Task.CompletedTask);

        IsUnavailable(await host.PollAsync(id).WaitAsync(Bound));
        Mend();
        var during = await host.PollAsync(id);
        host.Time.Advance(TimeSpan.FromSeconds(30));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(during.Error, Is.EqualTo("authorization_pending"));
            Assert.That((await host.PollAsync(id)).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test, Spec("A22")]
    public async Task A_locked_user_is_refused_as_ever_where_the_approval_cannot_be_given_back()
    {
        await using var host = Host();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);
        host.Users.Lock("alice");
        Break("ReleaseAsync");

        Assert.That((await host.PollAsync(id).WaitAsync(Bound)).Error, Is.EqualTo("access_denied"));
    }

    [Test, Spec("A4")]
    public async Task A_client_whose_assertion_cannot_be_looked_up_is_not_told_to_be_wrong([Values(ClientCalls.Authorize, ClientCalls.Token)] string endpoint)
    {
        await using var host = new CibaHost
        {
            Clients = [ClientCalls.MacClient("client")],
            Setup = ciba => ciba.Services.Replace(ServiceDescriptor.Singleton<ICibaReplayCache, NoReplayCache>()),
        };

        var answer = await host.CallAsync(endpoint, [], ("client_assertion_type", TestJwt.AssertionType), ("client_assertion", new TestJwt(host).Mac(CibaHost.Secret)));

        IsUnavailable(answer);
        Assert.That(host.Devices.Calls, Is.Zero);
    }

    [Test, Spec("A10")]
    public async Task A_user_code_that_cannot_be_counted_is_neither_right_nor_wrong([Values] bool begins)
    {
        await using var host = new CibaHost
        {
            Setup = ciba => ciba.Services.Replace(ServiceDescriptor.Singleton<ICibaUserCodeLimiter>(new NoLimiter(begins))),
        };
        host.Clients[0].BackchannelUserCodeParameter = true;
        host.Users.Codes["alice"] = "right code";

        var answer = await host.AuthorizeAsync(("user_code", "right code"));

        IsUnavailable(answer);
        Assert.That(host.Devices.Calls, Is.Zero);
    }

    [Test, Spec("A21")]
    public async Task A_notification_is_tried_again_though_the_store_was_away()
    {
        await using var host = Host();
        await host.FirstLookAsync();
        host.Devices.OnNotify = (_, _) => host.Devices.Calls == 1 ? throw new InvalidOperationException("no signal") : Task.CompletedTask;
        var tried = new TaskCompletionSource();
        _store.Before = step =>
        {
            if (step == nameof(ICibaOutbox.ClaimAsync))
            {
                tried.TrySetResult();
            }

            return step is nameof(ICibaOutbox.ClaimAsync) or nameof(ICibaOutbox.ClaimDueAsync) ? Task.FromException(Unavailable) : Task.CompletedTask;
        };

        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(1));
        host.Time.Advance(TimeSpan.FromSeconds(1));
        await tried.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Mend();

        // Nobody holds it, so the next look finds it.
        host.Time.Advance(TimeSpan.FromSeconds(4));

        Assert.That((await host.Devices.NextAsync()).Id, Is.EqualTo(await host.HandleAsync(id)));
        Assert.That(host.Devices.Calls, Is.EqualTo(2));
    }

    private static CibaStoreUnavailableException Unavailable => new(Reason, new TimeoutException("Timeout performing EVAL for client-secret and sub-alice"));

    private CibaHost Host(Action<CibaOptions>? options = null, WaitingPolls? polls = null) => new() { Options = options, Setup = _store.Use, Map = polls is null ? null : polls.Use };

    private void Break(string step, Func<string, Task>? others = null) =>
        _store.Before = called => called == step ? Task.FromException(Unavailable) : others?.Invoke(called) ?? Task.CompletedTask;

    private void Mend() => _store.Before = _ => Task.CompletedTask;

    private static void IsUnavailable(Answer answer, string endpoint = "")
    {
        if (endpoint.StartsWith("CIBA device", StringComparison.Ordinal))
        {
            DeviceEndpointTests.AssertProblem(answer, 503, CibaError.TemporarilyUnavailable.Description);
            return;
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That(answer.Body, Is.EqualTo(Body));
            Assert.That(answer.Header("Content-Type"), Is.EqualTo("application/json"));
            Assert.That(answer.Header("Cache-Control"), Is.EqualTo("no-store"));
            Assert.That(answer.Header("X-Content-Type-Options"), Is.EqualTo("nosniff"));
        }
    }

    private static LogLine Refused(string endpoint) =>
        new("Ciba.AspNetCore.Http.ProtocolEndpoint", LogLevel.Warning, $"The request to {endpoint} was answered 503: {Reason} ");

    private static async Task<Answer> DeviceAsync(CibaHost host, HttpMethod method, string id, string action) =>
        await host.DeviceAsync(method, $"/requests/{await host.HandleAsync(id)}{action}", "alice");

    private static TestCaseData<string, string, Func<CibaHost, string, Task<Answer>>> Call(string step, string endpoint, Func<CibaHost, string, Task<Answer>> call)
    {
        var data = new TestCaseData<string, string, Func<CibaHost, string, Task<Answer>>>(step, endpoint, call);
        data.SetArgDisplayNames(step, endpoint);
        return data;
    }

    private sealed class NoReplayCache : ICibaReplayCache
    {
        public ValueTask<bool> TryUseAsync(string key, string use, DateTimeOffset expiresAt, CancellationToken cancellationToken) => throw Unavailable;
    }

    private sealed class NoLimiter(bool begins) : ICibaUserCodeLimiter
    {
        public ValueTask<bool> TryBeginAsync(string subject, string attempt, int maxFailures, TimeSpan window, CancellationToken cancellationToken) =>
            begins ? new(true) : throw Unavailable;

        public ValueTask SucceededAsync(string subject, string attempt, CancellationToken cancellationToken) => throw Unavailable;

        public ValueTask<TimeSpan> GetRemainingTimeAsync(string subject, CancellationToken cancellationToken) => throw Unavailable;
    }
}
