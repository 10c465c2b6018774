using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Jose;
using Ciba.AspNetCore.Token;
using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore.Benchmarks;

/// <summary>The pieces that every request goes through, one by one.</summary>
[MemoryDiagnoser]
public class PieceBenchmarks
{
    private const string Secret = "bench-secret-bench-secret-bench-secret-1";
    private const int Users = 1024;

    private static readonly CibaRequestLimits NoLimits = new(0, 0);

    private readonly byte[][] _digests = [ClientSecret.Digest(Secret)];
    private readonly MemoryCibaRequestStore _store = new(TimeProvider.System);
    private readonly string _subject = "account-1";
    private readonly Dictionary<string, object> _claims = new() { ["iss"] = "c", ["sub"] = "c", ["aud"] = "https://id.example.com", ["jti"] = "1", ["exp"] = 2_000_000_000L };

    private TokenSigner _signing = null!;
    private SignatureKey _verifying = null!;
    private string _authReqId = "";
    private string _id = "";
    private Jwt _jwt = null!;
    private string _token = "";
    private int _next;

    [GlobalSetup]
    public async Task SetUpAsync()
    {
        var request = NewRequest(_subject, TimeSpan.FromHours(1));
        _id = request.Id;
        await _store.AddAsync(request, NoLimits, CancellationToken.None);

        var key = new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256));
        _signing = new TokenSigner(new SigningCredentials(key, "ES256"));
        _verifying = SignatureKey.ForVerifying(key, "ES256");
        _token = _signing.SignIdToken(_claims);
        _jwt = Jwt.Read(_token)!;
    }

    [GlobalCleanup]
    public void CleanUp() => _store.Dispose();

    [Benchmark]
    public bool ClientSecretMatches() => ClientSecret.Matches(Secret, _digests);

    [Benchmark]
    public string? IdOfAuthReqId() => CibaRequestId.FromAuthReqId(_authReqId);

    [Benchmark]
    public string NewAuthReqId() => CibaRequestId.NewAuthReqId(_subject);

    [Benchmark]
    public ValueTask<CibaPollResult> StorePoll() => _store.PollAsync(_id, "client", TimeProvider.System.GetUtcNow(), TimeSpan.FromSeconds(30), CancellationToken.None);

    // Short lives, so that what is added is forgotten at the same rate.
    [Benchmark]
    public ValueTask<CibaAddResult> StoreAddAndForget() =>
        _store.AddAsync(NewRequest($"account-{_next++ % Users}", TimeSpan.FromMilliseconds(100)), NoLimits, CancellationToken.None);

    [Benchmark]
    public object? ReadJwt() => Jwt.Read(_token);

    [Benchmark]
    public bool VerifyEs256() => _verifying.Verifies(_jwt);

    [Benchmark]
    public string SignEs256() => _signing.SignIdToken(_claims);

    private CibaRequest NewRequest(string subject, TimeSpan lifetime)
    {
        var now = TimeProvider.System.GetUtcNow();
        _authReqId = CibaRequestId.NewAuthReqId(subject);
        return new CibaRequest
        {
            Id = CibaRequestId.FromAuthReqId(_authReqId)!,
            ClientId = "client",
            ClientName = "client",
            Subject = subject,
            Scopes = ["openid"],
            Interval = TimeSpan.FromSeconds(5),
            CreatedAt = now,
            ExpiresAt = now + lifetime,
            RetainedUntil = now + lifetime,
        };
    }
}
