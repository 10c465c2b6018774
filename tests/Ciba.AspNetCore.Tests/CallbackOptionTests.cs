namespace Ciba.AspNetCore.Tests;

/// <summary>What <see cref="CibaCallbackOptions"/> must hold, and which URLs of clients they close, is said at start-up.</summary>
[Spec("D7"), Spec("P8")]
public sealed class CallbackOptionTests
{
    private static IEnumerable<TestCaseData> Bad()
    {
        const string Time = "must be between 00:00:00.0010000 and 00:01:00, not ";
        yield return Case(options => options.AllowedNetworks = null!, "AllowedNetworks must be a list.");
        foreach (var entry in new[] { "10.1.0.0/33", "10.1.2.3/16", "localhost", "" })
        {
            yield return Case(options => options.AllowedNetworks = ["::1", entry], $"AllowedNetworks holds '{entry}', which is no network: write 10.1.0.0/16 or ::1/128, zero behind the prefix, with a port if need be (10.1.0.0/16:8443), or a single address.");
        }

        yield return Case(options => options.ConnectTimeout = TimeSpan.Zero, $"ConnectTimeout {Time}00:00:00.");
        yield return Case(options => options.ConnectTimeout = TimeSpan.FromSeconds(10) + TimeSpan.FromTicks(1), "ConnectTimeout must not be longer than Timeout.");
        yield return Case(options => options.ConnectTimeout = options.Timeout = TimeSpan.FromSeconds(61), $"ConnectTimeout {Time}00:01:01.", "ConnectTimeout = 61 s");
        yield return Case(options => options.Timeout = Timeout.InfiniteTimeSpan, $"Timeout {Time}-00:00:00.0010000.");
        yield return Case(options => options.Timeout = TimeSpan.FromSeconds(61), $"Timeout {Time}00:01:01.", "Timeout = 61 s");
        yield return Case(options => options.MaxConcurrent = 0, "MaxConcurrent must be between 1 and 10000.");
        yield return Case(options => options.MaxConcurrent = 10_001, "MaxConcurrent must be between 1 and 10000.", "MaxConcurrent = 10,001");
        yield return Case(options => options.MaxConcurrentPerReceiver = 0, "MaxConcurrentPerReceiver must be between 1 and MaxConcurrent.");
        yield return Case(options => options.MaxConcurrentPerReceiver = 513, "MaxConcurrentPerReceiver must be between 1 and MaxConcurrent.", "MaxConcurrentPerReceiver = 513");
    }

    [TestCaseSource(nameof(Bad))]
    public async Task A_setting_out_of_its_bounds_is_named_with_its_rule(Action<CibaCallbackOptions> change, string sentence) =>
        Assert.That(await ProblemsAsync(options => change(options.Callbacks)), Does.Contain($"CibaOptions: Callbacks.{sentence}"));

    [Test, Spec("P9")]
    public async Task A_callback_that_is_held_for_longer_than_its_request_is_kept_is_named_with_the_cure([Values(15, 16)] int timeout)
    {
        var problems = await ProblemsAsync(options => options.Callbacks.Timeout = TimeSpan.FromSeconds(timeout), CibaHost.Client("client"), new CibaClient());

        var sentence = "CibaOptions: ExpiredRequestRetention must be at least 00:01:03 (three times Callbacks.Timeout, OutboxLease and 5 s), "
            + "after which another node takes over the callback of one that died: raise it, or lower those.";
        Assert.That(problems.Where(problem => problem.Contains("ExpiredRequestRetention")), Is.EqualTo(timeout == 16 ? new[] { sentence } : []));
    }

    [TestCase("poll"), TestCase("ping"), TestCase("push"), Spec("P9")]
    public async Task Only_a_mode_with_callbacks_needs_the_time_for_them(string mode)
    {
        var problems = await ProblemsAsync(
            options =>
            {
                options.BackchannelTokenDeliveryModesSupported = [mode];
                options.OutboxLease = TimeSpan.FromSeconds(26);
            },
            CibaHost.Client("client"),
            new CibaClient());

        Assert.That(problems.Count(problem => problem.Contains("ExpiredRequestRetention must be at least 00:01:01 ")), Is.EqualTo(mode == "poll" ? 0 : 1));
    }

