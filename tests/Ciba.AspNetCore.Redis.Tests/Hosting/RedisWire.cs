using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>One question and its answer in the protocol of Redis, in ASCII.</summary>
internal static class RedisWire
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    public static async Task<string> AskAsync(int port, params string[] command)
    {
        using var bound = new CancellationTokenSource(Bound);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, bound.Token);
        await using var stream = client.GetStream();
        var text = $"*{command.Length}\r\n{string.Concat(command.Select(part => $"${part.Length}\r\n{part}\r\n"))}";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(text), bound.Token);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        return await ReadAsync(reader, bound.Token);
    }

    private static async Task<string> ReadAsync(StreamReader reader, CancellationToken cancellationToken)
    {
        var line = await reader.ReadLineAsync(cancellationToken) ?? throw new EndOfStreamException("The server closed the connection.");
        switch (line[0])
        {
            case '-':
                throw new InvalidOperationException(line[1..]);
            case '$' when int.Parse(line[1..]) is var length and >= 0:
                var bulk = new char[length + 2];
                await reader.ReadBlockAsync(bulk, cancellationToken);
                return new string(bulk, 0, length);
            case '*':
                var items = new List<string>();
                for (var rest = int.Parse(line[1..]); rest > 0; rest--)
                {
                    items.Add(await ReadAsync(reader, cancellationToken));
                }

                return string.Join('\n', items);
            default:
                return line[1..];
        }
    }
}
