using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Ciba.AspNetCore.Jose;
using Base64Url = System.Buffers.Text.Base64Url;
using PublicKey = Ciba.AspNetCore.Jose.PublicKey;

namespace Ciba.AspNetCore.Clients;

/// <summary>RFC 8705 section 2.2.2: the certificate of a key that a client has registered, the first of its <c>x5c</c>.</summary>
internal static class RegisteredCertificates
{
    private static readonly string[] Algorithms = [.. JoseAlgorithms.Asymmetric, "EdDSA", "Ed25519", "Ed448"];

    /// <summary>
    /// The DER of the certificate, or null where there is none, one of another key (RFC 7517 section 4.7), or one of a key that is
    /// not there to check signatures.
    /// </summary>
    public static byte[]? Of(PublicKey published)
    {
        if (!published.IsForSignatures
            || (published.Algorithm is not null && !Algorithms.Contains(published.Algorithm))
            || published.Certificates is not { ValueKind: JsonValueKind.Array } chain
            || chain.EnumerateArray().FirstOrDefault() is not { ValueKind: JsonValueKind.String } first)
        {
            return null;
        }

        try
        {
            if (!first.TryGetBytesFromBase64(out var encoded))
            {
                return null;
            }

            using var certificate = X509CertificateLoader.LoadCertificate(encoded);
            return certificate.RawDataMemory.Span.SequenceEqual(encoded)
                && IsOf(published, certificate.PublicKey.EncodedKeyValue.RawData)
                && IsWithinBounds(certificate) ? encoded : null;
        }
        catch (Exception exception) when (exception is CryptographicException or AsnContentException or FormatException or InvalidOperationException)
        {
            // No certificate, or half a surrogate pair.
            return null;
        }
    }

    // A key without numbers of its own says nothing else than its certificate.
    private static bool IsOf(PublicKey published, byte[] encoded) => published switch
    {
        { X: null, Y: null, Modulus: null, Exponent: null } => published.KeyType is not null,
        { KeyType: "EC", X: { } x, Y: { } y } => encoded.AsSpan().SequenceEqual((byte[])[4, .. Base64Url.DecodeFromChars(x), .. Base64Url.DecodeFromChars(y)]),
        { KeyType: "OKP", X: { } x } => encoded.AsSpan().SequenceEqual(Base64Url.DecodeFromChars(x)),
        { KeyType: "RSA", Modulus: { } modulus, Exponent: { } exponent } => IsRsa(encoded, Base64Url.DecodeFromChars(modulus), Base64Url.DecodeFromChars(exponent)),
        _ => false,
    };

    private static bool IsRsa(byte[] encoded, byte[] modulus, byte[] exponent)
    {
        var numbers = new AsnReader(encoded, AsnEncodingRules.DER).ReadSequence();
        return IsSame(numbers.ReadIntegerBytes().Span, modulus) && IsSame(numbers.ReadIntegerBytes().Span, exponent);
    }

    private static bool IsWithinBounds(X509Certificate2 certificate)
    {
        using var rsa = certificate.GetRSAPublicKey();
        return rsa is null || (rsa.KeySize is >= JoseAlgorithms.MinRsaBits and <= JoseAlgorithms.MaxRsaBits
            && rsa.ExportParameters(includePrivateParameters: false) is var numbers && JoseAlgorithms.AreRsaNumbers(numbers.Modulus, numbers.Exponent));
    }

    private static bool IsSame(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other) => one.TrimStart((byte)0).SequenceEqual(other.TrimStart((byte)0));
}
