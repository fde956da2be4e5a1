using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Llasta.Streaming;

/// <summary>
/// Stops a process without cutting a stream. From the stop signal on, the process is not ready and refuses new streams, but still listens,
/// so that clients get an answer they can act on. Running streams may finish within <see cref="StreamingOptions.DrainTimeout"/>; then
/// <see cref="EndStreams"/> asks the rest to end with their final event, and only then does the server close.
/// </summary>
/// <remarks><c>HttpContext.RequestAborted</c> does not fire when the host stops, so <see cref="StreamSweep"/> ends the streams on <see cref="EndStreams"/>.</remarks>
public sealed class Drain(IOptions<StreamingOptions> options, TimeProvider time) : IHostedLifecycleService, IDisposable
{
    /// <summary>The time to flush final events between <see cref="EndStreams"/> and the closing of the server's connections.</summary>
    private static readonly TimeSpan FinalFlushTimeout = TimeSpan.FromSeconds(3);

    /// <summary>The time that the server's own stop may take after that.</summary>
    private static readonly TimeSpan ServerStopTimeout = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _endStreams = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running;
    private volatile bool _begun;

    /// <summary>The longest time from the end of the drain timeout to the end of the process. A pod's grace period must include it.</summary>
    public static TimeSpan StopTimeout => FinalFlushTimeout + ServerStopTimeout;

    /// <summary>The stop signal has come: accept no new work.</summary>
    public bool HasBegun => _begun;

    /// <summary>Cancelled when the time for running streams is over.</summary>
    public CancellationToken EndStreams => _endStreams.Token;

    /// <summary>Counts a stream that begins.</summary>
    /// <returns>False while draining: refuse the work. Otherwise call <see cref="Leave"/> when the stream ends.</returns>
    public bool TryEnter()
    {
        Interlocked.Increment(ref _running);
        if (!_begun)
            return true;
        Leave();
        return false;
    }

    /// <summary>Counts a stream that has ended.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _running) == 0 && _begun)
            _idle.TrySetResult();
    }

    /// <summary>Waits for the running streams. The host calls it before its servers stop listening.</summary>
    /// <param name="cancellationToken">Cancelled when the host's own shutdown timeout has passed.</param>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _begun = true;
        // A stream that begins now either sees the flag, or is seen in the count below.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _running) == 0)
            _idle.TrySetResult();
        await IdleWithin(options.Value.DrainTimeout, cancellationToken);
        // Also if none is left: a body that still arrives for another endpoint ends, too.
        await _endStreams.CancelAsync();
        await IdleWithin(FinalFlushTimeout, cancellationToken);
    }

    private async Task IdleWithin(TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            await _idle.Task.WaitAsync(timeout, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Streams still run.
        }
    }

    Task IHostedLifecycleService.StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    Task IHostedService.StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    Task IHostedLifecycleService.StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    Task IHostedService.StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    Task IHostedLifecycleService.StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose() => _endStreams.Dispose();
}

internal sealed class DrainHealthCheck(Drain drain) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(drain.HasBegun ? HealthCheckResult.Unhealthy("draining") : HealthCheckResult.Healthy());
}

internal static class DrainExtensions
{
    internal static void AddDrain(this IServiceCollection services)
    {
        services.AddSingleton<Drain>();
        services.AddHostedService(provider => provider.GetRequiredService<Drain>());
        services.AddHealthChecks().AddCheck<DrainHealthCheck>("drain");
        services.AddOptions<HostOptions>().Configure<IOptions<StreamingOptions>>((host, streaming) =>
            host.ShutdownTimeout = streaming.Value.DrainTimeout + Drain.StopTimeout);
    }
}
