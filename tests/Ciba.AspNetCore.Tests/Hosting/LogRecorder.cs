using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Keeps every log line, with what stands in its exception.</summary>
public sealed class LogRecorder : ILoggerProvider
{
    public ConcurrentQueue<LogLine> Lines { get; } = new();

    /// <summary>The library's own lines.</summary>
    public IEnumerable<LogLine> Ours => Lines.Where(line => line.Category.StartsWith("Ciba.AspNetCore.", StringComparison.Ordinal));

    public ILogger CreateLogger(string categoryName) => new Recorder(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Recorder(LogRecorder recorder, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            recorder.Lines.Enqueue(new LogLine(category, logLevel, $"{formatter(state, exception)} {exception}"));
    }
}

public sealed record LogLine(string Category, LogLevel Level, string Text);
