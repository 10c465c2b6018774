using System.Buffers.Binary;
using System.Net;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Clients;

/// <summary>
/// How often a client failed to authenticate from an address within a minute, on this node. Per address, so that no stranger locks a
/// client out; and for names that no client has too, or the answer would tell which do.
/// </summary>
internal sealed class FailedAuthentications(IOptions<CibaOptions> options, TimeProvider time)
{
    /// <summary>What is kept at most. Whoever fails under more names than that within a minute makes the oldest forgotten, and gains a few guesses.</summary>
    public const int MaxKept = 10_000;

    private const int NetworkBytes = 8;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<Caller, Failures> _failures = [];

    // All windows are equally long: the first to begin is the first to end.
    private readonly Queue<(Caller Caller, Failures Failures)> _inOrder = new();

    private int Limit => options.Value.Limits.FailedAuthentications;

    /// <summary>How long the caller is not looked at; null where it may try.</summary>
    public TimeSpan? WaitOf(Caller caller)
    {
        lock (_gate)
        {
            Forget();
            return Find(caller) is { } failures && failures.Count >= Limit ? Left(failures) : null;
        }
    }

    /// <summary>Counts a failure; where others have reached the limit meanwhile, how long the caller is not looked at.</summary>
    public TimeSpan? Add(Caller caller)
    {
        if (Limit == 0)
        {
            return null;
        }

        lock (_gate)
        {
            Forget();
            if (Find(caller) is not { } failures)
            {
                MakeRoom();
                failures = new Failures(time.GetTimestamp());
                _failures.Add(caller, failures);
                _inOrder.Enqueue((caller, failures));
            }

            if (failures.Count >= Limit)
            {
                return Left(failures);
            }

            failures.Count++;
            return null;
        }
    }

    private Failures? Find(Caller caller) => _failures.GetValueOrDefault(caller);

    private TimeSpan Left(Failures failures) => Window - time.GetElapsedTime(failures.Since);

    private void Forget()
    {
        while (_inOrder.TryPeek(out var first) && Left(first.Failures) <= TimeSpan.Zero)
        {
            _failures.Remove(_inOrder.Dequeue().Caller);
        }
    }

    private void MakeRoom()
    {
        if (_failures.Count >= MaxKept)
        {
            _failures.Remove(_inOrder.Dequeue().Caller);
        }
    }

    private sealed class Failures(long since)
    {
        public long Since { get; } = since;

        public int Count { get; set; }
    }

    /// <summary>A client, known or not, at an address.</summary>
    public readonly record struct Caller
    {
        private readonly string _client;
        private readonly UInt128 _network;

        /// <param name="client">What a store would know the client by.</param>
        /// <param name="address">Where the call comes from. Of IPv6 the first 64 bits, as nobody has less; what has no address, as a local socket, is as one.</param>
        public Caller(string client, IPAddress? address)
        {
            _client = client;
            if (address is not null)
            {
                Span<byte> bytes = stackalloc byte[16];
                var all = address.MapToIPv6();
                all.TryWriteBytes(bytes, out _);
                if (!all.IsIPv4MappedToIPv6)
                {
                    bytes[NetworkBytes..].Clear();
                }

                _network = BinaryPrimitives.ReadUInt128BigEndian(bytes);
            }
        }
    }
}
