using System.Buffers.Binary;
using System.Security.Cryptography;
using Ciba.AspNetCore.Jose;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Ciba.AspNetCore.Binding;

/// <summary>
/// RFC 9449 section 8: what a proof must hold that nobody can have made in advance. It is the time, encrypted: nodes that share
/// their Data Protection keys know each other's, and nothing is stored.
/// </summary>
internal sealed class DpopNonces(IServiceProvider services, IOptions<CibaOptions> options, TimeProvider time)
{
    private const string Header = "DPoP-Nonce";
    private const int MaxLength = 1024;

    // Asked for only where nonces are used, which is where the start has checked that it is there.
    private readonly Lazy<IDataProtector> _protector = new(
        () => services.GetRequiredService<IDataProtectionProvider>().CreateProtector("Ciba.AspNetCore.DpopNonce.v1"),
        LazyThreadSafetyMode.PublicationOnly);

    public bool IsGood(string? nonce)
    {
        if (nonce is not { Length: <= MaxLength } || Jwt.Decode(nonce) is not { } encrypted)
        {
            return false;
        }

        try
        {
            var issuedAt = new DateTimeOffset(BinaryPrimitives.ReadInt64BigEndian(_protector.Value.Unprotect(encrypted)), TimeSpan.Zero);
            return (time.GetUtcNow() - issuedAt).Duration() < options.Value.Dpop.NonceLifetime;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    public void Send(HttpContext context) => context.Response.Headers[Header] = New();

    /// <summary>Section 8.2: the next nonce, made when the answer is, which may be after a long poll.</summary>
    public void SendWithAnswer(HttpContext context) => context.Response.OnStarting(() =>
    {
        Send(context);
        return Task.CompletedTask;
    });

    private string New()
    {
        var issuedAt = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(issuedAt, time.GetUtcNow().UtcTicks);
        return Base64Url.EncodeToString(_protector.Value.Protect(issuedAt));
    }
}
