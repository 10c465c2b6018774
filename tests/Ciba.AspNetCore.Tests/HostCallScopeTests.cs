using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>Who of the host's is left behind at a time-out still has what is in the scope that was made for the call.</summary>
public sealed class HostCallScopeTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly FakeReceiver _receiver = new();
    private readonly Script _script = new();

    public void Dispose() => _receiver.Dispose();

    [Test, Spec("A21")]
    public async Task The_scope_of_a_notifier_ends_with_its_call()
    {
        await using var host = new CibaHost
        {
            Options = CallbackCalls.Quietly,
            Notifiers = ciba => ciba.AddDeviceNotifier<Slow>(),
            Setup = _script.In,
        };
        var asking = host.AuthorizeAsync();
        await _script.Gate.ReachedAsync();
        host.Time.Advance(TimeSpan.FromSeconds(10));
        Refusal.Says(await asking.WaitAsync(Bound), "temporarily_unavailable", 503);

        await EndsAsync();
    }

    [Test, Spec("P5")]
    public async Task The_scope_of_a_token_issuer_ends_with_its_call()
    {
        await using var host = new CibaHost
        {
            Clients = [FakeReceiver.PushClient()],
            Options = CallbackCalls.Quietly,
            Setup = ciba =>
            {
                _receiver.Use(ciba);
                _script.In(ciba);
                ciba.AddTokenIssuer<Slow>();
            },
        };
        await host.ApproveAsync((await host.AskAsync()).AuthReqId);
        await _script.Gate.ReachedAsync();
        host.Time.Advance(TimeSpan.FromSeconds(10));
        await host.Time.TimerSetAsync(TimeSpan.FromSeconds(1));

        await EndsAsync();
    }

    private async Task EndsAsync()
    {
        _script.Gate.Open();
        Assert.That(await _script.WasDisposedOf.Task.WaitAsync(Bound), Is.False, "disposed of under who uses it");
        await _script.IsDisposedOf.Task.WaitAsync(Bound);
    }

    private sealed class Script
    {
        public Gate Gate { get; } = new();

        public TaskCompletionSource<bool> WasDisposedOf { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource IsDisposedOf { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void In(CibaBuilder builder) => builder.Services.AddSingleton(this).AddScoped<Resource>();
    }

    private sealed class Resource(Script script) : IDisposable
    {
        public void Dispose() => script.IsDisposedOf.SetResult();
    }

    private sealed class Slow(Script script, Resource resource) : ICibaDeviceNotifier, ICibaTokenIssuer
    {
        public Task NotifyAsync(CibaDeviceRequest request, CancellationToken cancellationToken) => UseAsync();

        public async ValueTask<CibaTokens> IssueAsync(CibaTokenRequest request, CancellationToken cancellationToken)
        {
            await UseAsync();
            throw new InvalidOperationException("too late");
        }

        private async Task UseAsync()
        {
            await script.Gate.PassAsync(CancellationToken.None);
            GC.KeepAlive(resource);
            script.WasDisposedOf.SetResult(script.IsDisposedOf.Task.IsCompleted);
        }
    }
}
