using System.Collections.Concurrent;
using System.Net;
using Ciba.AspNetCore.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A client that writes down all that it can observe of a user, and in place of the time what was done for it.</summary>
public sealed class ObservingClient : IAsyncDisposable
{
    // What goes on in the background takes no time of an answer.
    private readonly AsyncLocal<ConcurrentQueue<string>?> _done = new();
    private readonly List<string> _observed = [];
    private readonly List<string> _ids = [];
    private readonly ConcurrentQueue<string> _calls = new();
    private readonly HookedStore _store = new();
    private readonly string[] _hints;

    /// <param name="configure">Changes the options.</param>
    /// <param name="hints">The hints that name the user, or nobody.</param>
    public ObservingClient(Action<CibaOptions> configure, params string[] hints)
    {
        _hints = hints;
        Host = new CibaHost
        {
            Clients = [.. new[] { "client", "other", "coded" }.Concat(Enumerable.Range(0, 5).Select(number => $"filler {number}")).Select(Client)],
            Options = options =>
            {
                options.ConcealUnknownUsers = options.ClientsMayCancel = options.ClientsMayResend = true;
                options.ConcealmentKey = "a key of thirty-two characters..";
                options.DenialCooldown = TimeSpan.FromHours(1);
                options.Limits.NotificationsPerUser = 12;
                configure(options);
            },
            BeforeRouting = app => app.Use((context, next) =>
            {
                _done.Value = _calls;
                return next(context);
            }),
            Setup = ciba =>
            {
                _store.Use(ciba);
                Blocks.Use(ciba);
                ciba.Services.Replace(ServiceDescriptor.Singleton<ICibaUserCodeLimiter>(services => new Limiter(services.GetRequiredService<TimeProvider>(), Note)));
            },
        };
        Host.Users.OnCall = Note;
        Blocks.OnAsk = () => Note(nameof(Blocks));
        _store.Before = step =>
        {
            Note(step);
            return Task.CompletedTask;
        };
    }

    public CibaHost Host { get; }

    public FakeBlocks Blocks { get; } = new();

    /// <summary>What was observed, each <c>auth_req_id</c> by the order in which it came.</summary>
    public string Observed => string.Join('\n', _observed);

    public Task AskAsync(int hint = 0, params (string Name, string? Value)[] changes) => ObserveAsync(() => Host.AuthorizeAsync([("login_hint", _hints[hint]), .. changes]));

    public Task PollAsync(int request = 0, string client = "client") => ObserveAsync(() => Host.PollAsync(_ids[request], ("client_id", client)));

    public Task CancelAsync(int request = 0) => CallAsync("cancel", request);

    public Task ResendAsync(int request = 0) => CallAsync("resend", request);

    public void Wait(double seconds) => Host.Time.Advance(TimeSpan.FromSeconds(seconds));

    public ValueTask DisposeAsync() => Host.DisposeAsync();

    private Task CallAsync(string verb, int request) =>
        ObserveAsync(() => Host.PostAsync($"/bc-authorize/{verb}", [("client_id", "client"), ("client_secret", CibaHost.Secret), ("auth_req_id", _ids[request])]));

    private async Task ObserveAsync(Func<Task<Answer>> call)
    {
        _calls.Clear();
        var answer = await call();
        _observed.Add($"{(int)answer.Status} {Named(answer)} Retry-After: {answer.Header("Retry-After")}, by {string.Join(' ', _calls)}");
    }

    private void Note(string call) => _done.Value?.Enqueue(call);

    private string Named(Answer answer)
    {
        if (answer.Status != HttpStatusCode.OK)
        {
            return answer.Body;
        }

        var id = answer.AuthReqId;
        if (!_ids.Contains(id))
        {
            _ids.Add(id);
        }

        return answer.Body.Replace(id, $"#{_ids.IndexOf(id)}", StringComparison.Ordinal);
    }

    private static CibaClient Client(string id)
    {
        var client = CibaHost.Client(id);
        client.BackchannelUserCodeParameter = id == "coded";
        return client;
    }

    private sealed class Limiter(TimeProvider time, Action<string> note) : ICibaUserCodeLimiter
    {
        private readonly MemoryUserCodeLimiter _limiter = new(time);

        public ValueTask<bool> TryBeginAsync(string subject, string attempt, int maxFailures, TimeSpan window, CancellationToken cancellationToken)
        {
            note(nameof(TryBeginAsync));
            return _limiter.TryBeginAsync(subject, attempt, maxFailures, window, cancellationToken);
        }

        public ValueTask SucceededAsync(string subject, string attempt, CancellationToken cancellationToken)
        {
            note(nameof(SucceededAsync));
            return _limiter.SucceededAsync(subject, attempt, cancellationToken);
        }

        public ValueTask<TimeSpan> GetRemainingTimeAsync(string subject, CancellationToken cancellationToken)
        {
            note(nameof(GetRemainingTimeAsync));
            return _limiter.GetRemainingTimeAsync(subject, cancellationToken);
        }
    }
}
