using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Ciba.AspNetCore.Benchmarks;

/// <summary>
/// Polls and event streams that wait on one node while nothing happens, and then decisions that come in on another: tells what the
/// waiting costs the node and Redis, and how long it is from the decision to the tokens. Node and Redis are processes of their own.
/// </summary>
internal sealed class WaitingLoad(string redis, int polls, int streams)
{
    private const int AtOnce = 32;
    private const int Decisions = 1000;
    private const int DecisionsPerSecond = 50;
    private const int WarmUp = 200;
    private const int StartsPerSecond = 200;

    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(2);

    private readonly HttpClient _http = new(new SocketsHttpHandler { PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly ConcurrentDictionary<string, long> _answered = new(StringComparer.Ordinal);
    private int _open;

    private bool IsInMemory => redis == WaitingNode.Memory;

    public async Task<int> RunAsync()
    {
        using var waits = await WaitingNode.StartProcessAsync(redis);
        using var decides = IsInMemory ? null : await WaitingNode.StartProcessAsync(redis);
        var (a, b) = (waits.Url, (decides ?? waits).Url);
        try
        {
            await MeasureAsync(waits.Process, "no waiter");
            var requests = await AskAsync(b);
            await AtRateAsync(requests.Length, StartsPerSecond, i => _ = PollAsync(a, requests[i]));
            await AtRateAsync(streams, StartsPerSecond, i => _ = ListenAsync(a, $"listener-{i}"));
            await Task.Delay(Settle);
            Console.WriteLine($"{_open} streams are open, {_answered.Count} polls were answered though nothing happened");
            await MeasureAsync(waits.Process, $"{polls} polls and {streams} streams wait");
            await DecideAsync(b, requests);
            return 0;
        }
        finally
        {
            waits.Process.Kill();
            decides?.Process.Kill();
        }
    }

    private static async Task AtRateAsync(int count, int perSecond, Action<int> start)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / perSecond));
        for (var i = 0; i < count && await timer.WaitForNextTickAsync(); i++)
        {
            start(i);
        }
    }

    private async Task MeasureAsync(Process node, string name)
    {
        var (cpu, commands, began) = (CpuOf(node), await CommandsAsync(), Stopwatch.GetTimestamp());
        await Task.Delay(Measured);
        var (cpuAfter, commandsAfter, seconds) = (CpuOf(node), await CommandsAsync(), Stopwatch.GetElapsedTime(began).TotalSeconds);
        var redisUse = IsInMemory ? "" : $"; Redis {(commandsAfter.Cpu - commands.Cpu) / seconds:P2} of a core, {(commandsAfter.Scripts - commands.Scripts) / seconds:0.0} scripts/s, {(commandsAfter.Reads - commands.Reads) / seconds:0.0} other commands/s";
        Console.WriteLine($"{name}: node {(cpuAfter - cpu).TotalSeconds / seconds:P2} of a core{redisUse}");
    }

    private static TimeSpan CpuOf(Process process)
    {
        process.Refresh();
        return process.TotalProcessorTime;
    }

    private async Task<string[]> AskAsync(string url)
    {
        var asked = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(Enumerable.Range(0, polls), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (number, cancellationToken) =>
        {
            using var response = await _http.PostAsync($"{url}/bc-authorize", new FormUrlEncodedContent(
                [new("client_id", WaitingNode.Client), new("client_secret", WaitingNode.Secret), new("scope", "openid"), new("login_hint", $"user-{number}")]), cancellationToken);
            response.EnsureSuccessStatusCode();
            asked.Add($"user-{number} {(await response.Content.ReadAsStringAsync(cancellationToken)).Split('"')[3]}");
        });
        return [.. asked];
    }

    private async Task PollAsync(string url, string request)
    {
        using var response = await _http.PostAsync($"{url}/token", new FormUrlEncodedContent(
            [new("client_id", WaitingNode.Client), new("client_secret", WaitingNode.Secret), new("grant_type", "urn:openid:params:grant-type:ciba"), new("auth_req_id", request.Split(' ')[1])]));
        var body = await response.Content.ReadAsStringAsync();
        _answered[request] = body.Contains("access_token", StringComparison.Ordinal) ? Stopwatch.GetTimestamp() : 0;
    }

    private async Task ListenAsync(string url, string user)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{url}/device/events");
        request.Headers.Add(WaitingNode.UserHeader, user);
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        Interlocked.Increment(ref _open);
        await using var stream = await response.Content.ReadAsStreamAsync();
        await stream.CopyToAsync(Stream.Null);
    }

    private async Task DecideAsync(string url, string[] requests)
    {
        var some = requests.Where(request => !_answered.ContainsKey(request)).Take(WarmUp + Decisions).ToArray();
        var decided = new Dictionary<string, long>(StringComparer.Ordinal);
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / DecisionsPerSecond));
        foreach (var request in some)
        {
            await timer.WaitForNextTickAsync();
            decided[request] = Stopwatch.GetTimestamp();
            using var message = new HttpRequestMessage(HttpMethod.Post, $"{url}/device/requests/{CibaRequestId.FromAuthReqId(request.Split(' ')[1])}/approve");
            message.Headers.Add(WaitingNode.UserHeader, request.Split(' ')[0]);
            using var response = await _http.SendAsync(message);
            response.EnsureSuccessStatusCode();
        }

        using var bound = new CancellationTokenSource(Bound);
        while (!some.All(_answered.ContainsKey))
        {
            await Task.Delay(10, bound.Token);
        }

        // The first ones wait for code that is compiled as they come.
        var waits = some.Skip(WarmUp).Select(request => Stopwatch.GetElapsedTime(decided[request], _answered[request]).TotalMilliseconds).Order().ToArray();
        if (waits.Length > 0)
        {
            Console.WriteLine($"{waits.Length} decisions, {DecisionsPerSecond}/s, on the other node: from the decision to the tokens p50 {At(waits, 0.5):0.0} ms, p99 {At(waits, 0.99):0.0} ms, max {At(waits, 1):0.0} ms");
        }
    }

    private static double At(double[] sorted, double part) => sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * part))];

    /// <summary>What Redis has done since it started, as it tells itself.</summary>
    private async Task<(double Cpu, double Scripts, double Reads)> CommandsAsync()
    {
        if (IsInMemory)
        {
            return default;
        }

        var info = await InfoAsync("everything");
        var scripts = Calls("cmdstat_evalsha");
        return (Value("used_cpu_sys:") + Value("used_cpu_user:"), scripts, Calls("cmdstat_zrangebyscore") + Calls("cmdstat_get") + Calls("cmdstat_mget") + Calls("cmdstat_publish") + Calls("cmdstat_ping"));

        double Value(string name) => info.Split("\r\n").FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) is { } line
            ? double.Parse(line[name.Length..], CultureInfo.InvariantCulture) : 0;

        double Calls(string name) => info.Split("\r\n").FirstOrDefault(line => line.StartsWith($"{name}:calls=", StringComparison.Ordinal)) is { } line
            ? double.Parse(line.Split('=', ',')[1], CultureInfo.InvariantCulture) : 0;
    }

    private async Task<string> InfoAsync(string section)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(redis.Split(':')[0], int.Parse(redis.Split(':')[1], CultureInfo.InvariantCulture));
        await using var stream = connection.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"INFO {section}\r\nQUIT\r\n"));
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return await reader.ReadToEndAsync();
    }
}
