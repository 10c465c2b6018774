using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Tests;

/// <summary>A client that may not use CIBA any more when the user decides is sent nothing.</summary>
[Spec("P1"), Spec("P2")]
public sealed class CallbackRegistrationTests : IDisposable
{
    private readonly FakeReceiver _receiver = new();
    private readonly FakeEvents _events = new();
    private readonly PushIssuer _issuer = new();

    public void Dispose()
    {
        _issuer.Dispose();
        _receiver.Dispose();
    }

    [Test]
    public async Task What_was_taken_from_a_client_between_request_and_decision_ends_its_callback(
        [Values("ping", "push")] string mode,
        [Values("grant", "mode", "nothing")] string taken)
    {
        var clients = new HookedClients { Current = Client(mode) };
        await using var host = new CibaHost
        {
            Clients = [],
            Options = CallbackCalls.Quietly,
            Setup = ciba =>
            {
                clients.Use(ciba);
                _receiver.Use(ciba);
                _events.Use(ciba);
                _issuer.Use(ciba);
            },
        };
        await host.FirstLookAsync();
        var id = (await HookedClients.AskAsync(host)).AuthReqId;
        switch (taken)
        {
            case "grant":
                clients.Current = Client(mode);
                clients.Current.GrantTypes = ["authorization_code"];
                break;
            case "mode":
                var options = (await host.ServicesAsync()).GetRequiredService<IOptions<CibaOptions>>().Value;
                options.BackchannelTokenDeliveryModesSupported = ["poll", mode == "ping" ? "push" : "ping"];
                break;
        }

        await host.ApproveAsync(id);

        var heard = await host.LookUntilAsync(_events, taken == "nothing" ? CibaEventKind.Delivered : CibaEventKind.Undelivered);
        await host.StopAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(heard.Reason, Is.EqualTo(taken == "nothing" ? null : $"the client is not registered any more for {mode}"));
            Assert.That(_receiver.Calls, Is.EqualTo(taken == "nothing" ? 1 : 0));
            Assert.That(_issuer.Calls, Is.EqualTo(taken == "nothing" && mode == "push" ? 1 : 0));
        }
    }

    private static CibaClient Client(string mode) => mode == "ping" ? FakeReceiver.PingClient() : FakeReceiver.PushClient();
}
