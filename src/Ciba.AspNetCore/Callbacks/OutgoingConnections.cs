using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Ciba.AspNetCore.Callbacks;

/// <summary>
/// Opens connections to clients. A name is resolved once, its addresses are checked, and what is connected to is one of
/// those that were checked, so that an answer of DNS that changes in between changes nothing.
/// </summary>
/// <param name="rules">Which addresses may be reached; null for all, where the host itself has chosen the URL.</param>
/// <param name="connectTimeout">How long finding and connecting may take.</param>
/// <param name="time">The clock.</param>
internal sealed class OutgoingConnections(AddressRules? rules, TimeSpan connectTimeout, TimeProvider time)
{
    private const int MaxAddresses = 8;

    private readonly NameLookUps _names = new(NameLookUps.AskSystemAsync, connectTimeout, time);

    public Func<string, CancellationToken, Task<IPAddress[]>> Resolve
    {
        init => _names = new NameLookUps(value, connectTimeout, time);
    }

    public Func<Socket, IPEndPoint, CancellationToken, ValueTask> Connect { get; init; } =
        static (socket, endpoint, cancellationToken) => socket.ConnectAsync(endpoint, cancellationToken);

    /// <summary>
    /// Why a call failed, for the log: in words of our own, because messages of the HTTP stack repeat what the other side has
    /// said, which may be a secret that it was sent or a forged line.
    /// </summary>
    public static string Reason(Exception exception) => (exception.GetBaseException(), exception) switch
    {
        (OutgoingConnectionException ours, _) => ours.Message,
        (AuthenticationException tls, _) => $"no secure connection to it: {tls.Message}",
        (SocketException socket, _) => $"the connection to it failed ({socket.SocketErrorCode})",
        (_, HttpRequestException { HttpRequestError: not HttpRequestError.Unknown } http) => $"the call failed ({http.HttpRequestError})",
        (OperationCanceledException, _) => "it took too long",
        var (cause, _) => $"the call failed ({cause.GetType().Name})",
    };

    /// <exception cref="HttpRequestException">No connection. The message names neither an address nor anything of the URL.</exception>
    public async ValueTask<Stream> OpenAsync(DnsEndPoint target, CancellationToken cancellationToken)
    {
        var startedAt = time.GetTimestamp();
        using var timeout = new CancellationTokenSource(connectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            var addresses = await FindAsync(target, either.Token);
            var failure = "";
            for (var left = addresses.Length; left > 0; left--)
            {
                // A part of the time for each, or one that is silent would leave nothing to the others.
                var part = (connectTimeout - time.GetElapsedTime(startedAt)) / left;
                var endpoint = new IPEndPoint(addresses[^left], target.Port);
                (var stream, failure) = await TryAsync(endpoint, part > TimeSpan.Zero ? part : TimeSpan.Zero, either.Token);
                if (stream is not null)
                {
                    return stream;
                }
            }

            throw NotConnected(failure);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw NotConnected(nameof(SocketError.TimedOut));
        }
    }

    private async Task<IPAddress[]> FindAsync(DnsEndPoint target, CancellationToken cancellationToken)
    {
        var addresses = IPAddress.TryParse(target.Host, out var literal) ? [literal] : await _names.FindAsync(target.Host, cancellationToken);
        IPAddress[] allowed = [.. addresses.Select(AddressRules.Plain).Where(address => rules?.Allows(address, target.Port) ?? true).Take(MaxAddresses)];
        return allowed.Length > 0
            ? allowed
            : throw new OutgoingConnectionException(HttpRequestError.ConnectionError, "its host has no address that is open to outgoing calls (see CibaOptions.Callbacks.AllowedNetworks)");
    }

    private async Task<(Stream? Stream, string Failure)> TryAsync(IPEndPoint endpoint, TimeSpan part, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(part, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        Socket? socket = null;
        try
        {
            socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await Connect(socket, endpoint, either.Token);
            return (new NetworkStream(socket, ownsSocket: true), "");
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            // The exception itself would name the address.
            socket?.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            return (null, $"{(exception as SocketException)?.SocketErrorCode ?? SocketError.TimedOut}");
        }
    }

    private static OutgoingConnectionException NotConnected(string failure) => new(HttpRequestError.ConnectionError, $"no connection to it ({failure})");
}

/// <summary>A failure to connect whose message is ours, and holds nothing but a reason.</summary>
internal sealed class OutgoingConnectionException(HttpRequestError error, string message) : HttpRequestException(error, message);
