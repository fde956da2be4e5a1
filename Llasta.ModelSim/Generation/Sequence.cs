using Llasta.ModelSim.Metrics;
using Llasta.ModelSim.Protocol;
using Llasta.ModelSim.Requests;

namespace Llasta.ModelSim.Generation;

/// <summary>
/// An accepted request in the engine: its clock, and the two events that end it early. A client that leaves aborts it in every
/// phase (<c>vllm/v1/engine/async_llm.py</c>); so does the end of the engine. Times count from its arrival.
/// </summary>
internal sealed class Sequence(HttpContext context, ChatRequest request, ModelSimOptions options, RequestRecord record, Engine engine) : IDisposable
{
    private readonly CancellationTokenSource _over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, engine.Interrupted);
    private readonly CancellationTokenRegistration _whenProcessEnds = engine.Ended.UnsafeRegister(static context => ((HttpContext)context!).Abort(), context);
    private readonly long _arrival = engine.Time.GetTimestamp();
    private TimeSpan _queued;
    private TimeSpan _firstToken;

    public HttpContext Context => context;

    public ChatRequest Request => request;

    public ModelSimOptions Options => options;

    public RequestRecord Record => record;

    public EngineMetrics Metrics => engine.Metrics;

    public Completion Completion { get; } = Completion.For(request, options);

    public CompletionWriter Writer { get; } = CompletionWriter.For(context.Response, new(record.Id, engine.Time.GetUtcNow().ToUnixTimeSeconds(), request, options));

    /// <summary>The prompt's tokens that the prefix cache held, and those that were added to it; known when the sequence leaves the queue.</summary>
    public (int Cached, int Created) CacheTokens { get; private set; }

    /// <summary>The client has left: nothing that is written arrives.</summary>
    public bool Gone => context.RequestAborted.IsCancellationRequested;

    /// <summary>The engine generates nothing any more.</summary>
    public bool Interrupted => engine.Interrupted.IsCancellationRequested;

    /// <summary>The engine is silent until the process ends.</summary>
    public bool EngineIsSilent => engine.State == EngineState.Silent;

    public TimeSpan Elapsed => engine.Time.GetElapsedTime(_arrival);

    public RequestTimes Times => new(_queued, _firstToken - _queued, Elapsed - _firstToken);

    public void LeaveQueue()
    {
        _queued = Elapsed;
        CacheTokens = engine.Prefixes.Add(request.Prompt);
        Metrics.QueueTime.Observe(_queued);
        Metrics.Start(request.PromptTokens, CacheTokens.Cached);
    }

    public void BeginsAnswering()
    {
        _firstToken = Elapsed;
        Metrics.FirstToken.Observe(_firstToken);
    }

    /// <summary>When that token is due, counted from 0. A stream that is late catches up.</summary>
    public TimeSpan TokenDue(int index)
    {
        var seconds = options.TokensPerSecond > 0 ? index / options.TokensPerSecond : 0;
        return options.QueueDelay + options.FirstTokenDelay + TimeSpan.FromSeconds(Math.Min(seconds, int.MaxValue));
    }

    /// <summary>Waits until that time (to the millisecond; after three weeks means never), or until the client leaves or the engine ends.</summary>
    public Task UntilAsync(TimeSpan due)
    {
        // Rounded up, because a delay is cut to milliseconds and would end early.
        var delay = Math.Ceiling((due - Elapsed).TotalMilliseconds);
        return delay <= 0 || _over.IsCancellationRequested ? Task.CompletedTask
            : DelayAsync(delay <= int.MaxValue ? TimeSpan.FromMilliseconds(delay) : Timeout.InfiniteTimeSpan, _over.Token);
    }

    /// <summary>Waits until the client leaves or the engine ends.</summary>
    public Task StallAsync() => UntilAsync(TimeSpan.MaxValue);

    /// <summary>Waits until the client leaves or the process ends.</summary>
    public Task SilenceAsync() => DelayAsync(Timeout.InfiniteTimeSpan, context.RequestAborted);

    /// <summary>Updates the metrics of a sequence that had left the queue.</summary>
    public void Close(string finishReason, int tokens)
    {
        Metrics.Finish(finishReason, request.PromptTokens, tokens);
        Metrics.Latency.Observe(Elapsed);
    }

    public void Dispose()
    {
        _over.Dispose();
        _whenProcessEnds.Dispose();
    }

    private async Task DelayAsync(TimeSpan delay, CancellationToken cancellationToken) =>
        await Task.Delay(delay, engine.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
