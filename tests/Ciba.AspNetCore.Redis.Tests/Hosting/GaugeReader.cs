using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>Reads the gauges of one host's meter.</summary>
internal sealed class GaugeReader : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly List<(string Name, double Value, string? Unit)> _read = [];

    public GaugeReader(IServiceProvider services)
    {
        var meters = services.GetRequiredService<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            // Hosts of other tests have meters of the same name.
            if (instrument.Meter.Name == "Ciba.AspNetCore" && ReferenceEquals(instrument.Meter.Scope, meters) && instrument.IsObservable)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<double>((instrument, measurement, _, _) => _read.Add((instrument.Name, measurement, instrument.Unit)));
        _listener.Start();
    }

    public IReadOnlyList<(string Name, double Value, string? Unit)> Read()
    {
        _read.Clear();
        _listener.RecordObservableInstruments();
        return _read;
    }

    public void Dispose() => _listener.Dispose();
}
