using System.Text.Json;

namespace Ciba.AspNetCore.Tests;

/// <summary>Which requests a ping or push client may make, which callbacks are not made, and that no secret gets out.</summary>
public sealed class CallbackSafetyTests
{
    private readonly FakeReceiver _receiver = new();
    private readonly FakeEvents _events = new();

    [Test, Spec("A8"), Spec("A20")]
    public async Task A_notification_token_that_is_none_is_refused(
        [Values("ping", "push")] string mode,
        [Values(null, "", "a b", "a\tb", "ümlaut", "a\"b", "a,b", "=", "==", "=abc", "abc=def", "to{ken", "%41")] string? token)
    {
        await using var host = Host(Client(mode));

        await Refusal.LeavesNothingAsync(host, await host.AskAsync(("client_notification_token", token)), "invalid_request");
    }

    [TestCase(1024, true), TestCase(1025, false), Spec("A8"), Spec("A20")]
    public async Task A_notification_token_has_1024_characters_at_most(int length, bool taken)
    {
        await using var host = Host(FakeReceiver.PingClient());
        var token = new string('t', length - 1) + "=";

        var answer = await host.AskAsync(("client_notification_token", token));

        if (taken)
        {
            await host.ApproveAsync(answer.AuthReqId);
            Assert.That((await _receiver.NextAsync()).Headers, Does.Contain($"Authorization: Bearer {token}"));
        }
        else
        {
            await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        }
    }

    [TestCase("a"), TestCase("A-._~+/9=="), Spec("A8"), Spec("P1")]
    public async Task A_notification_token_comes_back_as_it_was_sent(string token)
    {
        await using var host = Host(FakeReceiver.PingClient());

        await host.ApproveAsync((await host.AskAsync(("client_notification_token", token))).AuthReqId);

        Assert.That((await _receiver.NextAsync()).Headers, Does.Contain($"Authorization: Bearer {token}"));
    }

    [Test, Spec("A8"), Spec("A1"), Spec("A20")]
    public async Task Two_notification_tokens_are_refused()
    {
        await using var host = Host(FakeReceiver.PingClient());

        var answer = await host.AskAsync(("client_notification_token", "one"), ("client_notification_token", "two"));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
    }

    [TestCase(""), TestCase("not a token"), TestCase(null), Spec("A8")]
    public async Task A_poll_clients_notification_token_is_ignored(string? token)
    {
        await using var host = Host(CibaHost.Client("client"));

        Assert.That((await host.AskAsync(("client_notification_token", token))).AuthReqId, Is.Not.Empty);
    }

    [Test, Spec("D1"), Spec("D7")]
    public async Task Modes_that_are_off_are_not_listed_and_a_client_of_a_hosts_store_in_one_is_refused([Values("ping", "push")] string off)
    {
        string[] on = [.. new[] { "poll", "ping", "push" }.Where(mode => mode != off)];
        var clients = new HookedClients { Current = Client(off) };
        await using var host = new CibaHost
        {
            Clients = [],
            Options = options => options.BackchannelTokenDeliveryModesSupported = on,
            Setup = clients.Use,
        };

        var listed = (await host.SendAsync(HttpMethod.Get, "/.well-known/openid-configuration")).Json.GetProperty("backchannel_token_delivery_modes_supported");
        var answer = await HookedClients.AskAsync(host);

        Assert.That(listed.EnumerateArray().Select(mode => mode.GetString()), Is.EqualTo(on));
        await Refusal.LeavesNothingAsync(host, answer, "unauthorized_client");
        Assert.That(answer.Description, Is.EqualTo("The client's token delivery mode is switched off here."));
    }

    [Test, Spec("D7")]
    public async Task A_configured_client_in_a_mode_that_is_off_stops_the_host()
    {
        await using var host = new CibaHost
        {
            Clients = [FakeReceiver.PushClient("shop")],
            Options = options => options.BackchannelTokenDeliveryModesSupported = ["poll", "ping"],
        };

        var refused = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(refused!.Problems, Is.EqualTo(new[]
        {
            "Client 'shop': BackchannelTokenDeliveryMode 'push' is switched off; add it to CibaOptions.BackchannelTokenDeliveryModesSupported, or use poll, ping.",
        }));
    }

