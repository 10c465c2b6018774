using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;

namespace Ciba.AspNetCore.Redis.Store;

/// <summary>
/// Encrypts the sections of a record, what a callback needs and what a push sends always and the others where the host wants it, and binds each to
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
    /// <exception cref="CibaStoreUnavailableException">The keys could not be fetched.</exception>
    public ReadOnlySpan<byte> Unprotect(string id, char section, ReadOnlySpan<byte> stored)
    {
        if (!IsProtected(section))
        {
            return stored;
        }

        var binding = Binding(id, section);
        var content = Unprotect(stored.ToArray()).AsSpan();
        return content.StartsWith(binding) ? content[binding.Length..] : throw new CryptographicException("The payload belongs to another request.");
    }

    private byte[] Unprotect(byte[] stored)
    {
        try
        {
            return _protector.Value.Unprotect(stored);
        }
        catch (CryptographicException exception) when (exception.InnerException is not (null or CryptographicException))
        {
            // Data Protection wraps whatever goes wrong; a key that it does not have it reports by itself.
            throw new CibaStoreUnavailableException("The Data Protection keys could not be fetched.", exception);
        }
    }

    private bool IsProtected(char section) => all || section is RequestRecord.Callback or RequestRecord.PushTokens;

    private static byte[] Binding(string id, char section) => Encoding.UTF8.GetBytes($"{id}{section}");
}
