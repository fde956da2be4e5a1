using Llasta.ModelSim.Metrics;
using Llasta.ModelSim.Protocol;
using Llasta.ModelSim.Requests;

namespace Llasta.ModelSim.Generation;

/// <summary>
/// An accepted request in the engine: its clock, and the two events that end it early. A client that leaves aborts it in every
/// phase (<c>vllm/v1/engine/async_llm.py</c>); a stopping server ends it.
/// </summary>
internal sealed class Sequence : IDisposable
{
    private readonly Engine _engine;
    private readonly PacedStream _pace;
    private readonly CancellationTokenRegistration _whenAborted;
    private readonly CancellationTokenRegistration _whenStopping;
    private readonly long _arrival;
    private readonly double _ticksPerToken;

    public Sequence(HttpContext context, ChatRequest request, ModelSimOptions options, RequestRecord record, Engine engine)
    {
        (Context, Request, Options, Record, _engine) = (context, request, options, record, engine);
        _arrival = engine.Pacer.Now;
        _ticksPerToken = options.TokensPerSecond > 0 ? engine.Time.TimestampFrequency / options.TokensPerSecond : 0;
        _pace = new(engine.Pacer);
        _whenAborted = context.RequestAborted.UnsafeRegister(static sequence => ((Sequence)sequence!)._pace.Release(), this);
        _whenStopping = engine.Lifetime.ApplicationStopping.UnsafeRegister(static sequence => ((Sequence)sequence!)._pace.Release(), this);
        Completion = Completion.For(request, options);
        Head = new(record.Id, engine.Time.GetUtcNow().ToUnixTimeSeconds(), options.Model, Role(request), options.ReasoningField);
    }

    public HttpContext Context { get; }

    public ChatRequest Request { get; }

    public ModelSimOptions Options { get; }

    public RequestRecord Record { get; }

    public Completion Completion { get; }

    public CompletionHead Head { get; }

    /// <summary>The client has left: nothing that is written arrives.</summary>
    public bool Gone => Context.RequestAborted.IsCancellationRequested;

    /// <summary>The server is stopping.</summary>
    public bool Stopping => _engine.Lifetime.ApplicationStopping.IsCancellationRequested;

    public TimeSpan Elapsed => _engine.Time.GetElapsedTime(_arrival);

    /// <summary>Waits out the queue, then the prefill.</summary>
    public async ValueTask QueueAsync()
    {
        var metrics = _engine.Metrics;
        Record.Enter(FaultPhase.Queued);
        if (Options.QueueDelay > TimeSpan.Zero)
        {
            metrics.Wait(1);
            await _pace.UntilAsync(At(Options.QueueDelay));
            metrics.Wait(-1);
        }
        metrics.QueueTime.Observe(Elapsed);
        metrics.Start(Request.PromptTokens, _engine.Prefixes.Hits(Request.Prompt));
        await _pace.UntilAsync(At(Options.QueueDelay + Options.FirstTokenDelay));
    }

    /// <summary>Waits for the time of a token, counted from 0.</summary>
    public ValueTask UntilTokenAsync(int index) =>
        _ticksPerToken == 0 ? default : _pace.UntilAsync(At(Options.QueueDelay + Options.FirstTokenDelay) + (long)(index * _ticksPerToken));

    /// <summary>Waits until the client leaves or the server stops.</summary>
    public ValueTask SilenceAsync() => _pace.UntilAsync(long.MaxValue);

    /// <summary>Updates the metrics of a sequence that had left the queue.</summary>
    public void Close(string finishReason, int tokens)
    {
        _engine.Metrics.Finish(finishReason, Request.PromptTokens, tokens);
        _engine.Metrics.Latency.Observe(Elapsed);
    }

    public EngineMetrics Metrics => _engine.Metrics;

    public void Dispose()
    {
        _whenAborted.Dispose();
        _whenStopping.Dispose();
    }

    // get_chat_request_role in vLLM's serving.py.
    private static string Role(ChatRequest request) => request.AddGenerationPrompt ? "assistant" : request.Messages[^1].Role;

    private long At(TimeSpan sinceArrival) => _arrival + (long)(sinceArrival.TotalSeconds * _engine.Time.TimestampFrequency);
}
