using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Quickstart;

/// <summary>
/// Checks passwords, and limits the wrong ones per user and address to <c>Quickstart:MaxSignInFailures</c> a minute: whoever
/// guesses from elsewhere locks no user out.
/// </summary>
public sealed partial class PasswordCheck(UserList users, IConfiguration configuration, TimeProvider time, ILogger<PasswordCheck> logger)
{
    public const string Setting = "Quickstart:MaxSignInFailures";

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly int _maxFailures = configuration.GetValue(Setting, 10);
    private readonly Lock _lock = new();
    private readonly Dictionary<(string? Subject, string Address), Failures> _failures = [];
    private readonly Queue<Failures> _due = [];

    public PasswordResult Check(HttpContext context, string username, string password)
    {
        if (_maxFailures == 0)
        {
            return new(users.BySignIn(username, password), null);
        }

        // One count for all names that are no user's, so that only users and addresses take memory.
        var key = (users.ByUsername(username)?.Subject, AddressOf(context));
        var now = time.GetUtcNow();
        lock (_lock)
        {
            Forget(now);
            var failures = _failures.GetValueOrDefault(key);
            if (failures?.Count >= _maxFailures)
            {
                return new(null, failures.EndsAt - now);
            }

            // Within the lock: however many guesses come at once, no more are looked at.
            if (users.BySignIn(username, password) is { } user)
            {
                return new(user, null);
            }

            if (failures is null)
            {
                _due.Enqueue(failures = _failures[key] = new Failures(key, now + Window));
            }

            if (++failures.Count == _maxFailures)
            {
                Limited(_maxFailures, (int)Math.Ceiling((failures.EndsAt - now).TotalSeconds));
            }

            return new(null, null);
        }
    }

    public static IResult Refuse(HttpContext context, TimeSpan retryAfter)
    {
        context.Response.Headers.RetryAfter = Math.Ceiling(retryAfter.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        return Page.Problem("too_many_sign_ins", "Too many wrong passwords: try again later.", StatusCodes.Status429TooManyRequests);
    }

    private void Forget(DateTimeOffset now)
    {
        while (_due.TryPeek(out var first) && first.EndsAt <= now)
        {
            _due.Dequeue();
            _failures.Remove(first.Key);
        }
    }

    // An IPv6 network is one address: its hosts have as many as they like.
    private static string AddressOf(HttpContext context)
    {
        var address = context.Connection.RemoteIpAddress ?? IPAddress.Loopback;
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4().ToString()
            : address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexString(address.GetAddressBytes()[..8])
            : address.ToString();
    }

    [LoggerMessage(1, LogLevel.Warning, "{Failures} wrong passwords for one user came from one address: sign-ins of this user from there are refused for {Seconds} seconds")]
    private partial void Limited(int failures, int seconds);

    private sealed class Failures((string? Subject, string Address) key, DateTimeOffset endsAt)
    {
        public (string? Subject, string Address) Key { get; } = key;

        public DateTimeOffset EndsAt { get; } = endsAt;

        public int Count { get; set; }
    }
}

/// <summary>The user whose password it was, or null and the time for which no password is looked at.</summary>
public readonly record struct PasswordResult(User? User, TimeSpan? RetryAfter);
