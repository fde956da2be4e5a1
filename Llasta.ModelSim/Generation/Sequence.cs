using Llasta.ModelSim.Metrics;
using Llasta.ModelSim.Protocol;
using Llasta.ModelSim.Requests;

namespace Llasta.ModelSim.Generation;

/// <summary>
/// An accepted request in the engine: its clock, and the two events that end it early. A client that leaves aborts it in every
/// phase (<c>vllm/v1/engine/async_llm.py</c>); so does the end of the engine.
/// </summary>
internal sealed class Sequence : IDisposable
{
    private readonly Engine _engine;
    private readonly PacedStream _pace;
    private readonly CancellationTokenRegistration _whenAborted;
    private readonly CancellationTokenRegistration _whenInterrupted;
    private readonly CancellationTokenRegistration _whenEnded;
    private readonly long _arrival;
    private readonly double _ticksPerToken;
    private TimeSpan _queued;
    private TimeSpan _firstToken;

    public Sequence(HttpContext context, ChatRequest request, ModelSimOptions options, RequestRecord record, Engine engine)
    {
        (Context, Request, Options, Record, _engine) = (context, request, options, record, engine);
        _arrival = engine.Pacer.Now;
        _ticksPerToken = options.TokensPerSecond > 0 ? engine.Time.TimestampFrequency / options.TokensPerSecond : 0;
        _pace = new(engine.Pacer);
        _whenAborted = context.RequestAborted.UnsafeRegister(static sequence => ((Sequence)sequence!)._pace.Release(), this);
        _whenInterrupted = engine.Interrupted.UnsafeRegister(static sequence => ((Sequence)sequence!)._pace.Release(), this);
        _whenEnded = engine.Ended.UnsafeRegister(static context => ((HttpContext)context!).Abort(), context);
        Completion = Completion.For(request, options);
        Head = new(record.Id, engine.Time.GetUtcNow().ToUnixTimeSeconds(), request, options);
        QueueEnds = At(options.QueueDelay);
        FirstTokenDue = At(options.QueueDelay + options.FirstTokenDelay);
        KeptAlive();
    }

    public HttpContext Context { get; }

    public ChatRequest Request { get; }

    public ModelSimOptions Options { get; }

    public RequestRecord Record { get; }

    public Completion Completion { get; }

    public CompletionHead Head { get; }

    public EngineMetrics Metrics => _engine.Metrics;

    /// <summary>The prompt's tokens that were cached; known when the sequence leaves the queue.</summary>
    public int CachedTokens { get; private set; }

    /// <summary>When the queue ends, as a timestamp.</summary>
    public long QueueEnds { get; }

    /// <summary>When the first token is due, as a timestamp.</summary>
    public long FirstTokenDue { get; }

    /// <summary>When a comment is due if nothing else is sent before, as a timestamp.</summary>
    public long KeepAliveDue { get; private set; }

    /// <summary>The client has left: nothing that is written arrives.</summary>
    public bool Gone => Context.RequestAborted.IsCancellationRequested;

    /// <summary>The engine generates nothing any more.</summary>
    public bool Interrupted => _engine.Interrupted.IsCancellationRequested;

    /// <summary>The engine is silent until the process ends.</summary>
    public bool EngineIsSilent => _engine.State == EngineState.Silent;

    public TimeSpan Elapsed => _engine.Time.GetElapsedTime(_arrival);

    public RequestTimes Times => new(_queued, _firstToken - _queued, Elapsed - _firstToken);

    public void EnterQueue()
    {
        if (Options.QueueDelay > TimeSpan.Zero)
            Metrics.Wait(1);
    }

    public void LeaveQueue()
    {
        if (Options.QueueDelay > TimeSpan.Zero)
            Metrics.Wait(-1);
        _queued = Elapsed;
        CachedTokens = _engine.Prefixes.Hits(Request.Prompt);
        Metrics.QueueTime.Observe(_queued);
        Metrics.Start(Request.PromptTokens, CachedTokens);
    }

    public void BeginsAnswering()
    {
        _firstToken = Elapsed;
        Metrics.FirstToken.Observe(_firstToken);
    }

    /// <summary>When that token is due, counted from 0, as a timestamp.</summary>
    public long TokenDue(int index) => FirstTokenDue + (long)(index * _ticksPerToken);

    /// <summary>Waits until a timestamp, or until the client leaves or the engine ends.</summary>
    public ValueTask UntilAsync(long due) => _pace.UntilAsync(due);

    /// <summary>Waits until the client leaves or the engine ends.</summary>
    public ValueTask StallAsync() => _pace.UntilAsync(long.MaxValue);

    /// <summary>Waits until the client leaves or the process ends.</summary>
    public async Task SilenceAsync() => await Task.Delay(Timeout.InfiniteTimeSpan, Context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>Something was sent.</summary>
    public void KeptAlive() =>
        KeepAliveDue = Options.KeepAliveInterval > TimeSpan.Zero ? _engine.Pacer.Now + Ticks(Options.KeepAliveInterval) : long.MaxValue;

    /// <summary>Updates the metrics of a sequence that had left the queue.</summary>
    public void Close(string finishReason, int tokens)
    {
        Metrics.Finish(finishReason, Request.PromptTokens, tokens);
        Metrics.Latency.Observe(Elapsed);
    }

    public void Dispose()
    {
        _whenAborted.Dispose();
        _whenInterrupted.Dispose();
        _whenEnded.Dispose();
    }

    private long At(TimeSpan sinceArrival) => _arrival + Ticks(sinceArrival);

    private long Ticks(TimeSpan time) => (long)(time.TotalSeconds * _engine.Time.TimestampFrequency);
}
