using System.Globalization;
using System.Text;
using Ciba.AspNetCore.Http;

namespace Ciba.AspNetCore.Authentication;

/// <summary>
/// Section 7.1, <c>binding_message</c>: a short text that looks the same on both devices. Characters that turn the order of
/// the text around or that nobody sees would let a client show one thing and mean another.
/// </summary>
internal static class BindingMessageRule
{
    private const int MaxUnitsPerCharacter = 4;

    // Invisible, yet not of a category that says so: fillers, the blank Braille pattern, joiners of graphemes.
    private static readonly HashSet<int> Blank = [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0];

    private static readonly CibaError Forbidden = CibaError.InvalidBindingMessage.With("The binding_message holds control, line separating, text direction or tag characters: send plain text on one line.");
    private static readonly CibaError Invisible = CibaError.InvalidBindingMessage.With("The binding_message has nothing that can be seen.");

    public static Outcome<string> Read(string message, int maxLength)
    {
        // Normalisation makes one character of at most this many units: what is longer is too long without being normalised.
        if (message.Length > maxLength * MaxUnitsPerCharacter)
        {
            return TooLong(maxLength);
        }

        // Before the normalisation, which throws at U+FFFE. Where globalization is invariant it does nothing at all.
        var trimmed = message.Trim(' ');
        foreach (var rune in trimmed.EnumerateRunes())
        {
            if (IsForbidden(rune))
            {
                return Forbidden;
            }
        }

        var normalised = trimmed.Normalize(NormalizationForm.FormC);
        var length = 0;
        var visible = false;
        foreach (var rune in normalised.EnumerateRunes())
        {
            length++;
            visible |= IsVisible(rune);
        }

        return length > maxLength ? TooLong(maxLength)
            : !visible ? Invisible
            : normalised;
    }

    /// <summary>Whether each character of a name can be seen, so that there are no spaces either.</summary>
    public static bool IsPlain(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (IsForbidden(rune) || !IsVisible(rune))
            {
                return false;
            }
        }

        return text.Length > 0;
    }

    /// <summary>
    /// Whether a text of several lines can be shown as it is meant: nothing that turns it around, marks of direction included, and
    /// of the control characters none but tab and the ends of lines.
    /// </summary>
    public static bool ReadsAsWritten(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (TurnsText(rune) || rune.Value is 0x061C or 0x200E or 0x200F || (Rune.IsControl(rune) && rune.Value is not ('\t' or '\n' or '\r')))
            {
                return false;
            }
        }

        return true;
    }

    private static CibaError TooLong(int maxLength) =>
        CibaError.InvalidBindingMessage.With($"The binding_message is too long: {maxLength} characters at most.");

    private static bool IsForbidden(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse
        || rune.Value is >= 0xE0000 and <= 0xE007F
        || TurnsText(rune);

    private static bool TurnsText(Rune rune) => rune.Value is (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069);

    private static bool IsVisible(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Format or UnicodeCategory.SpaceSeparator
            or UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark)
        && !Blank.Contains(rune.Value);
}
