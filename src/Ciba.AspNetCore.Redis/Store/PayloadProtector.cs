using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>
/// Encrypts the sections of a record, where the host wants it, and binds each to its request: what is copied from another
/// request's record, an approval above all, is worth nothing.
/// </summary>
internal sealed class PayloadProtector(IDataProtectionProvider? provider)
{
    private readonly IDataProtector? _protector = provider?.CreateProtector("Ciba.AspNetCore.Redis", "request", "v1");

    public byte[] Protect(string id, char section, byte[] content) =>
        _protector is null ? content : _protector.Protect([.. Binding(id, section), .. content]);

    /// <exception cref="CryptographicException">It was not written by a node with these keys, or for another request.</exception>
    public ReadOnlySpan<byte> Unprotect(string id, char section, ReadOnlySpan<byte> stored)
    {
        if (_protector is null)
        {
            return stored;
        }

        var binding = Binding(id, section);
        var content = _protector.Unprotect(stored.ToArray()).AsSpan();
        return content.StartsWith(binding) ? content[binding.Length..] : throw new CryptographicException("The payload belongs to another request.");
    }

    private static byte[] Binding(string id, char section) => Encoding.UTF8.GetBytes($"{id}{section}");
}
