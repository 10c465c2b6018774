using System.Diagnostics.CodeAnalysis;

namespace Ciba.AspNetCore.Http;

/// <summary>What a step of an endpoint came to: a value, or the error that ends the request.</summary>
internal readonly struct Outcome<T>
    where T : class
{
    private readonly T? _value;
    private readonly CibaError? _error;

    private Outcome(T? value, CibaError? error)
    {
        _value = value;
        _error = error;
    }

    public static implicit operator Outcome<T>(T value) => new(value, null);

    public static implicit operator Outcome<T>(CibaError error) => new(null, error);

    public bool Failed([NotNullWhen(true)] out CibaError? error, [NotNullWhen(false)] out T? value)
    {
        error = _error;
        value = _value;
        return error is not null;
    }
}
