using Ciba.AspNetCore.Callbacks;

namespace Ciba.AspNetCore.Tests;

/// <summary>Whatever a log line or a debugger makes of what a callback holds, it shows no secret.</summary>
[Spec("P1"), Spec("P2")]
public sealed class CallbackTextTests
{
    private const string Secret = "s3cret";

    private static readonly DateTimeOffset Now = new(2026, 1, 15, 12, 0, 0, TimeSpan.Zero);
    private static readonly CibaCallback Callback = new(Secret, Secret);
    private static readonly CibaTokens Tokens = new() { AccessToken = Secret, RefreshToken = Secret, IdToken = Secret, ExpiresIn = TimeSpan.FromMinutes(1) };
    private static readonly CibaDecision Decision = new() { Outcome = CibaRequestStatus.Approved, DecidedAt = Now };
    private static readonly CibaRequest Request = new()
    {
        Id = "handle",
        ClientId = "client",
        ClientName = "The client",
        Subject = Secret,
        Scopes = ["openid"],
        Interval = TimeSpan.FromSeconds(5),
        TokenDeliveryMode = CibaTokenDeliveryModes.Push,
        Callback = Callback,
        CreatedAt = Now,
        ExpiresAt = Now,
        RetainedUntil = Now,
    };

    private static readonly CibaTokenRequest TokenRequest = new(CibaHost.Issuer, FakeReceiver.PushClient(), Request, Decision);

    private static IEnumerable<TestCaseData> Texts() => new object[]
    {
        Callback,
        Tokens,
        Decision,
        Request,
        TokenRequest,
        new Ping(Secret),
        new Push(Secret, Secret, Secret, Secret, 1, Secret, Secret, null),
        new PushError(Secret, Secret, Secret),
        new IssuedTokens(Tokens, TokenRequest, Now),
        new CibaOutboxEntry(Request, CibaRequestStatus.Approved, Decision, Now),
        new OutboxAttempt(new CibaOutboxEntry(Request, CibaRequestStatus.Approved, Decision, Now)) { Push = MintedPush.Create(Secret, new IssuedTokens(Tokens, TokenRequest, Now)) },
        MintedPush.Create(Secret, new IssuedTokens(Tokens, TokenRequest, Now)),
    }.Select(value => new TestCaseData(value).SetArgDisplayNames(value.GetType().Name));

    [TestCaseSource(nameof(Texts))]
    public void No_text_of_it_shows_a_secret(object value) => Assert.That($"{value}", Is.Not.Empty.And.Not.Contains(Secret));
}
