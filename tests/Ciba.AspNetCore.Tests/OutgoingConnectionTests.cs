using System.Net;
using System.Net.Sockets;
using Ciba.AspNetCore.Callbacks;

namespace Ciba.AspNetCore.Tests;

/// <summary>What is connected to is an address that was checked, and nothing else.</summary>
[Spec("P8")]
public sealed class OutgoingConnectionTests
{
    private const string Closed = "its host has no address that is open to outgoing calls (see CibaOptions.Callbacks.AllowedNetworks)";
    private const string First = "93.184.216.1";
    private const string Second = "93.184.216.2";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly DnsEndPoint Target = new("rp.example", 443);

    private readonly ManualTime _time = new();
    private readonly List<string> _connected = [];

    [Test]
    public async Task Of_the_addresses_of_a_name_only_those_that_are_open_are_connected_to()
    {
        var connections = Connections(["10.0.0.1", "::1", "fe80::1%2", "::ffff:127.0.0.1", First, "169.254.169.254"]);

        await using var stream = await connections.OpenAsync(Target, CancellationToken.None);

        Assert.That(_connected, Is.EqualTo(new[] { $"{First}:443" }));
    }

    [TestCase("10.0.0.1"), TestCase("::1"), TestCase("::ffff:10.0.0.1"), TestCase("10.0.0.1 169.254.169.254 fd00::1"), TestCase("")]
    public async Task A_name_without_an_open_address_is_not_connected_to(string addresses)
    {
        var connections = Connections(addresses.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        var exception = await FailureAsync(connections, Target);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(exception.Message, Is.EqualTo(Closed));
            Assert.That(_connected, Is.Empty);
        }
    }

