using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A receiver on loopback that shows the head of each request as it came, and answers what a test says.</summary>
public sealed class RawServer : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Channel<string> _requests = Channel.CreateUnbounded<string>();

    private int _connections;

    public RawServer(string answer = "HTTP/1.1 204 No Content\r\n\r\n")
    {
        _listener.Start();
        _ = ServeAsync(answer);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How often somebody has connected.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public Task<string> NextRequestAsync() => _requests.Reader.ReadAsync().AsTask().WaitAsync(Bound);

    public void Dispose() => _listener.Dispose();

    private async Task ServeAsync(string answer)
    {
        try
        {
            while (true)
            {
                var connection = await _listener.AcceptTcpClientAsync();
                Interlocked.Increment(ref _connections);
                _ = AnswerAsync(connection, answer);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task AnswerAsync(TcpClient connection, string answer)
    {
        using (connection)
        {
            try
            {
                using var reader = new StreamReader(connection.GetStream(), Encoding.Latin1);
                while (await reader.ReadLineAsync() is { } line)
                {
                    var head = new StringBuilder(line);
                    while (await reader.ReadLineAsync() is { Length: > 0 } next)
                    {
                        head.Append('\n').Append(next);
                    }

                    _requests.Writer.TryWrite(head.ToString());
                    await connection.GetStream().WriteAsync(Encoding.Latin1.GetBytes(answer));
                }
            }
            catch (IOException)
            {
                // The caller has closed.
            }
        }
    }
}
