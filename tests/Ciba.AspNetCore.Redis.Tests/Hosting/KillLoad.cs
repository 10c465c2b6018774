using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>
/// Clients and users who go on whatever dies, each call at any node that runs, and who write down what they were told. What
/// contradicts itself stands in <see cref="Wrong"/>.
/// </summary>
public sealed class KillLoad(IReadOnlyList<QuickstartProcess> nodes, Func<QuickstartProcess, string, string, Task<Answer>> approve, bool nodesDie, int seed)
{
    private const int Loops = 8;

    // For clients, and for devices.
    private static readonly string[] Unavailable =
    [
        """{"error":"temporarily_unavailable","error_description":"The provider cannot serve the request just now: try again later."}""",
        """{"type":"https://tools.ietf.org/html/rfc9110#section-15.6.4","title":"Service Unavailable","status":503,"detail":"The provider cannot serve the request just now: try again later.","code":"temporarily_unavailable"}""",
    ];

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly string[] Users = ["alice", "bob"];

    private readonly ConcurrentDictionary<string, KillRequest> _requests = new();
    private readonly Lock _gate = new();
    private TaskCompletionSource _reached = new();
    private int _good;
    private int _goal = -1;
    private volatile bool _stopped;

    public ConcurrentQueue<string> Wrong { get; } = new();

    public ICollection<KillRequest> Requests => _requests.Values;

    /// <summary>Calls whose connection ended before the answer.</summary>
    public int CutOff { get; private set; }

    /// <summary>Calls that were answered 503.</summary>
    public int Refused { get; private set; }

    public TimeSpan Longest { get; private set; }

    public Task RunAsync() => Task.WhenAll(Enumerable.Range(0, Loops).Select(number => Task.Run(() => LoopAsync(new Random(seed + number)))));

    public void Stop() => _stopped = true;

    /// <summary>Waits until so many calls more were answered, 503 not counted.</summary>
    public Task AnsweredAsync(int count)
    {
        lock (_gate)
        {
            _goal = _good + count;
            _reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _reached.Task.WaitAsync(Bound);
        }
    }

    /// <summary>When all is calm: brings every request that was acknowledged to its end, and its end must fit what was told before.</summary>
    public Task SettleAsync() => Parallel.ForEachAsync(
        _requests.Values,
        new ParallelOptions { MaxDegreeOfParallelism = Loops },
        async (request, _) => await SettleAsync(request, new Random(seed)));

    private async Task LoopAsync(Random random)
    {
        while (!_stopped)
        {
            var user = Users[random.Next(Users.Length)];
            if (await TryAsync(() => Pick(random).AuthorizeAsync(user)) is not { } made)
            {
                continue;
            }

            if (made.Status != HttpStatusCode.OK)
            {
                Wrong.Enqueue($"bc-authorize: {(int)made.Status} {made.Body}");
                continue;
            }

            var request = _requests[made.AuthReqId] = new KillRequest(made.AuthReqId, user);
            await PollAsync(request, Pick(random));

            // Some users are slow.
            if (random.Next(4) > 0 && await ApproveAsync(request, Pick(random)))
            {
                await Task.WhenAll(PollAsync(request, Pick(random)), PollAsync(request, Pick(random)));
            }
        }
    }

    private async Task SettleAsync(KillRequest request, Random random)
    {
        using var bound = new CancellationTokenSource(Bound);
        await PollAsync(request, Pick(random));
        while (!request.IsOver)
        {
            if (!request.Approved)
            {
                await ApproveAsync(request, Pick(random));
            }

            await PollAsync(request, Pick(random));
            if (!request.IsOver)
            {
                await Task.Delay(Pause, bound.Token);
            }
        }

        // One that is lost on the way says nothing.
        var last = await PollAsync(request, Pick(random));
        while (string.IsNullOrEmpty(last))
        {
            await Task.Delay(Pause, bound.Token);
            last = await PollAsync(request, Pick(random));
        }

        if (last != "invalid_grant")
        {
            Wrong.Enqueue($"After its end: {last}, {request}");
        }

        if (request.Tokens > 1 || (request.Tokens == 0 && request.LostPolls == 0))
        {
            Wrong.Enqueue($"{request}");
        }
    }

    private async Task<bool> ApproveAsync(KillRequest request, QuickstartProcess node)
    {
        var askedBefore = request.AskedToApprove;
        request.AskedToApprove = true;
        switch (await TryAsync(() => approve(node, request.AuthReqId, request.User)))
        {
            case null:
                return false;
            case { Status: HttpStatusCode.NoContent }:
                request.Approved = true;
                request.ApprovalAcknowledged = true;
                return true;

            // The answer before was lost, the approval was not.
            case { Status: HttpStatusCode.Conflict } when askedBefore:
                return request.Approved = true;
            case var answer:
                Wrong.Enqueue($"Approval: {(int)answer.Status} {answer.Body}, {request}");
                return false;
        }
    }

    private async Task<string?> PollAsync(KillRequest request, QuickstartProcess node)
    {
        if (await TryAsync(() => node.PollAsync(request.AuthReqId)) is not { } answer)
        {
            request.PollLost();
            return null;
        }

        if (answer.Status == HttpStatusCode.OK)
        {
            request.GotTokens();
            if (!request.AskedToApprove || answer.Text("id_token") is null)
            {
                Wrong.Enqueue($"Tokens without an approval, or none: {request}");
            }

            return "tokens";
        }

        if (answer.Error == "invalid_grant" && request.AskedToApprove)
        {
            request.UsedUp = true;
        }
        else if (answer.Error != "authorization_pending" && (answer.Error != "slow_down" || request.ApprovalAcknowledged))
        {
            Wrong.Enqueue($"Poll: {(int)answer.Status} {answer.Body}, {request}");
        }

        return answer.Error;
    }

    /// <summary>Null where it is not known whether the call did anything.</summary>
    private async Task<Answer?> TryAsync(Func<Task<Answer>> call)
    {
        var began = Stopwatch.GetTimestamp();
        try
        {
            var answer = await call();
            return Note(Stopwatch.GetElapsedTime(began), answer) ? answer : await LaterAsync();
        }
        catch (HttpRequestException) when (nodesDie)
        {
            lock (_gate)
            {
                CutOff++;
            }

            return null;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            Wrong.Enqueue($"No answer: {exception.Message}");
            return null;
        }
    }

    private bool Note(TimeSpan took, Answer answer)
    {
        lock (_gate)
        {
            Longest = took > Longest ? took : Longest;
            if (answer.Status == HttpStatusCode.ServiceUnavailable && Unavailable.Contains(answer.Body) && !nodesDie)
            {
                Refused++;
                return false;
            }

            if (++_good == _goal)
            {
                _reached.TrySetResult();
            }

            return true;
        }
    }

    // A client that is told to come back later does not come back at once.
    private static async Task<Answer?> LaterAsync()
    {
        await Task.Delay(Pause);
        return null;
    }

    private QuickstartProcess Pick(Random random)
    {
        QuickstartProcess[] running = [.. nodes.Where(node => node.IsRunning)];
        return running[random.Next(running.Length)];
    }
}
