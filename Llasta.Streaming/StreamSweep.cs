using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Llasta.Streaming;

/// <summary>
/// Watches all streams with one timer: it writes heartbeats, and ends streams that are idle for too long. It also ends them all when the
/// process must (<see cref="Drain.EndStreams"/>): one registration for each stream would be one lock for all.
/// </summary>
public sealed partial class StreamSweep(IOptions<StreamingOptions> options, Drain drain, TimeProvider time, ILogger<StreamSweep> log) : BackgroundService
{
    private readonly TimeSpan _heartbeatInterval = options.Value.HeartbeatInterval;
    private readonly ConcurrentDictionary<StreamLease, bool> _leases = new();

    /// <summary>How long either side of a stream may do nothing.</summary>
    internal TimeSpan IdleTimeout { get; } = options.Value.IdleTimeout;

    internal void Add(StreamLease lease)
    {
        _leases.TryAdd(lease, true);
        // It is either seen by the loop that ends all streams, or sees that this has begun.
        if (drain.EndStreams.IsCancellationRequested)
            lease.End();
    }

    internal void Remove(StreamLease lease) => _leases.TryRemove(lease, out _);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var shortest = Math.Min(_heartbeatInterval.TotalMilliseconds, IdleTimeout.TotalMilliseconds);
        await using var ending = drain.EndStreams.UnsafeRegister(static sweep => ((StreamSweep)sweep!).EndAll(), this);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(Math.Clamp(shortest / 4, 1, 1000)), time);
        try
        {
            // The host cancels this after the drain, so draining streams keep their heartbeats.
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                foreach (var (lease, _) in _leases)
                {
                    // Not awaited: a reader that takes nothing must not delay the others' heartbeats.
                    _ = SweepAsync(lease);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The host is stopping.
        }
    }

    private void EndAll()
    {
        foreach (var (lease, _) in _leases)
        {
            try
            {
                lease.End();
            }
            catch (AggregateException e)
            {
                // One stream's fault must not keep the others from ending.
                LogNotEnded(log, e);
            }
        }
    }

    private async Task SweepAsync(StreamLease lease)
    {
        try
        {
            await lease.SweepAsync(_heartbeatInterval, IdleTimeout);
        }
        catch (ObjectDisposedException)
        {
            // The stream ended during the sweep.
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or OperationCanceledException)
        {
            LogFailed(log, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A stream could not be ended")]
    private static partial void LogNotEnded(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Debug, Message = "A heartbeat could not be written; the stream's own read will end it")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
