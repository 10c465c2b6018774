using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A memory store whose ends of a lease a test watches or breaks.</summary>
public sealed class HookedStore : ICibaRequestStore, IDisposable
{
    private MemoryCibaRequestStore _store = null!;

    /// <summary>Runs before a lease ends with success.</summary>
    public Action OnComplete { get; set; } = () => { };

    /// <summary>Runs before a lease is given back.</summary>
    public Action OnRelease { get; set; } = () => { };

    /// <summary>Runs after a lease was given back.</summary>
    public Action AfterRelease { get; set; } = () => { };

    /// <summary>Puts this store in the place of the ready one.</summary>
    public void Use(CibaBuilder builder) => builder.Services.Replace(ServiceDescriptor.Singleton<ICibaRequestStore>(provider =>
    {
        _store = new MemoryCibaRequestStore(provider.GetRequiredService<TimeProvider>());
        return this;
    }));

    public ValueTask<CibaAddResult> AddAsync(CibaRequest request, CibaRequestLimits limits, CancellationToken cancellationToken) =>
        _store.AddAsync(request, limits, cancellationToken);

    public ValueTask<CibaPollResult> PollAsync(string id, string clientId, DateTimeOffset now, TimeSpan leaseTime, CancellationToken cancellationToken) =>
        _store.PollAsync(id, clientId, now, leaseTime, cancellationToken);

    public ValueTask<bool> CompleteAsync(string id, string lease, CancellationToken cancellationToken)
    {
        OnComplete();
        return _store.CompleteAsync(id, lease, cancellationToken);
    }

    public ValueTask<CibaPollResult> PollAfterWaitAsync(string id, string clientId, DateTimeOffset now, TimeSpan leaseTime, CancellationToken cancellationToken) =>
        _store.PollAfterWaitAsync(id, clientId, now, leaseTime, cancellationToken);

    public Task WaitForDecisionAsync(string id, CancellationToken cancellationToken) => _store.WaitForDecisionAsync(id, cancellationToken);

    public async ValueTask<bool> ReleaseAsync(string id, string lease, CancellationToken cancellationToken)
    {
        OnRelease();
        var released = await _store.ReleaseAsync(id, lease, cancellationToken);
        AfterRelease();
        return released;
    }

    public ValueTask<CibaDecideResult> DecideAsync(string id, string subject, CibaDecision decision, DateTimeOffset now, CancellationToken cancellationToken) =>
        _store.DecideAsync(id, subject, decision, now, cancellationToken);

    public ValueTask<CibaRequestState?> GetAsync(string id, string subject, DateTimeOffset now, CancellationToken cancellationToken) =>
        _store.GetAsync(id, subject, now, cancellationToken);

    public ValueTask<IReadOnlyList<CibaRequest>> ListPendingAsync(string subject, DateTimeOffset now, CancellationToken cancellationToken) =>
        _store.ListPendingAsync(subject, now, cancellationToken);

    public ValueTask<bool> RemoveAsync(string id, string subject, CancellationToken cancellationToken) => _store.RemoveAsync(id, subject, cancellationToken);

    public void Dispose() => _store.Dispose();
}
