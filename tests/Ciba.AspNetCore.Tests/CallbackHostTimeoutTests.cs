namespace Ciba.AspNetCore.Tests;

/// <summary>What a host is asked for a callback may take one time-out, and holds up no other callback for longer.</summary>
[Spec("P5")]
public sealed class CallbackHostTimeoutTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly FakeReceiver _receiver = new();
    private readonly HookedUsers _users = new();
    private readonly HookedClients _clients = new() { Current = FakeReceiver.PushClient() };
    private readonly PushIssuer _issuer = new();

    // Nobody completes it before the end of the test, and who waits for it does not look at its token.
    private readonly TaskCompletionSource _never = new();

    public void Dispose()
    {
        _never.SetResult();
        _issuer.Dispose();
        _receiver.Dispose();
    }

    [Test]
    public async Task A_host_that_hangs_is_left_behind_its_place_is_free_and_it_is_asked_again([Values("users", "clients", "issuer")] string hangs, [Values] bool blocks)
    {
        await using var host = Host();
        var (alice, bob) = ((await HookedClients.AskAsync(host)).AuthReqId, (await HookedClients.AskAsync(host, "bob")).AuthReqId);
        var hanging = HangOnce(hangs, blocks);
        await host.ApproveAsync(alice);
        await hanging.WaitAsync(Bound);
        host.Time.Advance(TimeSpan.FromSeconds(1));
        await host.ApproveAsync(bob, "bob");
        host.Time.Advance(TimeSpan.FromSeconds(9) - TimeSpan.FromTicks(1));
        Assert.That(host.Log.Ours.Select(line => line.Text), Has.None.Contains("was not delivered"));
        host.Time.Advance(TimeSpan.FromTicks(1));

        var other = await _receiver.NextAsync();
        await host.WaitedAsync(1);
        var again = await _receiver.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(other.Tokens.AuthReqId, Is.EqualTo(bob));
            Assert.That(again.Tokens.AuthReqId, Is.EqualTo(alice));
            Assert.That(new[] { other, again }.Select(call => call.Tokens.Text("access_token")), Is.All.Not.Null);
            Assert.That(host.Log.Ours.Select(line => line.Text), Has.One.Contains("was not delivered; the next try is in 00:00:01: it took too long"));
        }
    }

    /// <summary>The next one who is asked for the callback hangs; done when that is so.</summary>
    private Task HangOnce(string hangs, bool blocks)
    {
        var (reached, calls) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), 0);
        Task OnCall(int which)
        {
            if (Interlocked.Increment(ref calls) != which)
            {
                return Task.CompletedTask;
            }

            reached.SetResult();
            return blocks ? Task.FromResult(_never.Task.Wait(Bound)) : _never.Task;
        }

        switch (hangs)
        {
            case "users":
                // The first call is the approval's.
                _users.OnActive = _ => OnCall(2);
                break;
            case "clients":
                _clients.OnFind = () => OnCall(1);
                break;
            default:
                _issuer.BeforeIssue = _ => OnCall(1);
                break;
        }

        return reached.Task;
    }

    private CibaHost Host() => new()
    {
        Clients = [],
        Options = options =>
        {
            CallbackCalls.Quietly(options);
            options.Callbacks.MaxConcurrentPerReceiver = 1;
        },
        Setup = ciba =>
        {
            _receiver.Use(ciba);
            _users.Use(ciba);
            _clients.Use(ciba);
            _issuer.Use(ciba);
        },
    };
}
