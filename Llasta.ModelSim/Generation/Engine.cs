using Llasta.ModelSim.Metrics;
using Llasta.ModelSim.Requests;
using Llasta.ModelSim.Settings;

namespace Llasta.ModelSim.Generation;

/// <summary>What all requests share.</summary>
internal sealed class Engine(LiveSettings settings, Pacer pacer, TimeProvider time, IHostApplicationLifetime lifetime)
{
    private int _inFlight;

    public LiveSettings Settings => settings;

    public Pacer Pacer => pacer;

    public TimeProvider Time => time;

    public IHostApplicationLifetime Lifetime => lifetime;

    public RequestLog Requests { get; } = new();

    public EngineMetrics Metrics { get; } = new();

    public PrefixCache Prefixes { get; } = new();

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

    public void Leave() => Interlocked.Decrement(ref _inFlight);
}
