using Ciba.AspNetCore.Redis.Store;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>Whether Redis may evict keys before their time, and a warning if it may. A server that does not tell is taken at its best.</summary>
internal sealed partial class RedisEviction : IDisposable
{
    private const string Policy = "maxmemory_policy:";
    private const string Never = "noeviction";

    private readonly RedisMultiplexer _multiplexer;
    private readonly RedisConnection _redis;
    private readonly RedisTimeSource _masters;
    private readonly RedisKeys _keys;
    private readonly ILogger<RedisEviction> _logger;

    private volatile string? _policy;

    public RedisEviction(RedisMultiplexer multiplexer, RedisConnection redis, RedisTimeSource masters, RedisKeys keys, ILogger<RedisEviction> logger)
    {
        (_multiplexer, _redis, _masters, _keys, _logger) = (multiplexer, redis, masters, keys, logger);
        _multiplexer.TopologyChanged += OnTopologyChanged;
    }

    public bool IsPossible => _policy is not null;

    /// <summary>Asks each master.</summary>
    public async Task LookAsync()
    {
        try
        {
            var answers = await Task.WhenAll((await _masters.MastersAsync()).Select(shards => PolicyAsync(shards[0])));
            var policy = answers.FirstOrDefault(one => one is not (null or Never));
            if (policy is not null && policy != _policy)
            {
                MayEvict(_multiplexer.EndPoints, policy);
            }

            _policy = policy;
        }
        catch (CibaStoreUnavailableException)
        {
            // Not there, or not to be asked, which no step needs.
        }
    }

    public void Dispose() => _multiplexer.TopologyChanged -= OnTopologyChanged;

    // By a script, because StackExchange.Redis keeps this command for the connections of administrators.
    private async Task<string?> PolicyAsync(char shard)
    {
        var memory = (string?)await _redis.RunAsync(RedisScript.Memory, [_keys.Outbox(shard)], []);
        return memory?.Split('\n').FirstOrDefault(line => line.StartsWith(Policy, StringComparison.Ordinal))?[Policy.Length..].Trim();
    }

    private void OnTopologyChanged() => _ = LookAsync();

    [LoggerMessage(1, LogLevel.Warning, "Redis ({EndPoints}) evicts keys when it is full (maxmemory-policy {Policy}), so that pending requests and approvals may be lost: set maxmemory-policy to noeviction")]
    private partial void MayEvict(string endPoints, string policy);
}
