using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>
/// Calls of the host's interfaces that are left behind when their token fires, be it that they do not look at it or block. Each
/// has a thread and a scope of its own, for the tenant of its request; one that is left behind keeps both until it ends.
/// </summary>
internal sealed class HostCalls(IServiceScopeFactory scopes)
{
    public Task<T> AskAsync<T>(CibaRequest request, Func<IServiceProvider, ValueTask<T>> ask, CancellationToken cancellationToken) =>
        Task.Run(() => InScopeAsync(request, ask), CancellationToken.None).WaitAsync(cancellationToken);

    public Task TellAsync(CibaRequest request, Func<IServiceProvider, Task> tell, CancellationToken cancellationToken) =>
        AskAsync(
            request,
            async services =>
            {
                await tell(services);
                return true;
            },
            cancellationToken);

    private async Task<T> InScopeAsync<T>(CibaRequest request, Func<IServiceProvider, ValueTask<T>> ask)
    {
        await using var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<CibaTenant>().Use(request);
        return await ask(scope.ServiceProvider);
    }
}
