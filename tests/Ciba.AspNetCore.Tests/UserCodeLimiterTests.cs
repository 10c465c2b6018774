using System.Net;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 7.1: wrong user codes are counted, so that nobody tries them all.</summary>
[Spec("A10")]
public sealed class UserCodeLimiterTests
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(15);

    [Test]
    public async Task So_many_wrong_tries_and_no_more()
    {
        await using var host = new CibaHost();
        var limiter = await LimiterAsync(host);

        var tries = new List<bool>();
        for (var i = 0; i < 5; i++)
        {
            tries.Add(await TryAsync(limiter, "alice", 3));
        }

        Assert.That(tries, Is.EqualTo(new[] { true, true, true, false, false }));
    }

    [Test]
    public async Task Each_user_has_tries_of_their_own()
    {
        await using var host = new CibaHost();
        var limiter = await LimiterAsync(host);
        await TryAsync(limiter, "alice", 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await TryAsync(limiter, "alice", 1), Is.False);
            Assert.That(await TryAsync(limiter, "Alice", 1), Is.True);
            Assert.That(await TryAsync(limiter, "bob", 1), Is.True);
        }
    }

    [Test]
    public async Task A_right_code_takes_back_its_own_try_and_no_other()
    {
        await using var host = new CibaHost();
        var limiter = await LimiterAsync(host);
        await TryAsync(limiter, "alice", 2);

        for (var i = 0; i < 10; i++)
        {
            Assert.That(await TryAsync(limiter, "alice", 2, $"right {i}"), Is.True);
            await limiter.SucceededAsync("alice", $"right {i}", CancellationToken.None);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await TryAsync(limiter, "alice", 2), Is.True);
            Assert.That(await TryAsync(limiter, "alice", 2), Is.False);
        }
    }

    [Test]
    public async Task The_same_try_once_more_counts_once()
    {
        await using var host = new CibaHost();
        var limiter = await LimiterAsync(host);
        await TryAsync(limiter, "alice", 2);

        bool[] tries = [await TryAsync(limiter, "alice", 2, "same"), await TryAsync(limiter, "alice", 2, "same"), await TryAsync(limiter, "alice", 2)];

        Assert.That(tries, Is.EqualTo(new[] { true, true, false }));
    }

    [Test]
    public async Task Successes_without_a_try_earn_nothing()
    {
        await using var host = new CibaHost();
        var limiter = await LimiterAsync(host);
        await limiter.SucceededAsync("alice", "right", CancellationToken.None);
        await TryAsync(limiter, "alice", 2, "right");
        await limiter.SucceededAsync("alice", "right", CancellationToken.None);
        await limiter.SucceededAsync("alice", "right", CancellationToken.None);

        bool[] tries = [await TryAsync(limiter, "alice", 2), await TryAsync(limiter, "alice", 2), await TryAsync(limiter, "alice", 2)];

        Assert.That(tries, Is.EqualTo(new[] { true, true, false }));
    }

    [Test]
    public async Task The_count_lasts_for_the_window_from_the_first_wrong_try()
    {
        await using var host = new CibaHost();
        var limiter = await LimiterAsync(host);
        await TryAsync(limiter, "alice", 2);
        host.Time.Advance(Window - TimeSpan.FromMinutes(1));
        await TryAsync(limiter, "alice", 2);

        host.Time.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromTicks(1));
        var before = await TryAsync(limiter, "alice", 2);
        host.Time.Advance(TimeSpan.FromTicks(1));
        bool[] after = [await TryAsync(limiter, "alice", 2), await TryAsync(limiter, "alice", 2), await TryAsync(limiter, "alice", 2)];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Is.False);
            Assert.That(after, Is.EqualTo(new[] { true, true, false }));
        }
    }

    [Test]
    public async Task However_many_tries_come_at_once_no_more_get_through()
    {
        await using var host = new CibaHost();
        var limiter = await LimiterAsync(host);

        var rounds = await Race.RunAsync(Enumerable.Repeat((int round) => TryAsync(limiter, $"user {round / 4}", 5), 2).ToArray());

        Assert.That(rounds.Chunk(4).Select(four => four.SelectMany(round => round).Count(passed => passed)), Is.All.EqualTo(5));
    }

    [Test]
    public async Task After_so_many_wrong_codes_even_the_right_one_is_refused_until_the_window_ends()
    {
        var client = new CibaClient
        {
            ClientId = "client",
            ClientName = "Client",
            ClientSecrets = [CibaHost.Secret],
            TokenEndpointAuthMethod = CibaClientAuthenticationMethods.ClientSecretPost,
            BackchannelTokenDeliveryMode = CibaTokenDeliveryModes.Poll,
            BackchannelUserCodeParameter = true,
        };
        await using var host = new CibaHost { Clients = [client], Options = options => (options.MaxUserCodeFailures, options.MaxUserCodeFailuresPerClient) = (2, 2) };
        host.Users.Codes["alice"] = "1234";

        string?[] wrong = [(await host.AuthorizeAsync(("user_code", "1"))).Error, (await host.AuthorizeAsync(("user_code", "2"))).Error];
        var blocked = await host.AuthorizeAsync(("user_code", "1234"));
        host.Time.Advance(Window);
        var right = await host.AuthorizeAsync(("user_code", "1234"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(wrong, Is.All.EqualTo("invalid_user_code"));
            Assert.That(blocked.Body, Is.EqualTo("""{"error":"access_denied","error_description":"Too many wrong user codes of this client for this user: try again later."}"""));
            Assert.That(right.AuthReqId, Is.Not.Empty);
        }
    }

    [Test]
    public async Task A_look_up_that_fails_is_no_wrong_code([Values] bool concealed)
    {
        var client = CibaHost.Client("client");
        client.BackchannelUserCodeParameter = true;
        await using var host = new CibaHost { Clients = [client], Options = options => (options.MaxUserCodeFailures, options.ConcealUnknownUsers) = (2, concealed) };
        host.Users.Codes["alice"] = "1234";
        host.Users.OnCall = method => _ = method == nameof(ICibaUserLookup.IsUserCodeAsync) ? throw new InvalidOperationException("the database is locked") : true;
        for (var i = 0; i < 5; i++)
        {
            Assert.That((await host.AuthorizeAsync(("user_code", "1234"))).Status, Is.EqualTo(HttpStatusCode.InternalServerError));
        }

        host.Users.OnCall = _ => { };

        Assert.That((await host.AuthorizeAsync(("user_code", "1234"))).AuthReqId, Is.Not.Empty);
        Assert.That((await host.Devices.NextAsync()).Subject, Is.EqualTo("sub-alice"));
    }

    private static async Task<ICibaUserCodeLimiter> LimiterAsync(CibaHost host) => (await host.ServicesAsync()).GetRequiredService<ICibaUserCodeLimiter>();

    private static ValueTask<bool> TryAsync(ICibaUserCodeLimiter limiter, string subject, int maxFailures, string? attempt = null) =>
        limiter.TryBeginAsync(subject, attempt ?? $"{Guid.NewGuid()}", maxFailures, Window, CancellationToken.None);
}
