using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Llasta.ServiceDefaults;

/// <summary>How long a stopping process lets running answers go on (<c>Chat:DrainTimeout</c>).</summary>
public sealed class DrainOptions
{
    /// <summary>From the stop signal to the end of the streams that still run then. 30 s by default.</summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>
/// The end of a process without a cut answer: from the stop signal on it is not ready and refuses new work, while it still
/// listens, so that whoever asks gets an answer to act on. Streams that run may finish for <see cref="DrainOptions.DrainTimeout"/>;
/// then <see cref="EndStreams"/> asks the rest to end in good order, and only then does the server close.
/// </summary>
/// <remarks><c>HttpContext.RequestAborted</c> does not fire when the host stops, so streams must watch <see cref="EndStreams"/>.</remarks>
public sealed class Drain(IOptions<DrainOptions> options, TimeProvider time) : IHostedLifecycleService, IDisposable
{
    /// <summary>For the last events to be written, after <see cref="EndStreams"/> and before the server closes its connections.</summary>
    public static readonly TimeSpan LastWords = TimeSpan.FromSeconds(3);

    private readonly CancellationTokenSource _endStreams = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running;
    private volatile bool _begun;

    /// <summary>The stop signal has come: take no new work.</summary>
    public bool HasBegun => _begun;

    /// <summary>Cancelled when the time for running streams is over.</summary>
    public CancellationToken EndStreams => _endStreams.Token;

    /// <summary>Counts a stream in.</summary>
    /// <returns>False when the process is draining: refuse the work. Otherwise call <see cref="Leave"/> when the stream ends.</returns>
    public bool TryEnter()
    {
        Interlocked.Increment(ref _running);
        if (!_begun)
            return true;
        Leave();
        return false;
    }

    /// <summary>Counts a stream out.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _running) == 0 && _begun)
            _idle.TrySetResult();
    }

    /// <summary>Runs before any server of this host stops listening.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _begun = true;
        // Either a stream that begins now sees this, or its count is seen here.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _running) == 0)
            return;
        if (await IdleWithin(options.Value.DrainTimeout, cancellationToken))
            return;
        await _endStreams.CancelAsync();
        await IdleWithin(LastWords, cancellationToken);
    }

    private async Task<bool> IdleWithin(TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            await _idle.Task.WaitAsync(timeout, time, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
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

internal static class DrainExtensions
{
    internal static void AddDrain(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddOptions<DrainOptions>()
            .Configure<IConfiguration>((o, c) => o.DrainTimeout = c.GetValue("Chat:DrainTimeout", o.DrainTimeout))
            .Validate(o => o.DrainTimeout >= TimeSpan.Zero && o.DrainTimeout <= TimeSpan.FromDays(1), "Chat:DrainTimeout must be zero or more and at most a day, like 00:00:30.")
            .ValidateOnStart();
        builder.Services.AddSingleton<Drain>();
        builder.Services.AddHostedService(services => services.GetRequiredService<Drain>());
        builder.Services.AddOptions<HostOptions>().Configure<IOptions<DrainOptions>>((host, drain) =>
            host.ShutdownTimeout = drain.Value.DrainTimeout + Drain.LastWords + TimeSpan.FromSeconds(2));
    }
}
