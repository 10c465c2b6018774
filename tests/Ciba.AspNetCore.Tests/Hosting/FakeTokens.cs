using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A token issuer of the host's own, which a test makes slow, wrong or broken.</summary>
public sealed class FakeTokens : ICibaTokenIssuer
{
    private int _calls;

    /// <summary>What a call does, by its number from 1 on; null for right tokens.</summary>
    public Func<int, CancellationToken, Task<CibaTokens?>>? OnIssue { get; set; }

    /// <summary>How often tokens were asked for.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Tokens that name the call which issued them.</summary>
    public static CibaTokens Right(int call = 1) => new() { AccessToken = $"access-{call}", IdToken = $"id-{call}", ExpiresIn = TimeSpan.FromMinutes(10) };

    /// <summary>Puts this issuer in the place of the ready one.</summary>
    public void Use(CibaBuilder builder)
    {
        builder.Services.AddSingleton(this);
        builder.AddTokenIssuer<FakeTokens>();
    }

    public async ValueTask<CibaTokens> IssueAsync(CibaTokenRequest request, CancellationToken cancellationToken)
    {
        var call = Interlocked.Increment(ref _calls);
        return OnIssue is { } onIssue ? (await onIssue(call, cancellationToken))! : Right(call);
    }
}
