using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>Whether this node can read what another encrypts, tried with a text that says nothing.</summary>
internal sealed class SharedKeys(IServiceProvider services, RedisOptionRules rules)
{
    private const string Text = "canary";

    private IDataProtector? _protector;

    /// <summary>The text, encrypted; null if this node needs no keys that others have, or cannot have them now.</summary>
    public byte[]? Protect()
    {
        if (!rules.NeedsSharedKeys || services.GetService<IDataProtectionProvider>() is not { } provider)
        {
            return null;
        }

        try
        {
            _protector = provider.CreateProtector("Ciba.AspNetCore.Redis", Text, "v1");
            return _protector.Protect(Encoding.UTF8.GetBytes(Text));
        }
        catch (CryptographicException)
        {
            // Data Protection has said so itself; where the keys lie may be there later.
            return null;
        }
    }

    /// <summary>Whether the keys of this node open what another has encrypted.</summary>
    public bool CanRead(byte[] canary)
    {
        try
        {
            _protector!.Unprotect(canary);
            return true;
        }
        catch (CryptographicException exception)
        {
            // Where the key ring cannot be read now, nothing is known of its keys.
            return exception.InnerException is not (null or CryptographicException);
        }
    }
}
