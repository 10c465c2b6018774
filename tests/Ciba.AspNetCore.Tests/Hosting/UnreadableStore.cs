using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A store that shows the device nothing, as one whose keys are lost, and decides all the same.</summary>
public class UnreadableStore : DispatchProxy
{
    private ICibaRequestStore _store = null!;

    /// <summary>Puts this store in the place of the ready one.</summary>
    public static void Use(CibaBuilder builder) => builder.Services.Replace(ServiceDescriptor.Singleton(services =>
    {
        var store = Create<ICibaRequestStore, UnreadableStore>();
        ((UnreadableStore)(object)store)._store = new MemoryCibaRequestStore(services.GetRequiredService<TimeProvider>());
        return store;
    }));

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
        targetMethod!.Name == nameof(ICibaRequestStore.GetAsync) ? new ValueTask<CibaRequestState?>((CibaRequestState?)null) : targetMethod.Invoke(_store, args);
}