    [Test, Spec("P1"), Spec("P2")]
    public async Task A_client_that_is_gone_or_registered_anew_in_another_mode_is_not_called(
        [Values("ping", "push")] string mode,
        [Values(null, "poll", "ping", "push")] string? now)
    {
        var clients = new HookedClients { Current = Client(mode) };
        await using var host = Host(clients);
        await host.FirstLookAsync();
        var id = (await HookedClients.AskAsync(host)).AuthReqId;
        clients.Current = now is null ? null : Client(now);
        await host.ApproveAsync(id);

        var heard = await host.LookUntilAsync(_events, now == mode ? CibaEventKind.Delivered : CibaEventKind.Undelivered);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(heard.Reason, Is.EqualTo(now == mode ? null : $"the client is not registered any more for {mode}"));
            Assert.That(_receiver.Calls, Is.EqualTo(now == mode ? 1 : 0));
        }
    }

    [Test, Spec("P1"), Spec("P2")]
    public async Task A_client_that_this_node_does_not_know_yet_is_called_once_somebody_does(
        [Values("ping", "push")] string mode,
        [Values(30, 110)] int secondsOf120)
    {
        var clients = new HookedClients { Current = Client(mode) };
        await using var host = Host(clients);
        await host.FirstLookAsync();
        var id = (await HookedClients.AskAsync(host)).AuthReqId;
        clients.Current = null;
        await host.ApproveAsync(id);
        for (var looks = 0; looks < secondsOf120 / 5; looks++)
        {
            await host.LookAsync();
        }

        var before = _receiver.Calls;
        clients.Current = Client(mode);
        await host.LookUntilAsync(_events, CibaEventKind.Delivered);

        Assert.That((before, _receiver.Calls), Is.EqualTo((0, 1)));
        Assert.That(host.Log.Ours.Select(line => line.Text), Has.Some.StartsWith($"The {mode} for request ").And.Some.Contains("is left to other nodes for"));
    }

    [Test, Spec("P1"), Spec("P2")]
    public async Task No_secret_is_in_a_log_line_or_an_event([Values("ping", "push")] string mode, [Values(204, 404, 503, 0)] int status)
    {
        await using var host = Host(Client(mode));
        var tokens = "";
        _receiver.OnCall = (call, _) =>
        {
            tokens = call.Body;
            return status > 0 && call.Number <= 2 ? FakeReceiver.Answer(call.Number == 1 ? 503 : status) : throw new HttpRequestException("The cable is cut.");
        };
        var id = (await host.AskAsync(("requested_expiry", "3"))).AuthReqId;
        await host.ApproveAsync(id);
        await host.WaitedAsync(1);
        var heard = new List<CibaEvent>();
        while (heard.LastOrDefault()?.Kind is not (CibaEventKind.Delivered or CibaEventKind.Undelivered))
        {
            heard.Add(await _events.NextAsync());
        }

        await host.StopAsync();
        var answer = new Answer(new HttpResponseMessage(), tokens);
        string?[] secrets = [id, CallbackCalls.NotificationToken, answer.Text("access_token"), answer.Text("id_token"), CibaHost.Secret, "eyJ", FakeReceiver.Endpoint];
        var told = string.Join('\n', host.Log.Lines.Select(line => line.Text).Concat(heard.Select(occurrence => JsonSerializer.Serialize(occurrence))));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(told, Does.Contain("decided: Approved"), "there is something to look at");
            Assert.That(secrets.OfType<string>().Where(told.Contains), Is.Empty);
        }
    }

    [Test, Spec("D8")]
    public async Task A_pairwise_subject_in_a_push_belongs_to_the_host_of_the_notification_endpoint()
    {
        CibaClient[] clients = [FakeReceiver.PushClient("client", "https://one.example/a"), FakeReceiver.PushClient("same", "https://one.example:8443/b"), FakeReceiver.PushClient("other", "https://two.example/a")];
        Array.ForEach(clients, client => client.SubjectType = "pairwise");
        await using var host = new CibaHost
        {
            Clients = [.. clients],
            Options = CallbackCalls.Quietly,
            Setup = _receiver.Use,
            Tokens = options => options.PairwiseSubjectSalt = "a-salt-that-is-the-same-for-ever-and-long",
        };

        var subjects = new List<string?>();
        foreach (var client in clients)
        {
            await host.ApproveAsync((await host.AskAsync(("client_id", client.ClientId))).AuthReqId);
            subjects.Add(ReceivedToken.Id((await _receiver.NextAsync()).Tokens).Claims.GetProperty("sub").GetString());
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(subjects[0], Is.EqualTo(subjects[1]).And.Not.EqualTo(subjects[2]));
            Assert.That(subjects, Has.None.Contains("alice"));
        }
    }

    private static CibaClient Client(string mode) => mode switch
    {
        CibaTokenDeliveryModes.Ping => FakeReceiver.PingClient(),
        CibaTokenDeliveryModes.Push => FakeReceiver.PushClient(),
        _ => CibaHost.Client("client"),
    };

    private CibaHost Host(HookedClients clients) => new()
    {
        Clients = [],
        Options = CallbackCalls.Quietly,
        Setup = ciba =>
        {
            clients.Use(ciba);
            _receiver.Use(ciba);
            _events.Use(ciba);
        },
    };

    private CibaHost Host(CibaClient client) => new()
    {
        Clients = [client],
        Options = CallbackCalls.Quietly,
        Setup = ciba =>
        {
            _receiver.Use(ciba);
            _events.Use(ciba);
        },
    };
}
