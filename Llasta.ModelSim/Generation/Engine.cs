using Llasta.ModelSim.Metrics;
using Llasta.ModelSim.Requests;
using Llasta.ModelSim.Settings;

namespace Llasta.ModelSim.Generation;

/// <summary>
/// What all requests share, and the server's life, as vLLM's. Until the model has loaded, the port refuses connections. After SIGTERM,
/// the engine dies at once or, with a shutdown timeout, lets running streams finish while the port still answers; streams that outlast
/// the timeout are silent on a closed port.
/// </summary>
internal sealed class Engine(LiveSettings settings, TimeProvider time) : IHostedLifecycleService, IDisposable
{
    // For the last events of streams whose clients read slowly.
    private static readonly TimeSpan LastWrites = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _interrupted = new();
    private readonly CancellationTokenSource _ended = new(Timeout.InfiniteTimeSpan, time);
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile EngineState _state;
    private int _inFlight;

    public LiveSettings Settings => settings;

    public TimeProvider Time => time;

    public RequestLog Requests { get; } = new();

    public EngineMetrics Metrics { get; } = new();

    public PrefixCache Prefixes { get; } = new();

    public EngineState State => _state;

    /// <summary>No token is generated any more: the engine is dead or silent.</summary>
    public CancellationToken Interrupted => _interrupted.Token;

    /// <summary>The process ends: open connections are reset.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>The requests that are waiting or running.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Takes a place for a request, unless the admission limit is reached.</summary>
    public bool TryEnter()
    {
        var limit = settings.Current.MaxQueuedRequests;
        if (Interlocked.Increment(ref _inFlight) <= limit || limit == 0)
            return true;
        Leave();
        return false;
    }

    public void Leave()
    {
        if (Interlocked.Decrement(ref _inFlight) == 0 && _state != EngineState.Running)
            _idle.TrySetResult();
    }

    // The host waits for the delay before it opens the port.
    public Task StartingAsync(CancellationToken cancellationToken) => Task.Delay(settings.Current.StartupDelay, time, cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // The host waits for it before it closes the port.
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        var options = settings.Current;
        _state = options.ShutdownTimeout == TimeSpan.Zero ? EngineState.Dead : EngineState.Stopping;
        if (_state == EngineState.Stopping && InFlight > 0)
        {
            await _idle.Task.WaitAsync(options.ShutdownTimeout, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _state = _idle.Task.IsCompleted ? EngineState.Stopping : EngineState.Silent;
        }
        if (_state != EngineState.Stopping)
            await _interrupted.CancelAsync();
        _ended.CancelAfter(_state switch
        {
            EngineState.Dead => LastWrites,
            EngineState.Silent => options.ShutdownSilence,
            _ => TimeSpan.Zero,
        });
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _interrupted.Dispose();
        _ended.Dispose();
    }
}

/// <summary>The engine's life, as vLLM's ends.</summary>
internal enum EngineState
{
    Running,

    /// <summary>SIGTERM with <c>--shutdown-timeout</c>: running sequences continue, new requests are refused.</summary>
    Stopping,

    /// <summary>SIGTERM without it: sequences end with an error.</summary>
    Dead,

    /// <summary>The shutdown timeout has passed: nothing is sent until the process is killed.</summary>
    Silent,
}
