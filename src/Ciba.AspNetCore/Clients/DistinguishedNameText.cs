using System.Collections.Frozen;
using System.Formats.Asn1;
using System.Text;
using System.Text.RegularExpressions;

namespace Ciba.AspNetCore.Clients;

/// <summary>Reads a distinguished name from its text (RFC 4514 section 3), with spaces allowed around types and values.</summary>
internal ref partial struct DistinguishedNameText
{
    private const string Special = "\"+,;<>\\ #=";

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // RFC 4514 section 3, RFC 4519, and what OpenSSL and .NET write. Others are written as their object identifier.
    private static readonly FrozenDictionary<string, string> Types = new Dictionary<string, string>
    {
        ["CN"] = "2.5.4.3",
        ["commonName"] = "2.5.4.3",
        ["SN"] = "2.5.4.4",
        ["surname"] = "2.5.4.4",
        ["serialNumber"] = "2.5.4.5",
        ["C"] = "2.5.4.6",
        ["countryName"] = "2.5.4.6",
        ["L"] = "2.5.4.7",
        ["localityName"] = "2.5.4.7",
        ["ST"] = "2.5.4.8",
        ["S"] = "2.5.4.8",
        ["stateOrProvinceName"] = "2.5.4.8",
        ["STREET"] = "2.5.4.9",
        ["streetAddress"] = "2.5.4.9",
        ["O"] = "2.5.4.10",
        ["organizationName"] = "2.5.4.10",
        ["OU"] = "2.5.4.11",
        ["organizationalUnitName"] = "2.5.4.11",
        ["title"] = "2.5.4.12",
        ["T"] = "2.5.4.12",
        ["description"] = "2.5.4.13",
        ["businessCategory"] = "2.5.4.15",
        ["postalCode"] = "2.5.4.17",
        ["name"] = "2.5.4.41",
        ["GN"] = "2.5.4.42",
        ["G"] = "2.5.4.42",
        ["givenName"] = "2.5.4.42",
        ["initials"] = "2.5.4.43",
        ["generationQualifier"] = "2.5.4.44",
        ["dnQualifier"] = "2.5.4.46",
        ["pseudonym"] = "2.5.4.65",
        ["organizationIdentifier"] = "2.5.4.97",
        ["DC"] = "0.9.2342.19200300.100.1.25",
        ["domainComponent"] = "0.9.2342.19200300.100.1.25",
        ["UID"] = "0.9.2342.19200300.100.1.1",
        ["userId"] = "0.9.2342.19200300.100.1.1",
        ["emailAddress"] = "1.2.840.113549.1.9.1",
        ["E"] = "1.2.840.113549.1.9.1",
        ["jurisdictionL"] = "1.3.6.1.4.1.311.60.2.1.1",
        ["jurisdictionST"] = "1.3.6.1.4.1.311.60.2.1.2",
        ["jurisdictionC"] = "1.3.6.1.4.1.311.60.2.1.3",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    private readonly ReadOnlySpan<char> _text;
    private int _at;

    private DistinguishedNameText(string text) => _text = text;

    /// <summary>The name, or null where the text is none.</summary>
    public static DistinguishedName? Read(string text)
    {
        try
        {
            return new DistinguishedNameText(text).Read();
        }
        catch (Exception exception) when (exception is FormatException or AsnContentException or DecoderFallbackException)
        {
            return null;
        }
    }

    private DistinguishedName Read()
    {
        var parts = new List<List<NameAttribute>> { new() };
        while (true)
        {
            parts[^1].Add(ReadAttribute());
            if (_at == _text.Length)
            {
                break;
            }

            if (_text[_at++] == ',')
            {
                parts.Add([]);
            }
        }

        // Section 2.1: the text begins with the last element of the sequence.
        return new DistinguishedName(Enumerable.Reverse(parts));
    }

    // Ends before a comma, a plus sign or the end of the text.
    private NameAttribute ReadAttribute()
    {
        var equals = _text[_at..].IndexOf('=');
        if (equals < 0)
        {
            throw new FormatException();
        }

        var type = ObjectIdentifier(_text.Slice(_at, equals).Trim(' ').ToString());
        _at += equals + 1;
        while (_at < _text.Length && _text[_at] == ' ')
        {
            _at++;
        }

        return _at < _text.Length && _text[_at] == '#' ? NameAttribute.Of(type, ReadEncodedValue()) : new NameAttribute(type, ReadValue(), true);
    }

    private static string ObjectIdentifier(string type) =>
        Types.TryGetValue(type, out var known) ? known
        : type.StartsWith("OID.", StringComparison.OrdinalIgnoreCase) && Dotted.IsMatch(type[4..]) ? type[4..]
        : Dotted.IsMatch(type) ? type
        : throw new FormatException();

    // Section 2.4: the value's DER in hexadecimal.
    private byte[] ReadEncodedValue()
    {
        var rest = _text[++_at..];
        var end = rest.IndexOfAny(',', '+') is var found and >= 0 ? found : rest.Length;
        _at += end;
        return Convert.FromHexString(rest[..end].TrimEnd(' '));
    }

    private string ReadValue()
    {
        var value = new List<byte>();
        var length = 0;
        while (_at < _text.Length && _text[_at] is not (',' or '+'))
        {
            var isSpace = _text[_at] == ' ';
            ReadCharacter(value);

            // Spaces at the end do not count, unless they are escaped.
            length = isSpace ? length : value.Count;
        }

        return StrictUtf8.GetString([.. value.Take(length)]);
    }

    private void ReadCharacter(List<byte> value)
    {
        if (_text[_at] is '"' or ';' or '<' or '>' or '\0' || Rune.DecodeFromUtf16(_text[_at..], out var rune, out var consumed) != System.Buffers.OperationStatus.Done)
        {
            throw new FormatException();
        }

        if (rune.Value != '\\')
        {
            value.AddRange(Encoding.UTF8.GetBytes(rune.ToString()));
            _at += consumed;
            return;
        }

        var escaped = _text[(_at + 1)..];
        if (escaped.Length >= 1 && Special.Contains(escaped[0]))
        {
            value.Add((byte)escaped[0]);
            _at += 2;
            return;
        }

        value.AddRange(escaped.Length >= 2 ? Convert.FromHexString(escaped[..2]) : throw new FormatException());
        _at += 3;
    }

    [GeneratedRegex(@"^[0-2](\.(0|[1-9][0-9]{0,30})){1,30}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Dotted { get; }
}
