using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Ciba.AspNetCore.Clients;

/// <summary>
/// The name of a certificate's subject as what it is: a sequence of sets of attributes. Two are the same where the sequence is the
/// same, and in it the types and the values character by character, whichever ASN.1 string they are encoded as.
/// </summary>
internal sealed class DistinguishedName(IEnumerable<IEnumerable<NameAttribute>> parts)
{
    // In the order of the certificate, which a text by RFC 4514 turns round. Within a set there is no order.
    private readonly NameAttribute[][] _parts =
        [.. parts.Select(part => part.OrderBy(attribute => attribute.Type, StringComparer.Ordinal).ThenBy(attribute => attribute.Value, StringComparer.Ordinal).ToArray())];

    /// <summary>The name in a certificate, or null where it is malformed.</summary>
    public static DistinguishedName? Of(X500DistinguishedName name)
    {
        try
        {
            var sequence = new AsnReader(name.RawData, AsnEncodingRules.DER).ReadSequence();
            var parts = new List<List<NameAttribute>>();
            while (sequence.HasData)
            {
                parts.Add(ReadPart(sequence.ReadSetOf(skipSortOrderValidation: true)));
            }

            return new DistinguishedName(parts);
        }
        catch (AsnContentException)
        {
            return null;
        }
    }

    public bool Is(DistinguishedName other) => Same(_parts, other._parts);

    /// <summary>Whether it would be the same if it were written from the other end.</summary>
    public bool IsReversed(DistinguishedName other) => Same([.. _parts.Reverse()], other._parts);

    private static bool Same(NameAttribute[][] these, NameAttribute[][] those) =>
        these.Length == those.Length && these.Zip(those).All(pair => pair.First.SequenceEqual(pair.Second));

    private static List<NameAttribute> ReadPart(AsnReader set)
    {
        var attributes = new List<NameAttribute>();
        while (set.HasData)
        {
            var attribute = set.ReadSequence();
            attributes.Add(NameAttribute.Of(attribute.ReadObjectIdentifier(), attribute.ReadEncodedValue().Span));
            attribute.ThrowIfNotEmpty();
        }

        return attributes;
    }
}

/// <summary>An attribute of a name: its object identifier, and its text, or its bytes where it is no text.</summary>
internal readonly record struct NameAttribute(string Type, string Value, bool IsText)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly UnicodeEncoding StrictUtf16 = new(bigEndian: true, byteOrderMark: false, throwOnInvalidBytes: true);

    /// <summary>From the DER of the value.</summary>
    public static NameAttribute Of(string type, ReadOnlySpan<byte> der)
    {
        var tag = AsnDecoder.ReadEncodedValue(der, AsnEncodingRules.DER, out var start, out var length, out var read);
        if (read != der.Length)
        {
            throw new AsnContentException();
        }

        return Text(tag, der.Slice(start, length)) is { } text ? new(type, text, true) : new(type, Convert.ToHexString(der), false);
    }

    // A TeletexString may be in one of several character sets: it is compared by its bytes, as what is no string is.
    private static string? Text(Asn1Tag tag, ReadOnlySpan<byte> content)
    {
        if (tag.TagClass != TagClass.Universal || tag.IsConstructed)
        {
            return null;
        }

        try
        {
            return (UniversalTagNumber)tag.TagValue switch
            {
                UniversalTagNumber.UTF8String => StrictUtf8.GetString(content),
                UniversalTagNumber.BMPString => StrictUtf16.GetString(content),
                UniversalTagNumber.PrintableString or UniversalTagNumber.IA5String or UniversalTagNumber.NumericString or UniversalTagNumber.VisibleString
                    when Ascii.IsValid(content) => Encoding.ASCII.GetString(content),
                _ => null,
            };
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
