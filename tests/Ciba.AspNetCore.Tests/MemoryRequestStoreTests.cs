namespace Ciba.AspNetCore.Tests;

/// <summary>The store in memory: the contract of all stores, here.</summary>
public sealed class MemoryRequestStoreTests : RequestStoreContract
{
    protected override ICibaRequestStore CreateStore(ManualTime time) => new MemoryCibaRequestStore(time);
}
