using Microsoft.AspNetCore.DataProtection;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>Data Protection keys as if they were on disk: those that are known to be a process's own are refused.</summary>
internal sealed class KeyRing : IDataProtectionProvider
{
    private readonly EphemeralDataProtectionProvider _keys = new();

    public IDataProtector CreateProtector(string purpose) => _keys.CreateProtector(purpose);
}
