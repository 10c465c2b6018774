using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>
/// Encrypts the sections of a record, what a callback needs always and the others where the host wants it, and binds each to
/// its request: what is copied from another request's record, an approval above all, is worth nothing.
/// </summary>
/// <param name="provider">Asked when there is something to encrypt, and not before.</param>
/// <param name="all">Whether all sections are encrypted.</param>
internal sealed class PayloadProtector(Func<IDataProtectionProvider> provider, bool all)
{
    private readonly Lazy<IDataProtector> _protector = new(
        () => provider().CreateProtector("Ciba.AspNetCore.Redis", "request", "v1"),
        LazyThreadSafetyMode.PublicationOnly);

    public byte[] Protect(string id, char section, byte[] content) =>
        IsProtected(section) ? _protector.Value.Protect([.. Binding(id, section), .. content]) : content;

    /// <exception cref="CryptographicException">It was not written by a node with these keys, or for another request.</exception>
    public ReadOnlySpan<byte> Unprotect(string id, char section, ReadOnlySpan<byte> stored)
    {
        if (!IsProtected(section))
        {
            return stored;
        }

        var binding = Binding(id, section);
        var content = _protector.Value.Unprotect(stored.ToArray()).AsSpan();
        return content.StartsWith(binding) ? content[binding.Length..] : throw new CryptographicException("The payload belongs to another request.");
    }

    private bool IsProtected(char section) => all || section == RequestRecord.Callback;

    private static byte[] Binding(string id, char section) => Encoding.UTF8.GetBytes($"{id}{section}");
}