    [TestCase("127.0.0.1"), TestCase("::1"), TestCase("[::1]"), TestCase("0.0.0.0"), TestCase("::"), TestCase("fe80::1%1"), TestCase("::ffff:10.0.0.1"), TestCase("2130706433")]
    public async Task An_address_in_the_place_of_a_name_is_checked_too(string host)
    {
        var connections = new OutgoingConnections(new AddressRules([]), ConnectTimeout, _time) { Connect = Record };

        var exception = await FailureAsync(connections, new DnsEndPoint(host, 443));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(exception.Message, Is.EqualTo(Closed));
            Assert.That(_connected, Is.Empty);
        }
    }

    [Test]
    public async Task A_name_whose_address_changes_behind_the_check_is_connected_to_where_it_was_checked()
    {
        var answers = new Queue<string>([First, "127.0.0.1", "127.0.0.1"]);
        var connections = new OutgoingConnections(new AddressRules([]), ConnectTimeout, _time)
        {
            Resolve = (_, _) => Task.FromResult(new[] { IPAddress.Parse(answers.Dequeue()) }),
            Connect = Record,
        };

        await using var stream = await connections.OpenAsync(Target, CancellationToken.None);
        var exception = await FailureAsync(connections, Target);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_connected, Is.EqualTo(new[] { $"{First}:443" }));
            Assert.That(exception.Message, Is.EqualTo(Closed), "the next connection asks again, and is checked again");
            Assert.That(answers, Has.Count.EqualTo(1), "one question for each connection");
        }
    }

    [Test]
    public async Task An_IPv4_address_that_is_written_as_IPv6_is_connected_to_as_what_it_was_checked_as()
    {
        await using var stream = await Connections([$"::ffff:{First}"]).OpenAsync(Target, CancellationToken.None);

        Assert.That(_connected, Is.EqualTo(new[] { $"{First}:443" }));
    }

    [Test]
    public async Task The_next_address_is_tried_where_one_refuses()
    {
        var connections = Connections([First, Second], async (socket, endpoint, cancellationToken) =>
        {
            _connected.Add($"{endpoint}");
            if (endpoint.Address.ToString() == First)
            {
                throw new SocketException((int)SocketError.ConnectionRefused);
            }

            await ConnectHereAsync(socket, cancellationToken);
        });

        await using var stream = await connections.OpenAsync(Target, CancellationToken.None);

        Assert.That(_connected, Is.EqualTo(new[] { $"{First}:443", $"{Second}:443" }));
    }

    [Test]
    public async Task A_failure_names_neither_the_address_nor_the_host()
    {
        var port = Unused();
        var connections = new OutgoingConnections(new AddressRules(["127.0.0.1"]), ConnectTimeout, _time);

        var refused = await FailureAsync(connections, new DnsEndPoint("127.0.0.1", port));
        var unknown = await FailureAsync(new(new AddressRules([]), ConnectTimeout, _time) { Resolve = (_, _) => throw new SocketException((int)SocketError.HostNotFound) }, Target);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused.Message, Is.EqualTo("no connection to it (ConnectionRefused)"));
            Assert.That(refused.InnerException, Is.Null);
            Assert.That(unknown.Message, Is.EqualTo("its host name cannot be resolved"));
            Assert.That(unknown.InnerException, Is.Null);
        }
    }

    [Test]
    public async Task A_connection_that_nobody_answers_is_given_up_after_the_connect_time_out()
    {
        var silent = new Gate();
        var connections = Connections([First], (_, _, cancellationToken) => new ValueTask(silent.PassAsync(cancellationToken)));

        var opening = connections.OpenAsync(Target, CancellationToken.None).AsTask();
        await silent.ReachedAsync();
        _time.Advance(ConnectTimeout - TimeSpan.FromTicks(1));
        var early = opening.IsCompleted;
        _time.Advance(TimeSpan.FromTicks(1));
        var exception = await Assert.ThrowsAsync<OutgoingConnectionException>(() => opening.WaitAsync(Bound));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(early, Is.False);
            Assert.That(exception!.Message, Is.EqualTo("no connection to it (TimedOut)"));
            Assert.That(_time.Timers, Is.Zero);
        }
    }

    [Test]
    public async Task A_silent_address_leaves_half_of_the_time_to_the_other()
    {
        var silent = new Gate();
        var connections = Connections([First, Second], (socket, endpoint, cancellationToken) =>
            endpoint.Address.ToString() == First ? new ValueTask(silent.PassAsync(cancellationToken)) : Record(socket, endpoint, cancellationToken));

        var opening = connections.OpenAsync(Target, CancellationToken.None).AsTask();
        await silent.ReachedAsync();
        _time.Advance(ConnectTimeout / 2);
        await using var stream = await opening.WaitAsync(Bound);

        Assert.That(_connected, Is.EqualTo(new[] { $"{Second}:443" }));
    }

    [Test]
    public async Task A_name_that_is_not_resolved_in_time_is_given_up()
    {
        var silent = new Gate();
        var connections = new OutgoingConnections(new AddressRules([]), ConnectTimeout, _time)
        {
            Resolve = async (_, cancellationToken) =>
            {
                await silent.PassAsync(cancellationToken);
                return [];
            },
        };

        var opening = connections.OpenAsync(Target, CancellationToken.None).AsTask();
        await silent.ReachedAsync();
        _time.Advance(ConnectTimeout);

        var exception = await Assert.ThrowsAsync<OutgoingConnectionException>(() => opening.WaitAsync(Bound));

        Assert.That(exception!.Message, Is.EqualTo("no connection to it (TimedOut)"));
    }

    [Test]
    public async Task A_caller_who_gives_up_is_not_told_of_a_time_out()
    {
        var silent = new Gate();
        using var caller = new CancellationTokenSource();
        var connections = Connections([First, Second], (_, _, cancellationToken) => new ValueTask(silent.PassAsync(cancellationToken)));

        var opening = connections.OpenAsync(Target, caller.Token).AsTask();
        await silent.ReachedAsync();
        await caller.CancelAsync();

        await Assert.CatchAsync<OperationCanceledException>(() => opening.WaitAsync(Bound));
    }

    [Test]
    public async Task No_more_than_eight_addresses_of_a_name_are_tried()
    {
        var connections = Connections(Enumerable.Range(1, 100).Select(number => $"93.184.216.{number}"), (_, endpoint, _) =>
        {
            _connected.Add($"{endpoint}");
            throw new SocketException((int)SocketError.ConnectionRefused);
        });

        var exception = await FailureAsync(connections, Target);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(exception.Message, Is.EqualTo("no connection to it (ConnectionRefused)"));
            Assert.That(_connected, Has.Count.EqualTo(8));
        }
    }

    private OutgoingConnections Connections(IEnumerable<string> addresses, Func<Socket, IPEndPoint, CancellationToken, ValueTask>? connect = null) =>
        new(new AddressRules([]), ConnectTimeout, _time)
        {
            Resolve = (_, _) => Task.FromResult(addresses.Select(IPAddress.Parse).ToArray()),
            Connect = connect ?? Record,
        };

    private static async Task<HttpRequestException> FailureAsync(OutgoingConnections connections, DnsEndPoint target) =>
        (await Assert.ThrowsAsync<OutgoingConnectionException>(() => connections.OpenAsync(target, CancellationToken.None).AsTask().WaitAsync(Bound)))!;

    // Nothing of a test leaves this machine: where it would go is written down, and it ends at a listener here.
    private async ValueTask Record(Socket socket, IPEndPoint endpoint, CancellationToken cancellationToken)
    {
        _connected.Add($"{endpoint}");
        await ConnectHereAsync(socket, cancellationToken);
    }

    private static async Task ConnectHereAsync(Socket socket, CancellationToken cancellationToken)
    {
        using var here = new TcpListener(IPAddress.Loopback, 0);
        here.Start();
        await socket.ConnectAsync(here.LocalEndpoint, cancellationToken);
    }

    private static int Unused()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
