using System.Net;
using System.Net.Sockets;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>One connection through a <see cref="FaultProxy"/>.</summary>
internal sealed class FaultLink(TcpClient client, int serverPort)
{
    private readonly TcpClient _server = new() { NoDelay = true };

    /// <summary>Whether something that one side sent never reached the other.</summary>
    public bool LostBytes { get; set; }

    /// <summary>Whether the connection breaks at the next answer.</summary>
    public bool IsDoomed { get; set; }

    /// <summary>Carries bytes both ways until a side ends; each piece only if it may pass.</summary>
    public async Task RunAsync(Func<bool, ReadOnlyMemory<byte>, bool> mayPass)
    {
        try
        {
            client.NoDelay = true;
            await _server.ConnectAsync(IPAddress.Loopback, serverPort);
            await Task.WhenAny(CarryAsync(client, _server, isAnswer: false), CarryAsync(_server, client, isAnswer: true)).Unwrap();
            client.Close();
            _server.Close();
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            Reset();
        }

        async Task CarryAsync(TcpClient from, TcpClient to, bool isAnswer)
        {
            var buffer = new byte[16 * 1024];
            while (await from.GetStream().ReadAsync(buffer) is var length and > 0)
            {
                // Counted in there, or whoever has the answer could look before the request is counted.
                if (mayPass(isAnswer, buffer.AsMemory(0, length)))
                {
                    await to.GetStream().WriteAsync(buffer.AsMemory(0, length));
                }
            }
        }
    }

    /// <summary>Ends both sides as a broken network does: without a farewell.</summary>
    public void Reset()
    {
        Reset(client);
        Reset(_server);
    }

    private static void Reset(TcpClient side)
    {
        // Null where this side is closed already.
        if (side.Client is { } socket)
        {
            socket.Close(timeout: 0);
        }

        side.Dispose();
    }
}
