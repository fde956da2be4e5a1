using Llasta.ModelSim.Metrics;
using Llasta.ModelSim.Requests;
using Llasta.ModelSim.Settings;

namespace Llasta.ModelSim.Generation;

/// <summary>What all requests share, and the engine's life.</summary>
internal sealed class Engine(LiveSettings settings, Pacer pacer, TimeProvider time) : IDisposable
{
    private readonly CancellationTokenSource _interrupted = new();
    private readonly CancellationTokenSource _ended = new(Timeout.InfiniteTimeSpan, time);
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile EngineState _state;
    private int _inFlight;

    public LiveSettings Settings => settings;

    public Pacer Pacer => pacer;

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

    /// <summary>Ends every sequence with an error, as an engine that dies.</summary>
    public Task DieAsync() => InterruptAsync(EngineState.Dead);

    /// <summary>Refuses new requests and lets the running ones finish; those that take longer are silent from then on.</summary>
    public async Task DrainAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        _state = EngineState.Stopping;
        if (InFlight == 0)
            return;
        try
        {
            await _idle.Task.WaitAsync(timeout, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            await InterruptAsync(EngineState.Silent);
        }
    }

    /// <summary>Resets the connections that are still open after that time.</summary>
    public void EndAfter(TimeSpan delay) => _ended.CancelAfter(delay);

    public void Dispose()
    {
        _interrupted.Dispose();
        _ended.Dispose();
    }

    private Task InterruptAsync(EngineState state)
    {
        _state = state;
        return _interrupted.CancelAsync();
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