    [Test]
    public async Task Settings_that_are_taken_away_are_missed() =>
        Assert.That(await ProblemsAsync(options => options.Callbacks = null!), Is.EqualTo(new[] { "CibaOptions: Callbacks is null; leave it out, or give it settings." }));

    [Test]
    public async Task Settings_at_their_bounds_are_taken()
    {
        await using var host = new CibaHost
        {
            Options = options =>
            {
                options.ExpiredRequestRetention = TimeSpan.FromSeconds(195);
                options.Callbacks = new()
                {
                    AllowedNetworks = ["10.1.0.0/16", "::1/128", "127.0.0.1"],
                    ConnectTimeout = TimeSpan.FromMinutes(1),
                    Timeout = TimeSpan.FromMinutes(1),
                    MaxConcurrent = 10_000,
                    MaxConcurrentPerReceiver = 10_000,
                    PingOnExpiry = true,
                };
            },
        };

        await host.StartedAsync();
    }

    [TestCase("https://10.1.2.3/jwks", "10.1.2.3"), TestCase("http://localhost:5001/jwks", "localhost"), TestCase("https://[::1]/jwks", "::1")]
    public async Task Keys_at_a_closed_address_are_named_with_the_setting_that_opens_it(string url, string host)
    {
        var client = CibaHost.Client("shop", CibaClientAuthenticationMethods.PrivateKeyJwt);
        client.JwksUri = url;

        Assert.That(await ProblemsAsync(_ => { }, client), Is.EqualTo(new[]
        {
            $"Client 'shop': JwksUri goes to {host}, which is closed to outgoing calls: open its network in CibaOptions.Callbacks.AllowedNetworks, or use a public address.",
        }));
    }

    [TestCase(CibaTokenDeliveryModes.Ping), TestCase(CibaTokenDeliveryModes.Push)]
    public async Task A_notification_endpoint_at_a_closed_address_is_named_with_the_setting_that_opens_it(string mode)
    {
        const string Sentence = "Client 'shop': BackchannelClientNotificationEndpoint goes to 169.254.169.254, which is closed to outgoing calls: open its network in CibaOptions.Callbacks.AllowedNetworks, or use a public address.";
        var client = CibaHost.Client("shop");
        (client.BackchannelTokenDeliveryMode, client.BackchannelClientNotificationEndpoint) = (mode, "https://169.254.169.254/cb");

        // The second client is wrong in any case, so that there is a list to look at.
        var closed = await ProblemsAsync(_ => { }, client, new CibaClient());
        var open = await ProblemsAsync(options => options.Callbacks.AllowedNetworks = ["169.254.169.254"], client, new CibaClient());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(closed, Has.One.EqualTo(Sentence));
            Assert.That(open, Has.None.EqualTo(Sentence));
        }
    }

    [Test]
    public async Task A_notification_endpoint_that_nobody_calls_may_be_anywhere()
    {
        var client = CibaHost.Client("shop");
        client.BackchannelClientNotificationEndpoint = "https://10.1.2.3/cb";
        await using var host = new CibaHost { Clients = [client] };

        await host.StartedAsync();
    }

    private static async Task<IReadOnlyList<string>> ProblemsAsync(Action<CibaOptions> change, params CibaClient[] clients)
    {
        await using var host = new CibaHost { Clients = [.. clients.DefaultIfEmpty(CibaHost.Client("client"))], Options = change };
        return (await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync))!.Problems;
    }

    private static TestCaseData Case(Action<CibaCallbackOptions> change, string sentence, string? name = null) => new TestCaseData(change, sentence).SetArgDisplayNames(name ?? sentence);
}
