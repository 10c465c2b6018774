using System.Buffers;
using System.Security.Cryptography;

namespace Ciba.AspNetCore.Authentication;

/// <summary>
/// Number matching: the device shows three codes and the user picks the one that the consumption device shows. Who says yes
/// without looking there is wrong two times in three.
/// </summary>
internal static class NumberMatching
{
    public const int MinLength = 2;
    public const int MaxLength = 8;

    private const int Choices = 3;
    private const string Digits = "0123456789";
    private const string Upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    private const string Lower = "abcdefghijklmnopqrstuvwxyz";

    private static readonly SearchValues<char> Characters = SearchValues.Create(Digits + Upper + Lower);

    private static readonly CibaError Missing = CibaError.InvalidRequest.With("binding_message is required: the user is asked to find it on the authentication device.");
    private static readonly CibaError NoCode = CibaError.InvalidBindingMessage.With($"The binding_message is a code of {MinLength} to {MaxLength} letters and digits, which the user is asked to find on the authentication device.");

    public static CibaError? WhyNot(string? bindingMessage) => bindingMessage switch
    {
        null => Missing,
        { Length: < MinLength or > MaxLength } => NoCode,
        _ => bindingMessage.AsSpan().ContainsAnyExcept(Characters) ? NoCode : null,
    };

    /// <summary>The code, and others that look like it, in an order that tells nothing.</summary>
    public static string[] ChoicesFor(string code)
    {
        var choices = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { code };
        while (choices.Count < Choices)
        {
            choices.Add(string.Create(code.Length, code, static (other, code) =>
            {
                for (var i = 0; i < other.Length; i++)
                {
                    other[i] = Like(code[i]);
                }
            }));
        }

        string[] shuffled = [.. choices];
        RandomNumberGenerator.Shuffle<string>(shuffled);
        return shuffled;
    }

    private static char Like(char character) =>
        RandomNumberGenerator.GetItems<char>(char.IsAsciiDigit(character) ? Digits : char.IsAsciiLetterUpper(character) ? Upper : Lower, 1)[0];
}
