using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Hosting;

/// <summary>
/// Calls of the host's interfaces that no request waits for, or that are left behind when their token fires, because they ignore it
/// or block. Their number is bounded, and they run on threads of their own. Each has its scope, for the tenant of its request; one
/// that is left behind keeps scope, thread and place until it ends.
/// </summary>
internal sealed class HostCalls(IServiceScopeFactory scopes, IOptions<CibaOptions> options, TimeProvider time)
{
    // Made when they are first needed: before that, the options may be wrong.
    private readonly Lazy<CallPlaces> _notifications = new(() => new("CIBA notification", options.Value.Limits.ConcurrentNotifications, time));
    private readonly Lazy<CallPlaces> _callbacks = new(() => new("CIBA callback", options.Value.Callbacks.MaxConcurrent, time));

    /// <summary>The places of calls that notify devices.</summary>
    public CallPlaces Notifications => _notifications.Value;

    /// <summary>The places of what the host is asked for a callback.</summary>
    public CallPlaces Callbacks => _callbacks.Value;

    /// <summary>Asks the host for a callback, in its turn.</summary>
    /// <exception cref="OperationCanceledException">There was no answer before the token fired.</exception>
    public async Task<T> AskAsync<T>(CibaRequest request, Func<IServiceProvider, ValueTask<T>> ask, CancellationToken cancellationToken)
    {
        if (await Callbacks.EnterAsync(request, options.Value.Callbacks.Timeout, cancellationToken) is not { } place)
        {
            throw new OperationCanceledException("There was no free place in time.");
        }

        try
        {
            return await CallAsync(place, request, ask, cancellationToken);
        }
        finally
        {
            place.Leave();
        }
    }

    /// <summary>Tells the host something from a place that the caller has.</summary>
    public Task TellAsync(CallPlace place, CibaRequest request, Func<IServiceProvider, Task> tell, CancellationToken cancellationToken) =>
        CallAsync(
            place,
            request,
            async services =>
            {
                await tell(services);
                return true;
            },
            cancellationToken);

    private Task<T> CallAsync<T>(CallPlace place, CibaRequest request, Func<IServiceProvider, ValueTask<T>> call, CancellationToken cancellationToken)
    {
        place.Hold();
        return place.Threads.RunAsync(() => InScopeAsync(place, request, call)).WaitAsync(cancellationToken);
    }

    private async Task<T> InScopeAsync<T>(CallPlace place, CibaRequest request, Func<IServiceProvider, ValueTask<T>> call)
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            scope.ServiceProvider.GetRequiredService<CibaTenant>().Use(request);
            return await call(scope.ServiceProvider);
        }
        finally
        {
            place.Leave();
        }
    }
}
