using System.Diagnostics.Metrics;
using Ciba.AspNetCore.Events;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>The meter "Ciba.AspNetCore": what is counted, and by which tags.</summary>
public sealed class MetricsTests
{
    [Test, Spec("U5")]
    public async Task Requests_are_counted_by_what_became_of_them()
    {
        await using var host = new CibaHost { Options = options => options.Limits.PendingPerUser = 2 };
        using var metrics = await ListenAsync(host);
        await host.AuthorizeAsync();
        await host.AuthorizeAsync();
        await host.AuthorizeAsync();
        await host.AuthorizeAsync(("scope", "profile"));

        Assert.That(metrics.Seen, Is.EqualTo(new[]
        {
            "ciba.requests 1 {request} outcome=accepted",
            "ciba.requests 1 {request} outcome=accepted",
            "ciba.requests 1 {request} outcome=limit_reached",
        }));
    }

    [Test, Spec("U3"), Spec("T8")]
    public async Task Decisions_and_redemptions_are_counted_once_each()
    {
        await using var host = new CibaHost();
        using var metrics = await ListenAsync(host);
        string[] ids = [(await host.AuthorizeAsync()).AuthReqId, (await host.AuthorizeAsync()).AuthReqId, (await host.AuthorizeAsync()).AuthReqId];
        await host.ApproveAsync(ids[0]);
        await host.DenyAsync(ids[0]);
        await host.DenyAsync(ids[1]);
        await host.FailAsync(ids[2]);
        await host.PollAsync(ids[0]);
        await host.PollAsync(ids[0]);
        await host.PollAsync(ids[1]);

        Assert.That(metrics.Seen.Skip(3), Is.EqualTo(new[]
        {
            "ciba.decisions 1 {decision} outcome=approved",
            "ciba.decisions 1 {decision} outcome=denied",
            "ciba.decisions 1 {decision} outcome=failed",
            "ciba.redemptions 1 {redemption}",
        }));
    }

    [Test]
    public async Task Callbacks_are_counted_by_mode_and_outcome_and_timed_when_delivered()
    {
        await using var host = new CibaHost();
        using var metrics = await ListenAsync(host);
        var signals = (await host.ServicesAsync()).GetRequiredService<Signals>();
        var request = EventTests.Request();

        signals.Retried(CibaTokenDeliveryModes.Ping);
        signals.Delivered(request, CibaTokenDeliveryModes.Ping, TimeSpan.FromMilliseconds(250));
        signals.Undelivered(request, CibaTokenDeliveryModes.Push, "The endpoint answered 404.");
        signals.Expired(request);

        Assert.That(metrics.Seen, Is.EqualTo(new[]
        {
            "ciba.callbacks 1 {callback} mode=ping outcome=retried",
            "ciba.callbacks 1 {callback} mode=ping outcome=delivered",
            "ciba.callback.duration 0.25 s mode=ping",
            "ciba.callbacks 1 {callback} mode=push outcome=undelivered",
        }));
    }

    internal static async Task<Recorder> ListenAsync(CibaHost host) => new((await host.ServicesAsync()).GetRequiredService<IMeterFactory>());

    /// <summary>Writes down every measurement of one host's meter.</summary>
    internal sealed class Recorder : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly List<string> _seen = [];
        private readonly List<string> _authentications = [];

        public Recorder(IMeterFactory meters)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                // Hosts of other tests have meters of the same name.
                if (instrument.Meter.Name == "Ciba.AspNetCore" && ReferenceEquals(instrument.Meter.Scope, meters))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((instrument, measurement, tags, _) => Write(instrument, measurement, tags));
            _listener.SetMeasurementEventCallback<double>((instrument, measurement, tags, _) => Write(instrument, measurement, tags));
            _listener.Start();
        }

        /// <summary>All but client authentications, one of which goes with every call.</summary>
        public IEnumerable<string> Seen => Copy(_seen);

        public IEnumerable<string> Authentications => Copy(_authentications);

        public void Dispose() => _listener.Dispose();

        private void Write<T>(Instrument instrument, T measurement, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string[] words = [instrument.Name, FormattableString.Invariant($"{measurement}"), instrument.Unit!, .. tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}")];
            var list = instrument.Name == "ciba.client.authentications" ? _authentications : _seen;
            lock (list)
            {
                list.Add(string.Join(' ', words));
            }
        }

        private static string[] Copy(List<string> list)
        {
            lock (list)
            {
                return [.. list];
            }
        }
    }
}
