using System.Text;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>Finds the names of the commands in what a client sends, however it is cut into pieces.</summary>
internal sealed class RequestReader(Action<string> found)
{
    private readonly StringBuilder _line = new();
    private Line _next;
    private int _parts;
    private int _skip;

    private enum Line
    {
        Count,
        NameLength,
        Name,
        Length,
    }

    public void Read(ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
        {
            if (_skip > 0)
            {
                _skip--;
            }
            else if (value != '\n')
            {
                _line.Append((char)value);
            }
            else
            {
                End(_line.ToString().TrimEnd('\r'));
                _line.Clear();
            }
        }
    }

    private void End(string line)
    {
        switch (_next)
        {
            case Line.Count:
                _parts = int.Parse(line[1..]);
                _next = Line.NameLength;
                break;
            case Line.NameLength:
                _next = Line.Name;
                break;
            case Line.Name:
                found(line.ToUpperInvariant());
                EndPart();
                break;
            default:
                _skip = int.Parse(line[1..]) + 2;
                EndPart();
                break;
        }
    }

    private void EndPart() => _next = --_parts > 0 ? Line.Length : Line.Count;
}
