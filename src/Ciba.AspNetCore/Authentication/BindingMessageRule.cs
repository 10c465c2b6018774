using System.Text;
using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Text;

namespace Ciba.AspNetCore.Authentication;

/// <summary>Section 7.1, <c>binding_message</c>: a short text that looks the same on both devices.</summary>
internal static class BindingMessageRule
{
    private const int MaxUnitsPerCharacter = 4;

    private static readonly CibaError Invisible = CibaError.InvalidBindingMessage.With("The binding_message has nothing that can be seen.");

    public static Outcome<string> Read(string message, int maxLength)
    {
        // Normalisation makes one character of at most this many units: what is longer is too long without being normalised.
        if (message.Length > maxLength * MaxUnitsPerCharacter)
        {
            return TooLong(maxLength);
        }

        var trimmed = message.Trim(' ');
        if (DisplayText.CountVisibleText(trimmed) == 0)
        {
            return Invisible;
        }

        // Before the normalisation, which throws at U+FFFE and at half a surrogate pair. Where globalization is invariant it does
        // nothing at all.
        if (DisplayText.FindProblem(trimmed) == DisplayProblem.Forbidden)
        {
            return Misleading(DisplayProblem.Forbidden);
        }

        var normalised = trimmed.Normalize(NormalizationForm.FormC);
        if (DisplayText.CountVisibleText(normalised) > maxLength)
        {
            return TooLong(maxLength);
        }

        var problem = DisplayText.FindProblem(normalised);
        return problem == DisplayProblem.None ? normalised : Misleading(problem);
    }

    private static CibaError TooLong(int maxLength) =>
        CibaError.InvalidBindingMessage.With($"The binding_message is too long: {maxLength} characters at most.");

    private static CibaError Misleading(DisplayProblem problem) => CibaError.InvalidBindingMessage.With($"The binding_message {DisplayText.Describe(problem)}.");
}
