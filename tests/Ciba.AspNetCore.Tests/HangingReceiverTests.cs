using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 10: a client whose endpoint never answers is in nobody's way, however much there is for it.</summary>
public sealed class HangingReceiverTests
{
    private const int Waiting = 12;
    private const int Rounds = 8;

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    [Test, Spec("P5"), Spec("P7")]
    public async Task One_that_hangs_gets_one_call_at_a_time_also_where_callbacks_waited_for_it_in_vain()
    {
        var endpoint = new HangingEndpoint();
        var client = CibaHost.Client("ping");
        client.BackchannelTokenDeliveryMode = CibaTokenDeliveryModes.Ping;
        client.BackchannelClientNotificationEndpoint = "https://hangs.example/cb";
        await using var host = new CibaHost
        {
            Clients = [client],
            Options = options =>
            {
                options.MaxPendingRequestsPerUser = 0;
                options.RequestLifetime = options.MaxRequestLifetime;
            },
            Setup = ciba => ciba.Services.AddHttpClient(CibaCallbackOptions.HttpClientName).ConfigurePrimaryHttpMessageHandler(() => endpoint),
        };
        for (var i = 0; i < Waiting; i++)
        {
            var authReqId = (await host.AuthorizeAsync(("client_notification_token", "token"))).AuthReqId;
            host.Time.Advance(TimeSpan.FromMilliseconds(1));
            await host.ApproveAsync(authReqId);
        }

        // The two that may begin before anything is known.
        await endpoint.CalledAsync(2);
        host.Time.Advance(new CibaCallbackOptions().Timeout);
        await endpoint.CalledAsync(3);
        endpoint.Most = 0;

        for (var round = 1; round <= Rounds; round++)
        {
            var before = endpoint.Calls;
            host.Time.Advance(new CibaCallbackOptions().Timeout);
            await endpoint.CalledAsync(before + 1);
        }

        Assert.That(endpoint.Most, Is.EqualTo(1));
    }

    private sealed class HangingEndpoint : HttpMessageHandler
    {
        private int _calls;
        private int _running;

        public int Calls => Volatile.Read(ref _calls);

        /// <summary>How many hung at once at most.</summary>
        public int Most { get; set; }

        public async Task CalledAsync(int times)
        {
            using var bound = new CancellationTokenSource(Bound);
            while (Calls < times)
            {
                await Task.Delay(Look, bound.Token);
            }
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Most = Math.Max(Most, Interlocked.Increment(ref _running));
            Interlocked.Increment(ref _calls);
            try
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
                throw new InvalidOperationException("It never comes to this.");
            }
            finally
            {
                Interlocked.Decrement(ref _running);
            }
        }
    }
}
