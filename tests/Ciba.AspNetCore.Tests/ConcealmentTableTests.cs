namespace Ciba.AspNetCore.Tests;

/// <summary>
/// Section 15: the table of what a client can observe of a user who does not react, known in whatever state or unknown. It is the same in
/// every row: the answers, their times to wait, and what is done for them, which is the time that they take.
/// </summary>
public sealed class ConcealmentTableTests
{
    private const string Nobody = "nobody";

    private static readonly Row[] Rows =
    [
        new("polls", async client =>
        {
            await client.AskAsync();
            foreach (var wait in new[] { 0, 0, 10, 60, 50, 60 })
            {
                client.Wait(wait);
                await client.PollAsync();
            }
        }),
        new("expires_in and interval", async client =>
        {
            await client.AskAsync(0, ("requested_expiry", "1"));
            await client.AskAsync(0, ("requested_expiry", "300"));
        }, options => options.MinRequestLifetime = TimeSpan.FromSeconds(10)),
        new("a duplicate", async client =>
        {
            await client.AskAsync();
            client.Wait(10);
            await client.AskAsync();
            await client.AskAsync(0, ("scope", "openid email"));
            client.Wait(60);
            await client.AskAsync();
        }, options => options.CollapseIdenticalRequests = true),
        new("a duplicate by another hint", async client =>
        {
            await client.AskAsync(0);
            await client.AskAsync(1);
            await client.AskAsync(0);
            await client.AskAsync(1);
        }, options => options.CollapseIdenticalRequests = true),
        new("pending requests of the client", async client =>
        {
            for (var i = 0; i < 5; i++)
            {
                await client.AskAsync();
                client.Wait(30);
            }
        }),
        new("pending requests of all clients", async client =>
        {
            for (var i = 0; i < 3; i++)
            {
                await client.AskAsync();
                await client.AskAsync(0, ("client_id", "other"));
            }
        }, options => options.Limits.PendingPerUser = 4),
        new("pending requests by another hint", async client =>
        {
            foreach (var hint in new[] { 0, 0, 1, 0, 0, 1, 1, 1, 0 })
            {
                await client.AskAsync(hint);
            }
        }),
        new("notifications", async client =>
        {
            for (var i = 0; i < 12; i++)
            {
                await client.AskAsync();
                await client.CancelAsync(Math.Min(i, 9));
                client.Wait(2);
            }
        }),
        new("notifications of all clients", async client =>
        {
            for (var i = 0; i < 7; i++)
            {
                await client.AskAsync();
                await client.AskAsync(0, ("client_id", "other"));
                client.Wait(70);
            }
        }, options => options.Limits.NotificationsPerUser = 8),
        new("notifications by another hint", async client =>
        {
            for (var i = 0; i < 12; i++)
            {
                await client.AskAsync(i % 2);
                await client.CancelAsync(i);
            }

            await client.AskAsync(0);
        }, options => options.Limits.NotificationsPerUserAndClient = 7),
        new("user codes", async client =>
        {
            foreach (var code in new[] { null, "1111", null, "2222", "3333", "4444", "5555" })
            {
                await client.AskAsync(0, ("client_id", "coded"), ("user_code", code), ("requested_expiry", "10"));
                client.Wait(10);
            }
        }),
        new("user codes of a duplicate", async client =>
        {
            foreach (var code in new[] { "1111", "1111", "2222", null })
            {
                await client.AskAsync(0, ("client_id", "coded"), ("user_code", code));
            }
        }, options => options.CollapseIdenticalRequests = true),
        new("resends", async client =>
        {
            await client.AskAsync();
            for (var i = 0; i < 5; i++)
            {
                await client.ResendAsync();
                client.Wait(5);
                await client.ResendAsync();
                client.Wait(15);
            }

            client.Wait(60);
            await client.ResendAsync();
        }),
        new("resends of several", async client =>
        {
            await client.AskAsync(0);
            await client.AskAsync(1);
            for (var i = 0; i < 3; i++)
            {
                await client.ResendAsync(0);
                await client.ResendAsync(1);
                client.Wait(15);
            }
        }, options => options.Limits.NotificationsPerUserAndClient = 3),
        new("cancelling", async client =>
        {
            await client.AskAsync();
            await client.CancelAsync();
            await client.CancelAsync();
            await client.ResendAsync();
            await client.PollAsync();
            await client.AskAsync();
            client.Wait(120);
            await client.CancelAsync(1);
        }),
        new("long polls", async client =>
        {
            await client.AskAsync();
            client.Wait(120);
            await client.PollAsync();
        }, options => options.LongPolling.Timeout = TimeSpan.FromSeconds(30)),
    ];

