using System.Buffers;
using System.Globalization;
using System.Text;

namespace Ciba.AspNetCore.Text;

/// <summary>
/// Decides which characters of a client's text may be shown to a user. Characters that reverse the order of a text, that cannot be
/// seen or that cover others would let a client show one thing and mean another.
/// </summary>
internal static class DisplayText
{
    private const int MaxMarks = 4;

    private const int ZeroWidthNonJoiner = 0x200C;
    private const int ZeroWidthJoiner = 0x200D;
    private const int BlackFlag = 0x1F3F4;

    // Invisible, although their category does not say so: fillers, the blank Braille pattern, joiners of graphemes.
    private static readonly HashSet<int> Blank = [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0];

    // The flags that Unicode recommends (RGI_Emoji_Tag_Sequence); any other tags are hidden text.
    private static readonly string[] FlagTags = [TagsOf("gbeng"), TagsOf("gbsct"), TagsOf("gbwls")];

    /// <summary>Finds the first problem of a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="hasLines">Whether tabs and line breaks are allowed.</param>
    public static DisplayProblem FindProblem(string text, bool hasLines = false)
    {
        var marks = 0;
        for (var index = 0; index < text.Length;)
        {
            if (Rune.DecodeFromUtf16(text.AsSpan(index), out var rune, out var length) != OperationStatus.Done)
            {
                return DisplayProblem.Forbidden;
            }

            if (rune.Value == BlackFlag && TagsAt(text, index + length) is var tags and > 0)
            {
                index += length + tags;
                marks = 0;
                continue;
            }

            var category = Rune.GetUnicodeCategory(rune);
            if (IsForbidden(rune, category) && !(hasLines && rune.Value is '\t' or '\n' or '\r'))
            {
                return DisplayProblem.Forbidden;
            }

            if (category == UnicodeCategory.OtherNotAssigned && !CodePoints.Pictographic.Contains(rune.Value))
            {
                return DisplayProblem.Unassigned;
            }

            if (category == UnicodeCategory.Format)
            {
                if (!MayJoin(text, index, rune))
                {
                    return DisplayProblem.Invisible;
                }
            }
            else
            {
                marks = IsMark(category) ? marks + 1 : 0;
                if (marks > MaxMarks)
                {
                    return DisplayProblem.Marks;
                }
            }

            index += length;
        }

        return DisplayProblem.None;
    }

    /// <summary>Gets the predicate of a sentence about a problem, whose subject is the parameter or field.</summary>
    public static string Describe(DisplayProblem problem) => problem switch
    {
        DisplayProblem.Forbidden => "holds control, line separating, text direction, private use or tag characters: use plain text on one line",
        DisplayProblem.Invisible => "holds invisible characters: leave out zero-width, joining and other format characters that are neither part of an emoji nor required by the script",
        DisplayProblem.Marks => $"has more than {MaxMarks} combining marks on one character: use at most {MaxMarks}",
        DisplayProblem.Unassigned => "holds a character that is not assigned in the Unicode version of this server: use another one",
        _ => throw new ArgumentOutOfRangeException(nameof(problem)),
    };

    /// <summary>Gets the number of characters, or 0 if none of them is visible.</summary>
    public static int CountVisibleText(string text)
    {
        var count = 0;
        var isVisible = false;
        foreach (var rune in text.EnumerateRunes())
        {
            count++;
            isVisible |= IsVisible(rune);
        }

        return isVisible ? count : 0;
    }

    /// <summary>Determines whether each character of a name is visible, which excludes spaces.</summary>
    public static bool IsPlain(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (!IsVisible(rune))
            {
                return false;
            }
        }

