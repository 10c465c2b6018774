using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Tokens;
using Moq;

namespace Ciba.AspNetCore.Tests;

/// <summary>What the host's own classes break is the provider's fault, said in JSON, and leaves nothing behind.</summary>
public sealed class HostFailureTests
{
    private const string Detail = "A detail for the operator, not for the client.";

    private static readonly CibaUserLookupResult Alice = CibaUserLookupResult.Found(new CibaUser { Subject = "sub-alice", HasUserCode = true });

    public static IEnumerable<TestCaseData> Failures()
    {
        yield return Case("client store", (_, ciba) => ciba.Services.AddSingleton(
            Broken<ICibaClientStore>(mock => mock.Setup(store => store.FindAsync(It.IsAny<string>(), It.IsAny<CancellationToken>())).Throws(Broke()))));
        yield return Case("user lookup", (_, ciba) => ciba.Services.AddSingleton(
            Broken<ICibaUserLookup>(mock => mock.Setup(users => users.FindAsync(It.IsAny<CibaHint>(), It.IsAny<CibaClient>(), It.IsAny<CancellationToken>())).Throws(Broke()))));
        yield return Case("user lookup that times out", (_, ciba) => ciba.Services.AddSingleton(
            Broken<ICibaUserLookup>(mock => mock.Setup(users => users.FindAsync(It.IsAny<CibaHint>(), It.IsAny<CibaClient>(), It.IsAny<CancellationToken>())).Throws(new TaskCanceledException(Detail)))));
        yield return Case("user lookup whose answer is null", (_, ciba) => ciba.Services.AddSingleton(
            Broken<ICibaUserLookup>(mock => mock.Setup(users => users.FindAsync(It.IsAny<CibaHint>(), It.IsAny<CibaClient>(), It.IsAny<CancellationToken>())).ReturnsAsync((CibaUserLookupResult)null!))));
        yield return Case("whether the user is active", (_, ciba) => ciba.Services.AddSingleton(Broken<ICibaUserLookup>(mock =>
        {
            mock.Setup(users => users.FindAsync(It.IsAny<CibaHint>(), It.IsAny<CibaClient>(), It.IsAny<CancellationToken>())).ReturnsAsync(Alice);
            mock.Setup(users => users.IsActiveAsync("sub-alice", It.IsAny<CancellationToken>())).Throws(Broke());
        })));
        yield return Case("whether the code is right", (_, ciba) => ciba.Services.AddSingleton(Broken<ICibaUserLookup>(mock =>
        {
            mock.Setup(users => users.FindAsync(It.IsAny<CibaHint>(), It.IsAny<CibaClient>(), It.IsAny<CancellationToken>())).ReturnsAsync(Alice);
            mock.Setup(users => users.IsActiveAsync("sub-alice", It.IsAny<CancellationToken>())).ReturnsAsync(true);
            mock.Setup(users => users.IsUserCodeAsync("sub-alice", "code", It.IsAny<CancellationToken>())).Throws(Broke());
        })));
        yield return Case("user code limiter", (host, ciba) =>
        {
            host.Users.Codes["alice"] = "code";
            ciba.Services.AddSingleton(
                Broken<ICibaUserCodeLimiter>(mock => mock.Setup(limiter => limiter.TryBeginAsync(It.IsAny<string>(), It.IsAny<string>(), It.IsAny<int>(), It.IsAny<TimeSpan>(), It.IsAny<CancellationToken>())).Throws(Broke())));
        });
        yield return Case("validator", (_, ciba) => ciba.Services.AddSingleton(
            Broken<ICibaRequestValidator>(mock => mock.Setup(validator => validator.ValidateAsync(It.IsAny<CibaRequest>(), It.IsAny<CibaClient>(), It.IsAny<CancellationToken>())).Throws(Broke()))));
        yield return Case("request store", (_, ciba) => ciba.Services.AddSingleton(
            Broken<ICibaRequestStore>(mock => mock.Setup(store => store.AddAsync(It.IsAny<CibaRequest>(), It.IsAny<CibaRequestLimits>(), It.IsAny<CancellationToken>())).Throws(Broke()))));

        static TestCaseData Case(string name, Action<CibaHost, CibaBuilder> setup) => new TestCaseData(setup).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Failures)), Spec("A18"), Spec("A20")]
    public async Task A_failure_of_the_host_is_a_server_error_in_JSON(Action<CibaHost, CibaBuilder> setup)
    {
        var client = CibaHost.Client("client");
        client.BackchannelUserCodeParameter = true;
        CibaHost? self = null;
        await using var host = self = new CibaHost
        {
            Clients = [client],
            Options = options => options.DeviceNotification = CibaDeviceNotificationMode.BeforeAcknowledgement,
            Setup = ciba => setup(self!, ciba),
        };

        var answer = await host.AuthorizeAsync(("user_code", "code"));

        Refusal.Says(answer, "server_error", 500);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Body, Is.EqualTo("""{"error":"server_error","error_description":"The provider failed: try again later."}"""));
            Assert.That(host.Devices.Calls, Is.Zero);
            Assert.That(host.Log.Ours.Count(line => line.Level == LogLevel.Error), Is.EqualTo(1));
            if ((await host.ServicesAsync()).GetRequiredService<ICibaRequestStore>() is MemoryCibaRequestStore store)
            {
                Assert.That(store.Count, Is.Zero);
            }
        }
    }

    [Test, Spec("A13"), Spec("A18")]
    public async Task Signing_keys_that_cannot_be_had_are_a_server_error_and_not_a_bad_hint()
    {
        using var forger = new TokenForger();
        var keys = new Mock<ICibaSigningKeys>();
        keys.Setup(mock => mock.GetAsync(It.IsAny<CancellationToken>())).Returns(() => ValueTask.FromException<IReadOnlyList<SigningCredentials>>(Broke()));
        var tokens = new FakeTokens();
        await using var host = new CibaHost
        {
            Setup = ciba =>
            {
                tokens.Use(ciba);
                ciba.Services.AddSingleton(keys.Object);
            },
        };

        var answer = await host.AuthorizeAsync(("login_hint", null), ("id_token_hint", forger.Sign()));

        await Refusal.LeavesNothingAsync(host, answer, "server_error", 500);
    }

    [Test, Spec("A21")]
    public async Task A_notifier_that_blocks_its_thread_holds_nobody_in_the_background()
    {
        await using var host = new CibaHost();
        using var blocks = new ManualResetEventSlim();
        host.Devices.OnNotify = (request, _) =>
        {
            if (request.Subject == "sub-alice")
            {
                blocks.Wait(TimeSpan.FromSeconds(20), CancellationToken.None);
            }

            return Task.CompletedTask;
        };

        await host.AuthorizeAsync();
        await host.AuthorizeAsync(("login_hint", "bob"));

        Assert.That((await host.Devices.NextAsync()).Subject, Is.EqualTo("sub-bob"));
        blocks.Set();
        Assert.That((await host.Devices.NextAsync()).Subject, Is.EqualTo("sub-alice"));
    }

    [Test, Spec("A20")]
    public async Task A_server_error_says_nothing_of_the_exception_and_the_next_request_is_served()
    {
        var fail = true;
        await using var host = new CibaHost();
        host.Users.ReadLoginHintToken = _ => fail ? throw Broke() : CibaUserLookupResult.Found(new CibaUser { Subject = "sub-alice" });

        var first = await host.AuthorizeAsync(("login_hint", null), ("login_hint_token", "t"));
        fail = false;
        var second = await host.AuthorizeAsync(("login_hint", null), ("login_hint_token", "t"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Status, Is.EqualTo(HttpStatusCode.InternalServerError));
            Assert.That(first.Body, Does.Not.Contain("detail").And.Not.Contain("Exception"));
            Assert.That(host.Log.Ours.Single(line => line.Level == LogLevel.Error).Text, Does.Contain(Detail));
            Assert.That(second.Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    private static InvalidOperationException Broke() => new(Detail);

    private static T Broken<T>(Action<Mock<T>> setup)
        where T : class
    {
        var mock = new Mock<T>();
        setup(mock);
        return mock.Object;
    }
}
