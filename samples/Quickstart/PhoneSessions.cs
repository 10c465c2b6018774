using System.Collections.Concurrent;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.IdentityModel.Tokens;
using StackExchange.Redis;

namespace Quickstart;

/// <summary>
/// The phone's sessions that are open, on all nodes behind one Redis. A cookie is good only as long as its session is, so that a sign-out
/// ends every copy of it, and the event streams that were opened with one.
/// </summary>
public sealed class PhoneSessions
{
    /// <summary>How long a session lasts that is not used.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromHours(8);

    private const string ClaimType = "sid";

    private readonly ConcurrentDictionary<CancellationTokenSource, string> _streams = new();
    private readonly IDistributedCache _open;
    private readonly ISubscriber? _nodes;
    private readonly RedisChannel _ended;

    /// <param name="open">Where the nodes keep the sessions.</param>
    /// <param name="redis">What the nodes share, or null if there is one node.</param>
    /// <param name="keyPrefix">What the names on Redis start with.</param>
    public PhoneSessions(IDistributedCache open, IConnectionMultiplexer? redis, string? keyPrefix)
    {
        _open = open;
        _nodes = redis?.GetSubscriber();
        _ended = RedisChannel.Literal($"{keyPrefix}:quickstart:ended-sessions");
        _nodes?.Subscribe(_ended, (_, session) => EndStreams(session!));
    }

    /// <summary>Begins a session.</summary>
    /// <returns>The claim by which a cookie names it.</returns>
    public async Task<Claim> BeginAsync()
    {
        var claim = new Claim(ClaimType, Base64UrlEncoder.Encode(RandomNumberGenerator.GetBytes(32)));
        await _open.SetAsync(NameOf(claim), [], new DistributedCacheEntryOptions { SlidingExpiration = Life });
        return claim;
    }

    /// <summary>Whether the session of this user is open. An event stream ends with it.</summary>
    public async Task<bool> IsOpenAsync(ClaimsPrincipal? user, HttpContext context)
    {
        if (user?.FindFirst(ClaimType) is not { } claim)
        {
            return false;
        }

        var session = NameOf(claim);

        // Before the look, or an end could fall in between.
        if (context.Request.Path == "/device/events")
        {
            EndWithSession(context, session);
        }

        return await _open.GetAsync(session, context.RequestAborted) is not null;
    }

    /// <summary>Ends the session of this user, if there is one.</summary>
    public async Task EndAsync(ClaimsPrincipal user)
    {
        if (user.FindFirst(ClaimType) is { } claim)
        {
            var session = NameOf(claim);
            await _open.RemoveAsync(session);
            EndStreams(session);
            await (_nodes?.PublishAsync(_ended, session) ?? Task.CompletedTask);
        }
    }

    private void EndWithSession(HttpContext context, string session)
    {
        var ends = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        _streams[ends] = session;
        context.RequestAborted = ends.Token;
        context.Response.OnCompleted(() =>
        {
            _streams.TryRemove(ends, out _);
            ends.Dispose();
            return Task.CompletedTask;
        });
    }

    private void EndStreams(string session)
    {
        foreach (var stream in _streams.Where(stream => stream.Value == session))
        {
            try
            {
                stream.Key.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It has ended by itself just now.
            }
        }
    }

    // Who reads the names on Redis has no session.
    private static string NameOf(Claim claim) => Base64UrlEncoder.Encode(SHA256.HashData(Encoding.UTF8.GetBytes(claim.Value)));
}
