using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Ciba.AspNetCore.Tests;

/// <summary><see cref="CibaTenant"/>: for whom the current scope works, as the host's interfaces see it and as the host sets it.</summary>
public sealed class TenantScopeTests
{
    [Test, Spec("A21")]
    public async Task All_that_the_host_is_asked_for_on_a_request_and_behind_it_knows_the_issuer([Values] CibaDeviceNotificationMode mode)
    {
        var seen = new SeenIssuers();
        await using var host = TenantHost.Make(options => options.DeviceNotification = mode, ciba => Watch(ciba, seen), clients: [], notifiers: ciba => ciba.AddDeviceNotifier<WatchedDevices>());

        await AskAsync(host);
        var told = await host.Devices.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(told.Issuer, Is.EqualTo(TenantHost.Blue));
            Assert.That(seen.All, Is.EqualTo(new[] { $"clients {TenantHost.Blue}", $"device {TenantHost.Blue}", $"users {TenantHost.Blue}", $"validator {TenantHost.Blue}" }));
        }
    }

    [Test, Spec("U3")]
    public async Task A_device_that_is_told_again_is_told_in_its_tenant()
    {
        var seen = new SeenIssuers();
        await using var host = TenantHost.Make(setup: ciba => Watch(ciba, seen), clients: [], notifiers: ciba => ciba.AddDeviceNotifier<WatchedDevices>());
        var id = await AskAsync(host);
        await host.Devices.NextAsync();
        seen.Clear();

        await host.DeviceAtAsync("blue", HttpMethod.Post, $"/requests/{await host.HandleAsync(id)}/resend");
        await host.Devices.NextAsync();

        Assert.That(seen.All, Has.Some.EqualTo($"device {TenantHost.Blue}").And.None.Contains(TenantHost.Master));
    }

    [TestCase(CibaTokenDeliveryModes.Ping), TestCase(CibaTokenDeliveryModes.Push), Spec("P1"), Spec("P2")]
    public async Task A_callback_asks_the_host_for_the_clients_and_users_of_its_tenant(string mode)
    {
        var (seen, receiver) = (new SeenIssuers(), new FakeReceiver());
        await using var host = TenantHost.Make(CallbackCalls.Quietly, Both, clients: [], notifiers: ciba => ciba.AddDeviceNotifier<WatchedDevices>());
        var id = await AskAsync(host, mode);
        await host.ApproveAtAsync("blue", id);
        seen.Clear();

        var call = await receiver.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(seen.All, Has.None.Contains(TenantHost.Master));
            Assert.That(call.Body, Does.Contain(id));
            if (mode == CibaTokenDeliveryModes.Push)
            {
                Assert.That(ReceivedToken.Id(call.Tokens).Claims.GetProperty("iss").GetString(), Is.EqualTo(TenantHost.Blue));
                Assert.That(ReceivedToken.Access(call.Tokens).Claims.GetProperty("iss").GetString(), Is.EqualTo(TenantHost.Blue));
            }
        }

        void Both(CibaBuilder ciba)
        {
            Watch(ciba, seen);
            receiver.Use(ciba);
        }
    }

    [Test, Spec("P9")]
    public async Task What_the_outbox_hands_out_again_is_done_in_its_tenant()
    {
        var (seen, receiver) = (new SeenIssuers(), new FakeReceiver { OnCall = (call, _) => FakeReceiver.Answer(call.Number == 1 ? 503 : 204) });
        await using var host = TenantHost.Make(CallbackCalls.Quietly, Both, clients: [], notifiers: ciba => ciba.AddDeviceNotifier<WatchedDevices>());
        await host.FirstLookAsync();
        var id = await AskAsync(host, CibaTokenDeliveryModes.Push);
        await host.ApproveAtAsync("blue", id);
        await receiver.NextAsync();

        await host.WaitedAsync(1);
        var again = await receiver.NextAsync();

        Assert.That(ReceivedToken.Id(again.Tokens).Claims.GetProperty("iss").GetString(), Is.EqualTo(TenantHost.Blue));

        void Both(CibaBuilder ciba)
        {
            Watch(ciba, seen);
            receiver.Use(ciba);
        }
    }

    [Test, Spec("U3")]
    public async Task Events_carry_the_issuer_and_are_heard_in_its_scope()
    {
        var (events, seen) = (new FakeEvents(), new SeenIssuers());
        await using var host = TenantHost.Make(options => options.Limits.PendingPerUser = 1, Both);
        var id = (await host.AuthorizeAtAsync("blue")).AuthReqId;
        await host.AuthorizeAtAsync("blue");
        await host.ApproveAtAsync("blue", id);
        await host.PollAtAsync("blue", id);
        await host.PollAtAsync("blue", id);

        var heard = await events.NextAsync(5);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(heard.Select(occurrence => occurrence.Kind), Is.EqualTo(new[]
            {
                CibaEventKind.Accepted, CibaEventKind.LimitReached, CibaEventKind.Decided, CibaEventKind.Redeemed, CibaEventKind.Replayed,
            }));
            Assert.That(heard.Select(occurrence => occurrence.Issuer), Is.All.EqualTo(TenantHost.Blue));
            Assert.That(seen.All, Is.EqualTo(new[] { $"events {TenantHost.Blue}" }));
        }

        void Both(CibaBuilder ciba)
        {
            ciba.Services.AddSingleton(seen);
            ciba.AddEvents<WatchedEvents>();
            events.Use(ciba);
        }
    }

    [Test]
    public async Task The_hosts_own_code_says_for_whom_it_works_before_it_asks()
    {
        await using var host = TenantHost.Make();
        var id = (await host.AuthorizeAtAsync("blue")).AuthReqId;
        var handle = await host.HandleAsync(id);
        await using var scope = (await host.ServicesAsync()).CreateAsyncScope();
        var approvals = scope.ServiceProvider.GetRequiredService<ICibaApprovals>();
        var grants = scope.ServiceProvider.GetRequiredService<ICibaGrants>();
        Func<Task>[] calls =
        [
            async () => await approvals.ListPendingAsync("sub-alice", default),
            async () => await approvals.GetAsync(handle, "sub-alice", default),
            async () => await approvals.ApproveAsync(handle, "sub-alice", null, default),
            async () => await approvals.DenyAsync(handle, "sub-alice", default),
            async () => await approvals.FailAsync(handle, "sub-alice", default),
            async () => await approvals.ResendAsync(handle, "sub-alice", default),
            async () => await grants.RedeemAsync(id, "client", CancellationToken.None),
            () => Task.FromResult(scope.ServiceProvider.GetRequiredService<CibaTenant>().Issuer),
            () => Task.FromResult(scope.ServiceProvider.GetRequiredService<CibaMetadata>()),
        ];

        foreach (var call in calls)
        {
            Assert.That(async () => await call(), Throws.InvalidOperationException.With.Message.Contains("set CibaTenant.Issuer of this scope"));
        }

        scope.ServiceProvider.GetRequiredService<CibaTenant>().Issuer = TenantHost.Blue;
        var listed = await approvals.ListPendingAsync("sub-alice", default);
        var approved = await approvals.ApproveAsync(handle, "sub-alice", null, default);
        await using var grant = await grants.RedeemAsync(id, "client", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(listed.Single().Id, Is.EqualTo(handle));
            Assert.That(approved, Is.EqualTo(CibaDecisionResult.Done));
            Assert.That(grant.Request?.Issuer, Is.EqualTo(TenantHost.Blue));
            Assert.That(scope.ServiceProvider.GetRequiredService<CibaMetadata>().Entries["backchannel_authentication_endpoint"], Is.EqualTo($"{TenantHost.Blue}/bc-authorize"));
        }
    }

    [Test]
    public async Task In_another_tenants_scope_the_hosts_own_code_finds_nothing()
    {
        await using var host = TenantHost.Make();
        var id = (await host.AuthorizeAtAsync("blue")).AuthReqId;
        await host.ApproveAtAsync("blue", id);
        await using var scope = (await host.ServicesAsync()).CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<CibaTenant>().Issuer = TenantHost.Master;

        var found = await scope.ServiceProvider.GetRequiredService<ICibaApprovals>().GetAsync(await host.HandleAsync(id), "sub-alice", default);
        await using var grant = await scope.ServiceProvider.GetRequiredService<ICibaGrants>().RedeemAsync(id, "client", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(found, Is.Null);
            Assert.That(grant.Error, Is.SameAs(CibaError.InvalidGrant));
        }
    }

    [Test]
    public async Task A_host_with_one_issuer_has_no_other()
    {
        await using var host = new CibaHost();
        await using var scope = (await host.ServicesAsync()).CreateAsyncScope();
        var tenant = scope.ServiceProvider.GetRequiredService<CibaTenant>();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => tenant.Issuer = TenantHost.Blue, Throws.ArgumentException.With.Message.Contains("AddTenants"));
            Assert.That(() => tenant.Issuer = null!, Throws.ArgumentNullException);
            Assert.That(() => tenant.Issuer = CibaHost.Issuer, Throws.Nothing);
            Assert.That(tenant.Issuer, Is.EqualTo(CibaHost.Issuer));
        }
    }

    [TestCase("http://id.example.com"), TestCase("https://id.example.com?x"), TestCase("id.example.com"), TestCase("")]
    public async Task A_tenants_issuer_is_an_issuer_identifier(string issuer)
    {
        await using var host = TenantHost.Make();
        await using var scope = (await host.ServicesAsync()).CreateAsyncScope();
        var tenant = scope.ServiceProvider.GetRequiredService<CibaTenant>();

        Assert.That(() => tenant.Issuer = issuer, Throws.ArgumentException.With.Message.StartsWith("The issuer "));
        Assert.That(() => tenant.Issuer, Throws.InvalidOperationException, "what was refused is not used");
    }

    [Test]
    public async Task Where_plain_http_is_allowed_a_tenants_issuer_may_be_plain_too()
    {
        await using var host = TenantHost.Make(options => options.RequireHttps = false, find: _ => "http://id.example.com/master");

        Assert.That((await host.SendAsync(HttpMethod.Get, "/master/.well-known/openid-configuration")).Text("issuer"), Is.EqualTo("http://id.example.com/master"));
    }

    // The one client is the store's, not the host's: the calls of the host itself name it.
    private static async Task<string> AskAsync(CibaHost host, string mode = CibaTokenDeliveryModes.Poll) => (await host.PostAsync("/blue/bc-authorize", [
        ("client_id", mode), ("client_secret", CibaHost.Secret), ("scope", "openid"), ("login_hint", "alice"), ("client_notification_token", CallbackCalls.NotificationToken)])).AuthReqId;

    private static void Watch(CibaBuilder ciba, SeenIssuers seen)
    {
        ciba.Services.AddSingleton(seen);
        ciba.AddClientStore<WatchedClients>().AddRequestValidator<WatchedValidator>();
        ciba.Services.Replace(ServiceDescriptor.Scoped<ICibaUserLookup, WatchedUsers>());
    }

    private sealed class WatchedClients(SeenIssuers seen, CibaTenant tenant) : ICibaClientStore
    {
        public ValueTask<CibaClient?> FindAsync(string clientId, CancellationToken cancellationToken)
        {
            seen.Add("clients", tenant);
            return new(clientId switch
            {
                CibaTokenDeliveryModes.Ping => FakeReceiver.PingClient(clientId),
                CibaTokenDeliveryModes.Push => FakeReceiver.PushClient(clientId),
                _ => CibaHost.Client(clientId),
            });
        }
    }

    private sealed class WatchedUsers(FakeUsers users, SeenIssuers seen, CibaTenant tenant) : ICibaUserLookup
    {
        public ValueTask<CibaUserLookupResult> FindAsync(CibaHint hint, CibaClient client, CancellationToken cancellationToken)
        {
            seen.Add("users", tenant);
            return users.FindAsync(hint, client, cancellationToken);
        }

        public ValueTask<bool> IsActiveAsync(string subject, CancellationToken cancellationToken)
        {
            seen.Add("users", tenant);
            return users.IsActiveAsync(subject, cancellationToken);
        }

        public ValueTask<bool> IsUserCodeAsync(string subject, string userCode, CancellationToken cancellationToken) => users.IsUserCodeAsync(subject, userCode, cancellationToken);
    }

    private sealed class WatchedDevices(FakeDevices devices, SeenIssuers seen, CibaTenant tenant) : ICibaDeviceNotifier
    {
        public Task NotifyAsync(CibaDeviceRequest request, CancellationToken cancellationToken)
        {
            seen.Add("device", tenant);
            return devices.NotifyAsync(request, cancellationToken);
        }
    }

    private sealed class WatchedValidator(SeenIssuers seen, CibaTenant tenant) : ICibaRequestValidator
    {
        public ValueTask<CibaError?> ValidateAsync(CibaRequest request, CibaClient client, CancellationToken cancellationToken)
        {
            seen.Add("validator", tenant);
            return new((CibaError?)null);
        }
    }

    private sealed class WatchedEvents(SeenIssuers seen, CibaTenant tenant) : ICibaEvents
    {
        public ValueTask OnEventAsync(CibaEvent occurrence, CancellationToken cancellationToken)
        {
            seen.Add("events", tenant);
            return default;
        }
    }
}
