using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Ciba.AspNetCore.Redis.Store;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>
/// The nodes that work under one key prefix, each with its <see cref="NodeCanary"/>. A node that cannot work with those that are there
/// does not start.
/// </summary>
internal sealed partial class NodeRegister(
    RedisConnection redis,
    RedisClock clock,
    RedisKeys keys,
    SharedKeys sharedKeys,
    IOptions<CibaOptions> cibaOptions,
    IOptions<CibaRedisOptions> options,
    TimeProvider time,
    ILogger<NodeRegister> logger) : ICibaStoreProbe, IDisposable
{
    private static readonly TimeSpan RenewEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan SeenFor = RenewEvery * 3;

    private static readonly string Forgotten = string.Create(CultureInfo.InvariantCulture, $"A node that is gone is forgotten after {SeenFor.TotalMinutes} minutes.");

    private readonly Lazy<NodeCanary> _self = new(() => new NodeCanary(
        $"{Environment.MachineName}/{Guid.NewGuid().ToString("N")[..8]}",
        RequestRecord.Format,
        cibaOptions.Value.Issuer,
        cibaOptions.Value.ConcealmentKey is { } key ? Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), "canary"u8)) : null,
        options.Value.ProtectPayload,
        sharedKeys.Protect()));

    private byte[]? _entry;
    private ITimer? _renewals;
    private string? _problem;

    /// <summary>Enters this node, and again every minute from then on; answers what keeps it from working with those that are there.</summary>
    /// <exception cref="CibaStoreUnavailableException">Redis did not take it, which is tried again.</exception>
    public async Task<IReadOnlyList<string>> JoinAsync()
    {
        _renewals ??= time.CreateTimer(_ => _ = RenewAsync(), null, RenewEvery, RenewEvery);
        _entry ??= _self.Value.Write();
        var now = time.GetUtcNow();
        var redisTime = await clock.SharedAsync();
        var nodes = (byte[][])(await redis.RunAsync(
            RedisScript.Join, [keys.Nodes], [_entry, redisTime.Ticks(now), redisTime.Ticks(now - SeenFor), (long)SeenFor.TotalMilliseconds]))!;
        return [.. nodes.Where(node => !node.AsSpan().SequenceEqual(_entry)).SelectMany(node => FindProblems(NodeCanary.Read(node))).Distinct()];
    }

    /// <summary>Takes this node out, so that one that is set up in another way may start in its place.</summary>
    public async Task LeaveAsync()
    {
        if (_entry is { } entry)
        {
            await (_renewals?.DisposeAsync() ?? default);
            await redis.RunAsync(RedisScript.Leave, [keys.Nodes], [entry]);
        }
    }

    /// <inheritdoc/>
    public ValueTask<string?> FindProblemAsync(CancellationToken cancellationToken) => new(_problem);

    public void Dispose() => _renewals?.Dispose();

    private async Task RenewAsync()
    {
        try
        {
            var problem = await JoinAsync() is [var first, ..] ? first : null;
            if (problem is not null && problem != _problem)
            {
                DoNotFit(problem);
            }

            _problem = problem;
        }
        catch (CibaStoreUnavailableException)
        {
            // The next renewal makes up for it.
        }
    }

    private IEnumerable<string> FindProblems(NodeCanary? other)
    {
        var self = _self.Value;
        if (other?.Format != self.Format)
        {
            return [$"A node of another version of Ciba.AspNetCore.Redis{(other is null ? "" : $", {other.Node},")} keeps requests under the KeyPrefix {options.Value.KeyPrefix} that this version cannot read: stop the nodes of that version first. {Forgotten}"];
        }

        if (other.Issuer != self.Issuer)
        {
            return [$"Another provider, {other.Issuer}, keeps its requests under the KeyPrefix {options.Value.KeyPrefix} on this Redis (node {other.Node}): give each provider a CibaRedisOptions.KeyPrefix of its own. {Forgotten}"];
        }

        return new[]
        {
            other.ConcealmentKey != self.ConcealmentKey ? $"Node {other.Node} has another ConcealmentKey: give all nodes the same. {Forgotten}" : null,
            other.ProtectPayload != self.ProtectPayload ? $"Node {other.Node} has CibaRedisOptions.ProtectPayload {(other.ProtectPayload ? "on" : "off")}: set it alike on all nodes, and stop them all to change it. {Forgotten}" : null,
            other.Keys is { } canary && self.Keys is not null && !sharedKeys.CanRead(canary)
                ? $"This node cannot read what node {other.Node} encrypts: give all nodes the same Data Protection key ring (PersistKeysTo...) and the same SetApplicationName. {Forgotten}" : null,
        }.OfType<string>();
    }

    [LoggerMessage(1, LogLevel.Error, "{Problem}")]
    private partial void DoNotFit(string problem);
}
