using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Ciba.AspNetCore.Http;

/// <summary>
/// The parameters of a form as RFC 6749 section 3.1 reads them: each at most once, those without a value as if they were
/// absent. Everything is bounded before it is parsed.
/// </summary>
internal sealed class FormParameters
{
    public const int MaxBodyBytes = 128 * 1024;

    public const string FormMediaType = "application/x-www-form-urlencoded";

    private const string Repeatable = "resource";

    private const int MaxFields = 64;
    private const int MaxNameLength = 256;
    private const int MaxValueLength = 64 * 1024;

    private static readonly CibaError NotAForm = CibaError.InvalidRequest.With("Send the parameters as application/x-www-form-urlencoded in UTF-8.");
    private static readonly CibaError TooLarge = CibaError.InvalidRequest.With("The form is too large.");
    private static readonly CibaError NotReadable = CibaError.InvalidRequest.With("The form cannot be read: it is cut off, or has too many or too long fields.");
    private static readonly CibaError NotUtf8 = CibaError.InvalidRequest.With("The form is not percent-encoded UTF-8 text, or holds a NUL character.");

    private readonly KeyValuePair<string, string>[] _fields;

    private int _count;

    private FormParameters(int most) => _fields = new KeyValuePair<string, string>[most];

    /// <summary>The parameters whose names and values these are, for instance the claims of a signed request.</summary>
    public static Outcome<FormParameters> Of(IReadOnlyCollection<KeyValuePair<string, string>> fields)
    {
        var parameters = new FormParameters(fields.Count);
        foreach (var (name, value) in fields)
        {
            if (parameters.Add(name, value) is { } error)
            {
                return error;
            }
        }

        return parameters;
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

    /// <summary>The values of a parameter that may be there several times.</summary>
    public IEnumerable<string> All(string name) => _fields.Take(_count).Where(field => field.Key == name).Select(field => field.Value);

    /// <summary>Whether the body is a form, which is UTF-8 whatever a parameter of the content type says: the media type defines none.</summary>
    public static bool IsForm(HttpRequest request) => IsForm(request.ContentType);

    public static bool IsForm(string? contentType) =>
        contentType == FormMediaType
        || (MediaTypeHeaderValue.TryParse(contentType, out var media) && media.MediaType.Equals(FormMediaType, StringComparison.OrdinalIgnoreCase));

    public static async ValueTask<Outcome<FormParameters>> ReadAsync(HttpRequest request)
    {
        if (!IsForm(request))
        {
            return NotAForm;
        }

        if (request.ContentLength > MaxBodyBytes)
        {
            return TooLarge;
        }

        // There is a form already if the host has read it.
        return request.HttpContext.Features.Get<IFormFeature>()?.Form is { } form ? FromCollection(form) : await ReadBodyAsync(request);
    }

    private static async ValueTask<Outcome<FormParameters>> ReadBodyAsync(HttpRequest request)
    {
        var reader = request.BodyReader;
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync(request.HttpContext.RequestAborted);
                var body = read.Buffer;
                if (body.Length > MaxBodyBytes)
                {
                    reader.AdvanceTo(body.End);
                    return TooLarge;
                }

                if (read.IsCompleted)
                {
                    var parsed = body.IsSingleSegment ? Parse(body.FirstSpan) : Parse(body.ToArray());
                    reader.AdvanceTo(body.End);
                    return parsed;
                }

                reader.AdvanceTo(body.Start, body.End);
            }
        }
        catch (BadHttpRequestException)
        {
            return NotReadable;
        }
    }

    private static Outcome<FormParameters> Parse(ReadOnlySpan<byte> body)
    {
        var most = body.Count((byte)'&') + 1;
        if (most > MaxFields)
        {
            return NotReadable;
        }

        var parameters = new FormParameters(most);
        while (!body.IsEmpty)
        {
            if (!FormReader.TryReadField(ref body, out var name, out var value))
            {
                return NotUtf8;
            }

            if (parameters.Add(name, value) is { } error)
            {
                return error;
            }
        }

        return parameters;
    }

    private static Outcome<FormParameters> FromCollection(IFormCollection form)
    {
        var most = 0;
        foreach (var (_, values) in form)
        {
            most += values.Count;
        }

        if (most > MaxFields)
        {
            return NotReadable;
        }

        var parameters = new FormParameters(most);
        foreach (var (name, values) in form)
        {
            foreach (var value in values)
            {
                // ASP.NET Core puts U+FFFD where the bytes were no UTF-8.
                if (name.Contains('\uFFFD') || value.AsSpan().ContainsAny('\uFFFD', '\0'))
                {
                    return NotUtf8;
                }

                if (parameters.Add(name, value ?? "") is { } error)
                {
                    return error;
                }
            }
        }

        return parameters;
    }

    private CibaError? Add(string name, string value)
    {
        if (name.Length > MaxNameLength || value.Length > MaxValueLength)
        {
            return NotReadable;
        }

        if (value.Length == 0)
        {
            return null;
        }

        // RFC 8707 section 2: the only parameter that may be there several times.
        if (this[name] is not null && name != Repeatable)
        {
            return CibaError.InvalidRequest.With($"The parameter {ShortName(name)} is there more than once.");
        }

        _fields[_count++] = new(name, value);
        return null;
    }

    // The name comes from the sender, who may have put a secret where a name belongs.
    private static string ShortName(string name) => name.Length <= 40 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-') ? name : "(another one)";
}
