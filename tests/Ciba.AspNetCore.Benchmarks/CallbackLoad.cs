using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Benchmarks;

/// <summary>
/// Pings to 1,000 receivers with TLS on loopback, of which 100 never answer: first at a steady rate, with nothing known of the
/// receivers, then once more, then approvals as fast as they go. Tells how long a ping takes from the call that approves to its arrival, and whether each came once.
/// </summary>
internal sealed class CallbackLoad(string? redis)
{
    private const int Receivers = 1000;
    private const int OneHangsOf = 10;
    private const int PerReceiver = 10;
    private const int Rate = 500;
    private const int Users = 500;
    private const int AtOnce = 16;
    private const string Secret = "bench-secret-bench-secret-bench-secret-1";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly CallbackReceivers _receivers = new();
    private readonly LoadUsers _users = new();
    private WebApplication _app = null!;

    /// <summary>The exit code: 1 where a ping of a healthy receiver was lost or came twice.</summary>
    public async Task<int> RunAsync()
    {
        await using var receivers = _receivers;
        await _receivers.StartAsync();
        _app = await ProviderAsync();
        Console.WriteLine($"{Receivers} receivers with TLS, {Receivers / OneHangsOf} of them hang; store: {(redis is null ? "memory" : "Redis")}");
        var right = await RunAsync($"{Rate}/s, no connection open yet", Rate);
        right &= await RunAsync($"{Rate}/s", Rate);
        right &= await RunAsync("as fast as they go", rate: null);

        // What hangs is tried again until its requests expire: not waited for.
        using var now = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(now.Token);
        return right ? 0 : 1;
    }

    private async Task<bool> RunAsync(string name, int? rate)
    {
        var requests = await AskAsync();
        var decided = new ConcurrentDictionary<string, long>(StringComparer.Ordinal);
        var began = Stopwatch.GetTimestamp();
        if (rate is { } perSecond)
        {
            await AtRateAsync(requests, perSecond, request => ApproveAsync(request, decided));
        }
        else
        {
            await Parallel.ForEachAsync(requests, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (request, _) => await ApproveAsync(request, decided));
        }

        var approved = Stopwatch.GetElapsedTime(began);
        Request[] healthy = [.. requests.Where(request => !request.Hangs)];
        using var bound = new CancellationTokenSource(Bound);
        while (!bound.IsCancellationRequested && !healthy.All(request => _receivers.Pings.ContainsKey(request.AuthReqId)))
        {
            await Task.Delay(Tick);
        }

        var all = Stopwatch.GetElapsedTime(began);
        var waits = healthy.Where(request => _receivers.Pings.ContainsKey(request.AuthReqId))
            .Select(request => Stopwatch.GetElapsedTime(decided[request.AuthReqId], _receivers.Pings[request.AuthReqId].First()).TotalMilliseconds).Order().ToArray();
        var lost = healthy.Length - waits.Length;
        var twice = healthy.Count(request => _receivers.Pings.TryGetValue(request.AuthReqId, out var pings) && pings.Count > 1);
        Console.WriteLine(
            $"{name}: {requests.Length} approvals in {approved.TotalSeconds:0.00} s ({requests.Length / approved.TotalSeconds:0}/s), the last healthy ping after {all.TotalSeconds:0.00} s "
            + $"({healthy.Length / all.TotalSeconds:0} pings/s); decision to ping p50 {At(waits, 0.5):0} ms, p99 {At(waits, 0.99):0} ms, max {At(waits, 1):0} ms; "
            + $"lost {lost}, twice {twice}; {_receivers.Hanging} calls hang");
        return lost == 0 && twice == 0;
    }

