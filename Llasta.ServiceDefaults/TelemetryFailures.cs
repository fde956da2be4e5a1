using System.Diagnostics.Tracing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Llasta.ServiceDefaults;

/// <summary>
/// Logs, at most once a minute, that telemetry can't be sent. The SDK tells it only as events of the runtime, so dashboards would stay empty
/// without a word.
/// </summary>
internal sealed partial class TelemetryFailures(TimeProvider time, ILogger<TelemetryFailures> log) : IHostedService, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private Listener? _listener;
    private long? _loggedAt;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _listener = new(this);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _listener?.Dispose();

    private void Add(EventWrittenEventArgs failure)
    {
        lock (_lock)
        {
            if (_loggedAt is { } last && time.GetElapsedTime(last) < Interval)
                return;
            _loggedAt = time.GetTimestamp();
        }

        // An exception's trace follows its first line.
        var reason = failure.Payload?.OfType<string>().LastOrDefault() ?? "";
        Log(log, failure.EventName, reason.Split('\n', 2)[0].Trim());
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Telemetry can't be sent to the collector at OTEL_EXPORTER_OTLP_ENDPOINT. This is logged at most once a minute. {Event}: {Reason}")]
    private static partial void Log(ILogger logger, string? @event, string reason);

    private sealed class Listener(TelemetryFailures failures) : EventListener
    {
        // Called by the base class's constructor, too.
        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "OpenTelemetry-Exporter-OpenTelemetryProtocol")
                EnableEvents(eventSource, EventLevel.Warning);
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData) => failures.Add(eventData);
    }
}
