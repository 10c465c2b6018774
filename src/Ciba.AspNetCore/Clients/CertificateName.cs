using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Ciba.AspNetCore.Clients;

/// <summary>RFC 8705 section 2.1.2: the one name by which a certificate is the client's.</summary>
internal sealed class CertificateName
{
    private const string SubjectAlternativeName = "2.5.29.17";

    // RFC 5280 section 4.2.1.6: the kinds of a GeneralName.
    private const int Email = 1;
    private const int Dns = 2;
    private const int Uri = 6;
    private const int Ip = 7;

    private readonly DistinguishedName? _subject;
    private readonly int _kind;
    private readonly string? _text;
    private readonly byte[]? _address;

    private CertificateName(DistinguishedName subject) => _subject = subject;

    private CertificateName(int kind, string text) => (_kind, _text) = (kind, text);

    private CertificateName(byte[] address) => (_kind, _address) = (Ip, address);

    /// <summary>The registered name; <paramref name="problem"/> says why there is none.</summary>
    public static CertificateName? Of(CibaClient client, out string? problem)
    {
        problem = Registered(client).Count == 1
            ? null
            : "TokenEndpointAuthMethod 'tls_client_auth' needs exactly one of TlsClientAuthSubjectDn, TlsClientAuthSanDns, TlsClientAuthSanUri, TlsClientAuthSanIp and TlsClientAuthSanEmail (RFC 8705 section 2.1.2)";
        return problem is null ? Read(client, out problem) : null;
    }

    /// <summary>The names that a client has registered, each with the property that holds it.</summary>
    public static IReadOnlyList<(string Property, string Name)> Registered(CibaClient client)
    {
        (string Property, string? Name)[] all =
        [
            (nameof(client.TlsClientAuthSubjectDn), client.TlsClientAuthSubjectDn),
            (nameof(client.TlsClientAuthSanDns), client.TlsClientAuthSanDns),
            (nameof(client.TlsClientAuthSanUri), client.TlsClientAuthSanUri),
            (nameof(client.TlsClientAuthSanIp), client.TlsClientAuthSanIp),
            (nameof(client.TlsClientAuthSanEmail), client.TlsClientAuthSanEmail),
        ];
        return [.. all.Where(one => one.Name is not null).Select(one => (one.Property, one.Name!))];
    }

    /// <summary>What differs, for the operator; null where the certificate has the name.</summary>
    public string? WhyNot(X509Certificate2 certificate)
    {
        if (_subject is null)
        {
            return NamesOf(certificate) is not { } names ? "its subject alternative names cannot be read"
                : names.Any(IsRegistered) ? null
                : "the registered name is not among its subject alternative names of that kind";
        }

        return DistinguishedName.Of(certificate.SubjectName) is not { } subject ? "its subject cannot be read"
            : subject.Is(_subject) ? null
            : subject.IsReversed(_subject) ? "its subject is TlsClientAuthSubjectDn in the other order: RFC 4514 begins with the last part of the certificate's name"
            : "its subject differs from TlsClientAuthSubjectDn";
    }

    private static CertificateName? Read(CibaClient client, out string? problem)
    {
        problem = null;
        if (client.TlsClientAuthSubjectDn is { } text)
        {
            var subject = DistinguishedNameText.Read(text);
            problem = subject is null ? "TlsClientAuthSubjectDn is no distinguished name by RFC 4514, such as CN=shop,O=Example,C=DE; other attribute types are written as their object identifier" : null;
            return subject is null ? null : new CertificateName(subject);
        }

        if (client.TlsClientAuthSanIp is { } ip)
        {
            var address = ReadAddress(ip);
            problem = address is null ? "TlsClientAuthSanIp is no IP address: write 192.0.2.1 or 2001:db8::1" : null;
            return address is null ? null : new CertificateName(address);
        }

        var (kind, name, wrong) = client switch
        {
            { TlsClientAuthSanDns: { } dns } => (Dns, dns, IsHostName(dns) ? null : "TlsClientAuthSanDns is no host name: write shop.example"),
            { TlsClientAuthSanUri: { } uri } => (Uri, uri, IsAbsoluteUri(uri) ? null : "TlsClientAuthSanUri is no absolute URI: write https://shop.example/ciba or urn:example:shop, as the certificate has it"),
            _ => (Email, client.TlsClientAuthSanEmail!, IsMailbox(client.TlsClientAuthSanEmail!) ? null : "TlsClientAuthSanEmail is no mailbox: write ops@shop.example"),
        };
        problem = wrong;
        return problem is null ? new CertificateName(kind, name) : null;
    }

    // A certificate may have a name such as *.shop.example, and holds other names than ASCII in another form.
    private static bool IsHostName(string text) =>
        Ascii.IsValid(text) && System.Uri.CheckHostName(text.StartsWith("*.", StringComparison.Ordinal) ? text[2..] : text) == UriHostNameType.Dns;

    // The framework takes /shop for the address of a file.
    private static bool IsAbsoluteUri(string text) =>
        IsPrintable(text) && System.Uri.TryCreate(text, UriKind.Absolute, out var uri) && text.StartsWith($"{uri.Scheme}:", StringComparison.OrdinalIgnoreCase);

    private static bool IsMailbox(string text) => IsPrintable(text) && text.LastIndexOf('@') is > 0 and var at && at < text.Length - 1;

    private static bool IsPrintable(string text) => text.All(c => c is > ' ' and <= '~');

    // The framework reads 1, 0x7f.1 and fe80::1%2 too, which name other things to other people.
    private static byte[]? ReadAddress(string text) =>
        IPAddress.TryParse(text, out var address) && !text.AsSpan().ContainsAny("%[]") && (text.Contains(':') || address.ToString() == text)
            ? address.GetAddressBytes()
            : null;

    private bool IsRegistered((int Kind, string? Text, byte[]? Address) name) => name.Kind == _kind && _kind switch
    {
        Ip => name.Address.AsSpan().SequenceEqual(_address),
        Dns => string.Equals(name.Text, _text, StringComparison.OrdinalIgnoreCase),
        Email => IsSameMailbox(name.Text!, _text!),
        _ => name.Text == _text,
    };

    // RFC 5280 section 7.5: the domain is compared without letter case, what stands before it with.
    private static bool IsSameMailbox(string one, string other)
    {
        var at = one.LastIndexOf('@');
        return one.Length == other.Length && at == other.LastIndexOf('@') && at > 0
            && one.AsSpan(0, at).SequenceEqual(other.AsSpan(0, at))
            && one.AsSpan(at).Equals(other.AsSpan(at), StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The names of the kinds that can be registered, or null where they are malformed.</summary>
    private static List<(int Kind, string? Text, byte[]? Address)>? NamesOf(X509Certificate2 certificate)
    {
        var found = new List<(int Kind, string? Text, byte[]? Address)>();
        try
        {
            foreach (var extension in certificate.Extensions.Where(extension => extension.Oid?.Value == SubjectAlternativeName))
            {
                var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
                while (names.HasData)
                {
                    var tag = names.PeekTag();
                    switch (tag)
                    {
                        case { TagClass: TagClass.ContextSpecific, TagValue: Email or Dns or Uri }:
                            found.Add((tag.TagValue, names.ReadCharacterString(UniversalTagNumber.IA5String, tag), null));
                            break;
                        case { TagClass: TagClass.ContextSpecific, TagValue: Ip }:
                            found.Add((tag.TagValue, null, names.ReadOctetString(tag)));
                            break;
                        default:
                            names.ReadEncodedValue();
                            break;
                    }
                }
            }

            return found;
        }
        catch (AsnContentException)
        {
            return null;
        }
    }
}
