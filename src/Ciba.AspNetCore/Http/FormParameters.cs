using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Ciba.AspNetCore.Http;

/// <summary>
/// The parameters of a form as RFC 6749 section 3.1 reads them: each at most once, those without a value as if they were
/// absent. Names are compared with their letter case; two that differ in nothing else count as one, which ASP.NET Core
/// has joined. Everything is bounded before it is parsed.
/// </summary>
internal sealed class FormParameters
{
    public const int MaxBodyBytes = 128 * 1024;

    private const string FormMediaType = "application/x-www-form-urlencoded";

    private const int MaxFields = 64;
    private const int MaxValueLength = 64 * 1024;

    private static readonly FormOptions Limits = new()
    {
        ValueCountLimit = MaxFields,
        KeyLengthLimit = 256,
        ValueLengthLimit = MaxValueLength,
        BufferBodyLengthLimit = MaxBodyBytes,
    };

    private static readonly CibaError NotAForm = CibaError.InvalidRequest.With("Send the parameters as application/x-www-form-urlencoded in UTF-8.");
    private static readonly CibaError TooLarge = CibaError.InvalidRequest.With("The form is too large.");
    private static readonly CibaError NotReadable = CibaError.InvalidRequest.With("The form cannot be read: it is cut off, or has too many or too long fields.");
    private static readonly CibaError NotUtf8 = CibaError.InvalidRequest.With("The form is not UTF-8 text, or holds a NUL character.");

    private readonly KeyValuePair<string, string>[] _fields;
    private readonly int _count;

    private FormParameters(KeyValuePair<string, string>[] fields, int count)
    {
        _fields = fields;
        _count = count;
    }

    /// <summary>The value, or null where the parameter is absent or empty.</summary>
    public string? this[string name]
    {
        get
        {
            foreach (var field in _fields.AsSpan(0, _count))
            {
                if (field.Key == name)
                {
                    return field.Value;
                }
            }

            return null;
        }
    }

    public static bool IsForm(HttpRequest request) =>
        request.ContentType is { } contentType && (contentType == FormMediaType || IsUtf8Form(contentType));

    public static async ValueTask<Outcome<FormParameters>> ReadAsync(HttpRequest request)
    {
        if (!IsForm(request))
        {
            return NotAForm;
        }

        if ((await ReadCollectionAsync(request)).Failed(out var error, out var form))
        {
            return error;
        }

        // The host may have read the form before, by limits of its own.
        if (form.Count > MaxFields)
        {
            return NotReadable;
        }

        var fields = new KeyValuePair<string, string>[form.Count];
        var count = 0;
        foreach (var (name, values) in form)
        {
            string? value = null;
            foreach (var candidate in values)
            {
                if (string.IsNullOrEmpty(candidate))
                {
                    continue;
                }

                if (candidate.Length > MaxValueLength)
                {
                    return NotReadable;
                }

                if (value is not null)
                {
                    return CibaError.InvalidRequest.With($"The parameter {ShortName(name)} is there more than once.");
                }

                value = candidate;
            }

            // ASP.NET Core puts U+FFFD where the bytes were no UTF-8.
            if (name.Contains('\uFFFD') || (value is not null && value.AsSpan().ContainsAny('\uFFFD', '\0')))
            {
                return NotUtf8;
            }

            if (value is not null)
            {
                fields[count++] = new(name, value);
            }
        }

        return new FormParameters(fields, count);
    }

    private static async ValueTask<Outcome<IFormCollection>> ReadCollectionAsync(HttpRequest request)
    {
        if (request.ContentLength > MaxBodyBytes)
        {
            return TooLarge;
        }

        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size
            && size.MaxRequestBodySize is null or > MaxBodyBytes)
        {
            size.MaxRequestBodySize = MaxBodyBytes;
        }

        try
        {
            var form = await request.ReadFormAsync(Limits, request.HttpContext.RequestAborted);
            return Outcome<IFormCollection>.Of(form);
        }
        catch (Exception exception) when (exception is InvalidDataException or BadHttpRequestException)
        {
            return NotReadable;
        }
    }

    private static bool IsUtf8Form(string contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var media)
        && media.MediaType.Equals(FormMediaType, StringComparison.OrdinalIgnoreCase)
        && (!media.Charset.HasValue || HeaderUtilities.RemoveQuotes(media.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase));

    // The name comes from the sender, who may have put a secret where a name belongs.
    private static string ShortName(string name) => name.Length <= 40 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-') ? name : "(another one)";
}
