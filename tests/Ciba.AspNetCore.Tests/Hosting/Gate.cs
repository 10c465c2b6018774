namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Holds whoever comes, until a test lets them go.</summary>
public sealed class Gate
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Waits until somebody stands at the gate.</summary>
    public Task ReachedAsync() => _reached.Task.WaitAsync(Bound);

    /// <summary>Stands at the gate until it opens or the token fires.</summary>
    public Task PassAsync(CancellationToken cancellationToken = default)
    {
        _reached.TrySetResult();
        return _open.Task.WaitAsync(Bound, cancellationToken);
    }

    public void Open() => _open.TrySetResult();
}