    private static readonly State[] States =
    [
        new("known", _ => Task.CompletedTask),
        new("locked", client => Did(() => client.Host.Users.Lock("alice"))),
        new("who has blocked the client", async client =>
        {
            foreach (var id in new[] { "client", "other", "coded" })
            {
                await client.Blocks.BlockAsync("sub-alice", id);
            }
        }),
        new("who has denied a request of the client", async client =>
        {
            foreach (var id in new[] { "client", "other", "coded" })
            {
                await client.Host.DenyAsync((await client.Host.AuthorizeAsync(("login_hint", "alias 2"), ("client_id", id), ("user_code", "1234"))).AuthReqId);
            }
        }),
        new("with a user code", client => Did(() => client.Host.Users.Codes["alice"] = "1234")),
        new("whose places are taken", async client =>
        {
            for (var i = 0; i < 15; i++)
            {
                await client.Host.AuthorizeAsync(("login_hint", $"alias {2 + (i / 5)}"), ("client_id", $"filler {i % 5}"), ("requested_expiry", "600"));
            }
        }),
        new("who was notified often", async client =>
        {
            for (var i = 0; i < 15; i++)
            {
                var id = (await client.Host.AuthorizeAsync(("login_hint", $"alias {2 + (i / 5)}"), ("client_id", $"filler {i % 5}"))).AuthReqId;
                await client.Host.PostAsync("/bc-authorize/cancel", [("client_id", $"filler {i % 5}"), ("client_secret", CibaHost.Secret), ("auth_req_id", id)]);
            }
        }),
        new("whose device cannot be notified", client => Did(() => client.Host.Devices.OnNotify = (_, _) => throw new InvalidOperationException("The push service is down."))),
    ];

    private static IEnumerable<TestCaseData<Row, State>> Cells =>
        from row in Rows
        from state in States
        select new TestCaseData<Row, State>(row, state).SetArgDisplayNames(row.Name, state.Name);

    [TestCaseSource(nameof(Cells)), Spec("A15"), Spec("U5"), Spec("A10"), Spec("A22")]
    public async Task A_client_observes_of_a_user_what_it_observes_of_nobody(Row row, State state)
    {
        await using var ofNobody = new ObservingClient(row.Configure, Nobody, "somebody else");
        await row.DoAsync(ofNobody);
        await using var ofUser = new ObservingClient(row.Configure, "alice", "alias 1");
        foreach (var alias in Enumerable.Range(1, 4))
        {
            ofUser.Host.Users.Aliases[$"alias {alias}"] = "alice";
        }

        await state.PrepareAsync(ofUser);
        await row.DoAsync(ofUser);

        Assert.That(ofUser.Observed, Is.EqualTo(ofNobody.Observed));
    }

    [Test, Spec("A15"), Spec("U5")]
    public async Task Beyond_the_users_limits_no_phone_rings_whatever_the_client_is_told()
    {
        await using var client = new ObservingClient(options => options.Limits.NotificationsPerUserAndClient = 3, "alice", "alias 1");
        client.Host.Users.Aliases["alias 1"] = "alice";
        for (var i = 0; i < 8; i++)
        {
            await client.AskAsync(i % 2, ("requested_expiry", "10"));
            await client.ResendAsync(Math.Min(i, 2));
            client.Wait(10);
        }

        await client.Host.StopAsync();
        Assert.That(client.Host.Devices.Calls, Is.EqualTo(3));
    }

    [Test, Spec("A15"), Spec("A10")]
    public async Task A_wrong_code_reaches_nobody_and_the_right_one_the_user()
    {
        await using var client = new ObservingClient(options => options.CollapseIdenticalRequests = true, "alice");
        client.Host.Users.Codes["alice"] = "1234";
        foreach (var code in new[] { null, "wrong", "1234" })
        {
            await client.AskAsync(0, ("client_id", "coded"), ("user_code", code));
        }

        var told = await client.Host.Devices.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(client.Host.Devices.Calls, Is.EqualTo(1));
            Assert.That((await client.Host.DeviceAsync(HttpMethod.Get, "/requests", "alice")).Json.EnumerateArray().Select(request => request.GetProperty("id").GetString()), Is.EqualTo(new[] { told.Id }));
        }
    }

    [Test, Spec("A15")]
    public async Task A_host_that_throws_at_a_subject_that_it_does_not_know_tells_nothing_by_it()
    {
        var users = new HookedUsers { OnActive = subject => subject.StartsWith("sub-", StringComparison.Ordinal) ? Task.CompletedTask : throw new FormatException("That is no subject.") };
        await using var host = new CibaHost { Options = options => options.ConcealUnknownUsers = true, Setup = users.Use };

        Assert.That((await host.AuthorizeAsync(("login_hint", Nobody))).Status, Is.EqualTo((await host.AuthorizeAsync()).Status));
    }

    private static Task Did(Action action)
    {
        action();
        return Task.CompletedTask;
    }

    /// <summary>What a client does and observes.</summary>
    public sealed class Row(string name, Func<ObservingClient, Task> doAsync, Action<CibaOptions>? configure = null)
    {
        public string Name => name;

        public Action<CibaOptions> Configure { get; } = configure ?? (_ => { });

        public Task DoAsync(ObservingClient client) => doAsync(client);
    }

    /// <summary>What a user is like whom a hint names.</summary>
    public sealed class State(string name, Func<ObservingClient, Task> prepareAsync)
    {
        public string Name => name;

        public Task PrepareAsync(ObservingClient client) => prepareAsync(client);
    }
}