    private static double At(double[] sorted, double part) => sorted.Length == 0 ? double.NaN : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * part))];

    private static async Task AtRateAsync(Request[] requests, int perSecond, Func<Request, Task> approve)
    {
        var began = Stopwatch.GetTimestamp();
        var started = new List<Task>();
        using var timer = new PeriodicTimer(Tick);
        while (started.Count < requests.Length && await timer.WaitForNextTickAsync())
        {
            var due = Math.Min(requests.Length, (int)(Stopwatch.GetElapsedTime(began).TotalSeconds * perSecond));
            while (started.Count < due)
            {
                var request = requests[started.Count];
                started.Add(Task.Run(() => approve(request)));
            }
        }

        await Task.WhenAll(started);
    }

    /// <summary>Requests of all clients in no order, for which the device was told.</summary>
    private async Task<Request[]> AskAsync()
    {
        var told = _users.Told;
        var asked = new ConcurrentBag<Request>();
        using var http = _app.GetTestClient();
        await Parallel.ForEachAsync(Enumerable.Range(0, Receivers * PerReceiver), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (number, cancellationToken) =>
        {
            var (receiver, user) = (number % Receivers, $"user-{number % Users}");
            var response = await http.PostAsync("/bc-authorize", new FormUrlEncodedContent(
            [
                new("client_id", $"client-{receiver}"), new("client_secret", Secret), new("scope", "openid"), new("login_hint", user), new("client_notification_token", "bench-token"),
            ]), cancellationToken);
            response.EnsureSuccessStatusCode();
            asked.Add(new Request((await response.Content.ReadAsStringAsync(cancellationToken)).Split('"')[3], user, Hangs(receiver)));
        });
        while (_users.Told < told + asked.Count)
        {
            await Task.Delay(Tick);
        }

        Request[] requests = [.. asked];
        Random.Shared.Shuffle(requests);
        return requests;
    }

    private async Task ApproveAsync(Request request, ConcurrentDictionary<string, long> decided)
    {
        await using var scope = _app.Services.CreateAsyncScope();
        decided[request.AuthReqId] = Stopwatch.GetTimestamp();
        var result = await scope.ServiceProvider.GetRequiredService<ICibaApprovals>().ApproveAsync(CibaRequestId.FromAuthReqId(request.AuthReqId)!, request.User, null, CancellationToken.None);
        if (result != CibaDecisionResult.Done)
        {
            throw new InvalidOperationException($"An approval came to {result}.");
        }
    }

    private async Task<WebApplication> ProviderAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseTestServer(server => server.BaseAddress = new Uri("https://localhost/"));
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(_users);
        var ciba = builder.Services
            .AddCiba(options =>
            {
                options.Issuer = "https://id.example.com";
                options.Limits.PendingPerUser = 0;
                options.Limits.PendingPerUserAndClient = 0;
                options.Limits.PendingPerClient = 0;
                options.Limits.PendingTotal = 0;
                options.Limits.NotificationsPerUser = 0;
                options.Limits.NotificationsPerUserAndClient = 0;
                options.RequestLifetime = TimeSpan.FromMinutes(10);
                options.Callbacks.AllowedNetworks = ["127.0.0.0/8"];
            })
            .AddClients(Enumerable.Range(0, Receivers).Select(Client))
            .AddUserLookup<LoadUsers>()
            .AddDeviceNotifier<LoadUsers>()
            .AddJwtTokenIssuer();
        if (redis is not null)
        {
            ciba.AddRedisStore(redis, options => options.KeyPrefix = $"bench-{Guid.NewGuid():N}");
        }

        _receivers.BeTrustedBy(builder.Services);
        var app = builder.Build();
        app.UseRouting();
        app.MapCiba();
        await app.StartAsync();
        return app;
    }

    private CibaClient Client(int number) => new()
    {
        ClientId = $"client-{number}",
        ClientSecrets = [Secret],
        TokenEndpointAuthMethod = CibaClientAuthenticationMethods.ClientSecretPost,
        BackchannelTokenDeliveryMode = CibaTokenDeliveryModes.Ping,
        BackchannelClientNotificationEndpoint = _receivers.Url(number, Hangs(number)),
    };

    private static bool Hangs(int receiver) => receiver % OneHangsOf == 0;

    private sealed record Request(string AuthReqId, string User, bool Hangs);

    /// <summary>Everybody is known, under the name that the hint has.</summary>
    private sealed class LoadUsers : ICibaUserLookup, ICibaDeviceNotifier
    {
        private int _told;

        public int Told => Volatile.Read(ref _told);

        public ValueTask<CibaUserLookupResult> FindAsync(CibaHint hint, CibaClient client, CancellationToken cancellationToken) =>
            new(CibaUserLookupResult.Found(new CibaUser { Subject = hint.Value }));

        public ValueTask<bool> IsActiveAsync(string subject, CancellationToken cancellationToken) => new(true);

        public Task NotifyAsync(CibaDeviceRequest request, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _told);
            return Task.CompletedTask;
        }
    }
}