        return text.Length > 0 && FindProblem(text) == DisplayProblem.None;
    }

    private static bool IsForbidden(Rune rune, UnicodeCategory category) =>
        category is UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse
        || IsDirection(rune.Value)
        || rune.Value is >= 0xE0000 and <= 0xE0FFF
        || IsNoncharacter(rune.Value);

    private static bool IsDirection(int value) => value is (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069) or 0x061C or 0x200E or 0x200F;

    private static bool IsNoncharacter(int value) => (value & 0xFFFE) == 0xFFFE || value is >= 0xFDD0 and <= 0xFDEF;

    // Spacing marks are left out: they have a place of their own.
    private static bool IsMark(UnicodeCategory category) => category is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark;

    private static bool IsVisible(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Format or UnicodeCategory.SpaceSeparator
            or UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark)
        && !Blank.Contains(rune.Value);

    // RFC 5892, appendices A.1 and A.2; and UAX #29, GB11.
    private static bool MayJoin(string text, int index, Rune rune) => rune.Value switch
    {
        ZeroWidthNonJoiner => IsBehindVirama(text, index) || IsBetweenJoiningLetters(text, index),
        ZeroWidthJoiner => IsBehindVirama(text, index) || IsBetweenPictographs(text, index),
        _ => false,
    };

    private static bool IsBehindVirama(string text, int index) =>
        Rune.DecodeLastFromUtf16(text.AsSpan(0, index), out var before, out _) == OperationStatus.Done && CodePoints.Virama.Contains(before.Value);

    private static bool IsBetweenJoiningLetters(string text, int index) =>
        LastBefore(text, index, IsTransparent) is { } before && CodePoints.JoiningNext.Contains(before.Value)
        && FirstBehind(text, index, IsTransparent) is { } behind && CodePoints.JoiningPrevious.Contains(behind.Value);

    private static bool IsBetweenPictographs(string text, int index) =>
        LastBefore(text, index, IsPartOfPictograph) is { } before && CodePoints.Pictographic.Contains(before.Value)
        && FirstBehind(text, index, static _ => false) is { } behind && CodePoints.Pictographic.Contains(behind.Value);

    // Joining_Type Transparent, but for the joiners and other format characters.
    private static bool IsTransparent(Rune rune) => IsMark(Rune.GetUnicodeCategory(rune));

    // Variation selectors and skin tones.
    private static bool IsPartOfPictograph(Rune rune) => IsMark(Rune.GetUnicodeCategory(rune)) || rune.Value is >= 0x1F3FB and <= 0x1F3FF;

    private static Rune? LastBefore(string text, int index, Func<Rune, bool> isSkipped)
    {
        while (Rune.DecodeLastFromUtf16(text.AsSpan(0, index), out var rune, out var length) == OperationStatus.Done)
        {
            if (!isSkipped(rune))
            {
                return rune;
            }

            index -= length;
        }

        return null;
    }

    private static Rune? FirstBehind(string text, int index, Func<Rune, bool> isSkipped)
    {
        // A joiner is one UTF-16 unit.
        index++;
        while (Rune.DecodeFromUtf16(text.AsSpan(index), out var rune, out var length) == OperationStatus.Done)
        {
            if (!isSkipped(rune))
            {
                return rune;
            }

            index += length;
        }

        return null;
    }

    private static int TagsAt(string text, int index)
    {
        foreach (var tags in FlagTags)
        {
            if (string.CompareOrdinal(text, index, tags, 0, tags.Length) == 0)
            {
                return tags.Length;
            }
        }

        return 0;
    }

    private static string TagsOf(string region) => string.Concat(region.Append('\u007F').Select(letter => char.ConvertFromUtf32(0xE0000 + letter)));
}

/// <summary>What keeps a text from being shown to a user.</summary>
internal enum DisplayProblem
{
    None,

    /// <summary>A control, separator, direction, private use or tag character, or no character at all.</summary>
    Forbidden,

    /// <summary>A format character in a place where nothing needs it.</summary>
    Invisible,

    /// <summary>Too many marks on one base.</summary>
    Marks,

    /// <summary>A code point that is not assigned, and not reserved for emoji.</summary>
    Unassigned,
}
