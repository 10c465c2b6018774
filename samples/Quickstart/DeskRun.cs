using System.Text.Json;
using Ciba.AspNetCore;
using Microsoft.IdentityModel.Tokens;

namespace Quickstart;

/// <summary>One authentication request of the desk: polls until there is an answer.</summary>
public sealed class DeskRun(DeskClient provider, CibaClient client, DeskAnswer acknowledgement, TimeProvider time, CancellationToken stopping) : IDisposable
{
    private const int MaxSteps = 60;

    // The provider counts whole seconds from before its answer left.
    private static readonly TimeSpan Margin = TimeSpan.FromMilliseconds(200);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _cancelled = new();
    private readonly string _authReqId = acknowledgement.Text("auth_req_id")!;
    private readonly TimeSpan _lifetime = acknowledgement.Seconds("expires_in") ?? TimeSpan.FromMinutes(2);
    private readonly DateTimeOffset _expiresAt = time.GetUtcNow() + (acknowledgement.Seconds("expires_in") ?? TimeSpan.FromMinutes(2));
    private readonly List<DeskStep> _steps = [new("POST " + provider.AuthenticationPath, acknowledgement.Status, acknowledgement.Summary())];
    private int _polls;
    private TimeSpan _interval = acknowledgement.Seconds("interval") ?? TimeSpan.FromSeconds(5);
    private DeskState _state = new("pending");

    /// <summary>When it ended, null while it polls.</summary>
    public DateTimeOffset? EndedAt { get; private set; }

    public DeskState State
    {
        get
        {
            lock (_lock)
            {
                return Look();
            }
        }
    }

    /// <summary>Section 11: asks as often as the provider allows, until it says something else than to wait.</summary>
    public async Task PollAsync()
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_cancelled.Token, stopping);
        try
        {
            while (EndedAt is null)
            {
                await Task.Delay(NextWait(), time, over.Token);
                Take(await provider.PostAsync(client, provider.TokenPath, Form(), over.Token));
            }
        }
        catch (OperationCanceledException)
        {
            End(new(await WithdrawAsync() ? "withdrawn" : "cancelled"));
        }
        catch (Exception exception) when (exception is JsonException or FormatException)
        {
            End(new("refused") { Error = "server_error", Description = "The ID Token cannot be read." });
        }
    }

    /// <summary>The person at the desk does not want to wait any longer.</summary>
    public Task CancelAsync() => EndedAt is null ? _cancelled.CancelAsync() : Task.CompletedTask;

    public void Dispose() => _cancelled.Dispose();

    private Dictionary<string, string> Form() => new() { ["grant_type"] = "urn:openid:params:grant-type:ciba", ["auth_req_id"] = _authReqId };

    private async Task<bool> WithdrawAsync()
    {
        if (stopping.IsCancellationRequested || provider.CancelPath is not { } path)
        {
            return false;
        }

        try
        {
            var answer = await provider.PostAsync(client, path, new() { ["auth_req_id"] = _authReqId }, stopping);
            Record(path, answer);
            return answer is { Status: >= 200 and < 300 };
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    // Once its time is up there is nothing to wait for: an expired request is never told to slow down.
    private TimeSpan NextWait()
    {
        var left = _expiresAt - time.GetUtcNow() + Margin;
        return left > TimeSpan.Zero && left < _interval ? left : _interval;
    }

    private void Take(DeskAnswer answer)
    {
        Record(provider.TokenPath, answer);
        _polls++;

        // A provider that has been out of order for this long will not know the request any more.
        var isOver = time.GetUtcNow() > _expiresAt + TimeSpan.FromMinutes(1);
        switch (answer.Error)
        {
            case null:
                End(Approved(answer));
                break;

            case "slow_down":
                _interval += TimeSpan.FromSeconds(5);
                break;

            case "authorization_pending":
            case not null when answer.IsPassing && !isOver:
                break;

            case "expired_token":
                End(new("expired") { Error = answer.Error, Description = answer.Description });
                break;

            default:
                End(new("refused") { Error = answer.Error, Description = answer.Description });
                break;
        }
    }

    private void Record(string path, DeskAnswer answer)
    {
        lock (_lock)
        {
            if (_steps.Count < MaxSteps)
            {
                _steps.Add(new("POST " + path, answer.Status, answer.Summary()));
            }
        }
    }

    // The tokens themselves stay here: the browser gets what they say.
    private static DeskState Approved(DeskAnswer answer)
    {
        var parts = answer.Text("id_token")?.Split('.') ?? [];
        return new("approved")
        {
            IdTokenHeader = parts.Length == 3 ? Decode(parts[0]) : null,
            IdToken = parts.Length == 3 ? Decode(parts[1]) : null,
            Granted = answer.Body.EnumerateObject().Where(property => property.Name is not ("access_token" or "id_token" or "refresh_token")).ToDictionary(property => property.Name, property => property.Value),
        };
    }

    private static JsonElement Decode(string part)
    {
        using var json = JsonDocument.Parse(Base64UrlEncoder.DecodeBytes(part));
        return json.RootElement.Clone();
    }

    private DeskState Look() => _state with
    {
        Remaining = Math.Max(0, (_expiresAt - time.GetUtcNow()).TotalSeconds),
        Lifetime = _lifetime.TotalSeconds,
        Interval = _interval.TotalSeconds,
        Polls = _polls,
        Steps = [.. _steps],
    };

    private void End(DeskState state)
    {
        lock (_lock)
        {
            (_state, EndedAt) = (state, time.GetUtcNow());
        }
    }
}

/// <summary>One call over the wire.</summary>
public sealed record DeskStep(string Call, int Status, string Answer);

/// <summary>How far a request of the desk is: pending, approved, refused, expired, withdrawn, or cancelled, which only the desk knows.</summary>
public sealed record DeskState(string Status)
{
    public string? Error { get; init; }

    public string? Description { get; init; }

    /// <summary>Seconds until it expires.</summary>
    public double Remaining { get; init; }

    /// <summary>Seconds that it had at first.</summary>
    public double Lifetime { get; init; }

    /// <summary>Seconds between two polls.</summary>
    public double Interval { get; init; }

    public int Polls { get; init; }

    public IReadOnlyList<DeskStep> Steps { get; init; } = [];

    public JsonElement? IdTokenHeader { get; init; }

    /// <summary>The claims.</summary>
    public JsonElement? IdToken { get; init; }

    /// <summary>What else stands in the token response, but no token.</summary>
    public IReadOnlyDictionary<string, JsonElement>? Granted { get; init; }
}
