using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A token issuer of the host's own for push clients: right in everything, until a test changes something.</summary>
public sealed class PushIssuer : ICibaTokenIssuer, IDisposable
{
    private readonly TokenForger _forger = new();
    private int _calls;

    public string? RefreshToken { get; set; }

    public TimeSpan ExpiresIn { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>What a call waits for before it issues anything, with its number from 1 on.</summary>
    public Func<int, Task> BeforeIssue { get; set; } = _ => Task.CompletedTask;

    /// <summary>Runs before a call issues anything, with its number from 1 on.</summary>
    public Action<int> OnIssue { get; set; } = _ => { };

    /// <summary>Changes the claims of the ID Token.</summary>
    public Action<IDictionary<string, object>> Claims { get; set; } = _ => { };

    /// <summary>Changes the ID Token itself.</summary>
    public Func<string, string> IdToken { get; set; } = idToken => idToken;

    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Puts this issuer in the place of the ready one.</summary>
    public void Use(CibaBuilder builder)
    {
        builder.Services.AddSingleton(this);
        builder.AddTokenIssuer<PushIssuer>();
    }

    public async ValueTask<CibaTokens> IssueAsync(CibaTokenRequest request, CancellationToken cancellationToken)
    {
        var call = Interlocked.Increment(ref _calls);
        await BeforeIssue(call);
        OnIssue(call);
        var accessToken = $"access-{call}";
        var claims = request.CreateIdTokenClaims(request.RequestedAt, TimeSpan.FromMinutes(5), "ES256", accessToken, RefreshToken);
        Claims(claims);
        return new CibaTokens
        {
            AccessToken = accessToken,
            RefreshToken = RefreshToken,
            ExpiresIn = ExpiresIn,
            IdToken = IdToken(_forger.SignRaw(JsonSerializer.Serialize(claims))),
        };
    }

    public void Dispose() => _forger.Dispose();
}
