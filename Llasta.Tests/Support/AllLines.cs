using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Llasta.Tests.Support;

/// <summary>Keeps everything that an application logs.</summary>
internal sealed class AllLines : ILoggerProvider
{
    private readonly ConcurrentQueue<(LogLevel Level, string Line)> _lines = new();

    /// <summary>What was logged since the last call: the level, and the message with its exception.</summary>
    public IReadOnlyList<(LogLevel Level, string Line)> Take()
    {
        var taken = new List<(LogLevel, string)>();
        while (_lines.TryDequeue(out var line))
            taken.Add(line);
        return taken;
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Logger(AllLines all, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            all._lines.Enqueue((logLevel, $"{category}: {formatter(state, exception)} {exception}"));
    }
}
