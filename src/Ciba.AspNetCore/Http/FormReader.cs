using System.Buffers;
using System.Text.Unicode;
using Encoding = System.Text.Encoding;

namespace Ciba.AspNetCore.Http;

/// <summary>
/// Decodes <c>application/x-www-form-urlencoded</c> strictly. ASP.NET Core's reader is made for browsers' forms: it takes
/// <c>%zz</c> and bytes that are no UTF-8 for text, and joins names that differ in letter case.
/// </summary>
internal static class FormReader
{
    private const int OnTheStack = 512;

    private static readonly SearchValues<byte> Encoded = SearchValues.Create("%+"u8);

    /// <summary>Takes the next field off the form. False where its encoding is broken.</summary>
    public static bool TryReadField(ref ReadOnlySpan<byte> form, out string name, out string value)
    {
        var end = form.IndexOf((byte)'&');
        var field = end < 0 ? form : form[..end];
        form = end < 0 ? [] : form[(end + 1)..];

        var equals = field.IndexOf((byte)'=');
        value = "";
        return TryDecode(equals < 0 ? field : field[..equals], out name) && (equals < 0 || TryDecode(field[(equals + 1)..], out value));
    }

    private static bool TryDecode(ReadOnlySpan<byte> encoded, out string text)
    {
        if (!encoded.ContainsAny(Encoded))
        {
            return TryGetText(encoded, out text);
        }

        var decoded = encoded.Length <= OnTheStack ? stackalloc byte[OnTheStack] : new byte[encoded.Length];
        var length = 0;
        for (var i = 0; i < encoded.Length; i++)
        {
            var character = encoded[i];
            if (character == '%')
            {
                if (i + 2 >= encoded.Length || !char.IsAsciiHexDigit((char)encoded[i + 1]) || !char.IsAsciiHexDigit((char)encoded[i + 2]))
                {
                    text = "";
                    return false;
                }

                decoded[length++] = (byte)((Hex(encoded[i + 1]) << 4) | Hex(encoded[i + 2]));
                i += 2;
            }
            else
            {
                decoded[length++] = character == '+' ? (byte)' ' : character;
            }
        }

        return TryGetText(decoded[..length], out text);
    }

    private static bool TryGetText(ReadOnlySpan<byte> utf8, out string text)
    {
        var good = Utf8.IsValid(utf8) && !utf8.Contains((byte)0);
        text = good ? Encoding.UTF8.GetString(utf8) : "";
        return good;
    }

    private static int Hex(byte digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
