using System.Net;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>How long one poll holds an approval while its tokens are issued, and how it is given back.</summary>
public sealed class RedemptionLeaseTests
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan OneTick = TimeSpan.FromTicks(1);
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    [Test, Spec("T12")]
    public async Task An_issuer_is_cancelled_when_the_lease_is_over_and_the_next_poll_succeeds()
    {
        var gate = new Gate();
        var tokens = new FakeTokens { OnIssue = (call, token) => call == 1 ? IssueBehind(gate, call, token) : Task.FromResult<CibaTokens?>(FakeTokens.Right(call)) };
        await using var host = new CibaHost { Setup = tokens.Use };
        var id = await ApprovedAsync(host);

        var first = host.PollAsync(id);
        await gate.ReachedAsync();
        host.Time.Advance(Lease - OneTick);
        var during = await host.PollAsync(id);
        host.Time.Advance(OneTick);
        var failed = await first.WaitAsync(Bound);
        var right = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(during.Error, Is.EqualTo("authorization_pending"));
            Assert.That(failed.Status, Is.EqualTo(HttpStatusCode.InternalServerError));
            Assert.That(failed.Error, Is.EqualTo("server_error"));
            Assert.That(right.Text("access_token"), Is.EqualTo("access-2"));
        }
    }

    [Test, Spec("T8"), Spec("T12")]
    public async Task Tokens_that_come_after_the_lease_are_thrown_away()
    {
        var gate = new Gate();
        var tokens = new FakeTokens { OnIssue = (call, _) => call == 1 ? IssueBehind(gate, call, CancellationToken.None) : Task.FromResult<CibaTokens?>(FakeTokens.Right(call)) };
        await using var host = new CibaHost { Setup = tokens.Use };
        var id = await ApprovedAsync(host);

        var first = host.PollAsync(id);
        await gate.ReachedAsync();
        host.Time.Advance(Lease);
        var second = await host.PollAsync(id);
        gate.Open();
        var late = await first.WaitAsync(Bound);
        var third = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(second.Text("access_token"), Is.EqualTo("access-2"));
            Assert.That(late.Status, Is.Not.EqualTo(HttpStatusCode.OK));
            Assert.That(late.Body, Does.Not.Contain("access-1"));
            Assert.That(third.Error, Is.EqualTo("invalid_grant"));
        }
    }

    [Test, Spec("T8"), Spec("T12")]
    public async Task A_late_issuer_does_not_take_the_lease_from_the_poll_that_has_it_now()
    {
        Gate[] gates = [new(), new()];
        var tokens = new FakeTokens { OnIssue = (call, _) => IssueBehind(gates[call - 1], call, CancellationToken.None) };
        await using var host = new CibaHost { Setup = tokens.Use };
        var id = await ApprovedAsync(host);

        var first = host.PollAsync(id);
        await gates[0].ReachedAsync();
        host.Time.Advance(Lease);
        var second = host.PollAsync(id);
        await gates[1].ReachedAsync();
        gates[0].Open();
        var late = await first.WaitAsync(Bound);
        var third = await host.PollAsync(id);
        gates[1].Open();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(late.Body, Does.Not.Contain("access-1"));
            Assert.That(third.Error, Is.EqualTo("authorization_pending"));
            Assert.That((await second.WaitAsync(Bound)).Text("access_token"), Is.EqualTo("access-2"));
        }
    }

    [Test, Spec("T4"), Spec("T8")]
    public async Task A_redemption_that_began_in_time_ends_with_tokens_after_the_expiry()
    {
        var gate = new Gate();
        var tokens = new FakeTokens { OnIssue = (call, token) => IssueBehind(gate, call, token) };
        await using var host = new CibaHost { Setup = tokens.Use };
        var id = await ApprovedAsync(host);
        host.Time.Advance(TimeSpan.FromMinutes(2) - OneTick);

        var first = host.PollAsync(id);
        await gate.ReachedAsync();
        host.Time.Advance(Lease - OneTick);
        gate.Open();

        Assert.That((await first.WaitAsync(Bound)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test, Spec("T12"), Spec("T8")]
    public async Task A_client_that_goes_away_while_tokens_are_issued_leaves_the_approval([Values] bool issuerListens)
    {
        var gate = new Gate();
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var released = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new HookedStore { AfterRelease = () => released.TrySetResult() };
        var tokens = new FakeTokens
        {
            OnIssue = async (call, token) =>
            {
                if (call == 1)
                {
                    token.Register(() => gone.TrySetResult());
                    await gate.PassAsync(issuerListens ? token : CancellationToken.None);
                }

                return FakeTokens.Right(call);
            },
        };
        await using var host = new CibaHost
        {
            Setup = builder =>
            {
                tokens.Use(builder);
                store.Use(builder);
            },
        };
        var id = await ApprovedAsync(host);
        using var client = new CancellationTokenSource();
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["client_id"] = "client",
            ["client_secret"] = CibaHost.Secret,
            ["grant_type"] = CibaHost.GrantType,
            ["auth_req_id"] = id,
        });

        var first = (await host.HttpAsync()).PostAsync(new Uri("/token", UriKind.Relative), form, client.Token);
        await gate.ReachedAsync();
        await client.CancelAsync();
        await gone.Task.WaitAsync(Bound);
        gate.Open();
        await released.Task.WaitAsync(Bound);
        var next = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => first, Throws.InstanceOf<OperationCanceledException>());
            Assert.That(next.Text("access_token"), Is.EqualTo("access-2"));
            Assert.That(host.Log.Ours.Where(line => line.Level >= LogLevel.Error), Is.Empty);
        }
    }

    [Test, Spec("T12")]
    public async Task A_store_that_fails_to_give_back_loses_nothing_but_the_time_of_the_lease()
    {
        var store = new HookedStore { OnRelease = () => throw new TimeoutException("The store does not answer.") };
        var tokens = new FakeTokens { OnIssue = (call, _) => call == 1 ? throw new InvalidOperationException("the first fault") : Task.FromResult<CibaTokens?>(FakeTokens.Right(call)) };
        await using var host = new CibaHost
        {
            Setup = builder =>
            {
                tokens.Use(builder);
                store.Use(builder);
            },
        };
        var id = await ApprovedAsync(host);

        var failed = await host.PollAsync(id);
        host.Time.Advance(Lease - OneTick);
        var during = await host.PollAsync(id);
        host.Time.Advance(OneTick);
        var right = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(failed.Error, Is.EqualTo("server_error"));
            Assert.That(host.Log.Ours.Where(line => line.Level == LogLevel.Error).Select(line => line.Text), Has.One.Contains("the first fault"));
            Assert.That(during.Error, Is.EqualTo("authorization_pending"));
            Assert.That(right.Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test, Spec("T12")]
    public async Task A_store_that_fails_to_complete_hands_out_no_tokens_and_the_next_poll_succeeds()
    {
        var store = new HookedStore { OnComplete = () => throw new TimeoutException("The store does not answer.") };
        await using var host = new CibaHost { Setup = store.Use };
        var id = await ApprovedAsync(host);

        var failed = await host.PollAsync(id);
        store.OnComplete = () => { };
        var right = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(failed.Status, Is.EqualTo(HttpStatusCode.InternalServerError));
            Assert.That(failed.Error, Is.EqualTo("server_error"));
            Assert.That(right.Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    private static async Task<string> ApprovedAsync(CibaHost host)
    {
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.ApproveAsync(id);
        return id;
    }

    private static async Task<CibaTokens?> IssueBehind(Gate gate, int call, CancellationToken cancellationToken)
    {
        await gate.PassAsync(cancellationToken);
        return FakeTokens.Right(call);
    }
}
