namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>A request that was acknowledged, and what its client and its user were told of it since.</summary>
public sealed class KillRequest(string authReqId, string user)
{
    private int _tokens;
    private int _lostPolls;

    public string AuthReqId => authReqId;

    public string User => user;

    /// <summary>Whether an approval was sent, whatever became of it.</summary>
    public bool AskedToApprove { get; set; }

    public bool Approved { get; set; }

    public bool ApprovalAcknowledged { get; set; }

    /// <summary>How often the client got tokens.</summary>
    public int Tokens => _tokens;

    /// <summary>Polls of which the client does not know what they did.</summary>
    public int LostPolls => _lostPolls;

    /// <summary>Whether a poll was told <c>invalid_grant</c>.</summary>
    public bool UsedUp { get; set; }

    public bool IsOver => UsedUp || Tokens > 0;

    public void GotTokens() => Interlocked.Increment(ref _tokens);

    public void PollLost() => Interlocked.Increment(ref _lostPolls);

    public override string ToString() => $"request of {User}: approved {Approved}, tokens {Tokens}, lost polls {LostPolls}, used up {UsedUp}";
}
