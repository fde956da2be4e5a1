using Microsoft.Extensions.Hosting;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Llasta.ServiceDefaults;

/// <summary>
/// Sends the telemetry that is left when the service stops: traces, metrics and logs at the same time. The SDK itself sends them one after
/// the other, for up to 5 s each, so a collector that doesn't answer would keep the process longer than a pod's grace period.
/// </summary>
internal sealed class LastTelemetry(TracerProvider traces, MeterProvider metrics, LoggerProvider logs) : IHostedService
{
    /// <summary>It is part of the reserve of a pod's grace period (docs/operations.md).</summary>
    internal static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(3);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Called after the services that were registered later have stopped, the web server among them.</summary>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        var limit = (int)TimeLimit.TotalMilliseconds;
        return Task.WhenAll(Task.Run(() => traces.Shutdown(limit), CancellationToken.None), Task.Run(() => metrics.Shutdown(limit), CancellationToken.None), Task.Run(() => logs.Shutdown(limit), CancellationToken.None));
    }
}
