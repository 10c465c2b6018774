using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Events;

/// <summary>
/// Makes the host's listener anew for every event, in a scope of its own: one that cannot be made keeps no other from
/// hearing, and one that is left behind keeps its scope until it ends.
/// </summary>
internal sealed class ScopedListener<T>(IServiceScopeFactory scopes) : ICibaEvents
    where T : class, ICibaEvents
{
    public async ValueTask OnEventAsync(CibaEvent occurrence, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        if (occurrence.Issuer is { } issuer)
        {
            scope.ServiceProvider.GetRequiredService<CibaTenant>().Issuer = issuer;
        }

        await scope.ServiceProvider.GetRequiredService<T>().OnEventAsync(occurrence, cancellationToken);
    }

    public override string ToString() => typeof(T).ToString();
}
