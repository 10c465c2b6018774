using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>A network before a server, which fails when it is told to. It begins with passing everything on.</summary>
public sealed class FaultProxy : RedisServer
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly RedisServer _server;
    private readonly Lock _lock = new();
    private readonly HashSet<FaultLink> _links = [];
    private readonly Task _accepting;
    private Fault _fault;
    private int _stepsToBreak;
    private long _requestBytes;
    private long _answerBytes;

    public FaultProxy(RedisServer server)
    {
        _server = server;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    private enum Fault
    {
        None,
        Hanging,
        DroppingAnswers,
        Refusing,
    }

    public override string Name => _server.Name;

    public override int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>What the connection sends for itself.</summary>
    public static IReadOnlyCollection<string> Housekeeping { get; } = ["PING", "INFO", "CONFIG", "CLIENT", "CLUSTER", "ECHO", "SUBSCRIBE", "PUBLISH", "QUIT", "HELLO", "SENTINEL", "SELECT", "GETSLOTS"];

    /// <summary>The names of the commands that were passed on, in capitals.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>The names of those that were taken and kept.</summary>
    public ConcurrentQueue<string> Kept { get; } = new();

    public long RequestBytes => Interlocked.Read(ref _requestBytes);

    public long AnswerBytes => Interlocked.Read(ref _answerBytes);

    /// <summary>Resets all connections. What new ones get stays as it is.</summary>
    public void CutAll()
    {
        lock (_lock)
        {
            Reset(_ => true);
        }
    }

    /// <summary>
    /// Passes on so many commands from here on, housekeeping aside, and breaks the connection of the last one when its answer
    /// comes: it was taken, and nobody heard of it. Everything else passes.
    /// </summary>
    public void BreakBeforeAnswer(int command)
    {
        lock (_lock)
        {
            _stepsToBreak = command;
        }
    }

    /// <summary>Goes on accepting and reading, and passes nothing on in either direction.</summary>
    public void Hang() => Change(Fault.Hanging);

    /// <summary>Passes requests on, and throws their answers away.</summary>
    public void DropAnswers() => Change(Fault.DroppingAnswers);

    /// <summary>Resets all connections, and every new one at once.</summary>
    public void Refuse()
    {
        lock (_lock)
        {
            Change(Fault.Refusing);
            Reset(_ => true);
        }
    }

    /// <summary>Passes everything on again. Connections that lost something are reset, since no network leaves out a part.</summary>
    public void Resume() => Change(Fault.None);

    public override async ValueTask DisposeAsync()
    {
        Refuse();
        _listener.Stop();
        await _accepting;
    }

    private void Change(Fault fault)
    {
        lock (_lock)
        {
            _fault = fault;
            Reset(link => link.LostBytes);
        }
    }

    private void Reset(Predicate<FaultLink> which)
    {
        foreach (var link in _links.Where(link => which(link)))
        {
            link.Reset();
        }

        _links.RemoveWhere(which);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync();
                _ = ServeAsync(new FaultLink(client, _server.Port));
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The listener was stopped.
        }
    }

    private async Task ServeAsync(FaultLink link)
    {
        lock (_lock)
        {
            if (_fault is Fault.Refusing)
            {
                link.Reset();
                return;
            }

            _links.Add(link);
        }

        var commands = Requests;
        var reader = new RequestReader(name =>
        {
            commands.Enqueue(name);
            lock (_lock)
            {
                link.IsDoomed |= _stepsToBreak > 0 && !Housekeeping.Contains(name) && --_stepsToBreak == 0;
            }
        });
        await link.RunAsync((isAnswer, bytes) =>
        {
            var mayPass = MayPass(link, isAnswer);
            if (!isAnswer)
            {
                commands = mayPass ? Requests : Kept;
                reader.Read(bytes.Span);
            }

            if (mayPass)
            {
                Interlocked.Add(ref isAnswer ? ref _answerBytes : ref _requestBytes, bytes.Length);
            }

            return mayPass;
        });
        lock (_lock)
        {
            _links.Remove(link);
        }
    }

    private bool MayPass(FaultLink link, bool isAnswer)
    {
        lock (_lock)
        {
            if (isAnswer && link.IsDoomed)
            {
                link.Reset();
                return false;
            }

            if (_fault is Fault.None || (_fault is Fault.DroppingAnswers && !isAnswer))
            {
                return true;
            }

            link.LostBytes = true;
            return false;
        }
    }
}
