using Llasta.ModelSim.Control;
using Llasta.ModelSim.Metrics;
using Llasta.ModelSim.Wire;

namespace Llasta.ModelSim.Generation;

/// <summary>
/// One accepted request on its way: its clock, and the two ways in which it can be over early. A client that leaves
/// aborts it in every phase (<c>vllm/v1/engine/async_llm.py</c>); a stopping server ends it in good order.
/// </summary>
internal sealed class Turn : IDisposable
{
    private readonly Engine _engine;
    private readonly PacedStream _pace;
    private readonly CancellationTokenRegistration _whenAborted;
    private readonly CancellationTokenRegistration _whenStopping;
    private readonly long _arrival;
    private readonly double _ticksPerToken;

    public Turn(HttpContext context, ChatRequest request, ModelSimOptions options, RequestRecord record, Engine engine)
    {
        (Context, Request, Options, Record, _engine) = (context, request, options, record, engine);
        _arrival = engine.Pacer.Now;
        _ticksPerToken = options.TokensPerSecond > 0 ? engine.Time.TimestampFrequency / options.TokensPerSecond : 0;
        _pace = new(engine.Pacer);
        _whenAborted = context.RequestAborted.UnsafeRegister(static turn => ((Turn)turn!)._pace.Release(), this);
        _whenStopping = engine.Lifetime.ApplicationStopping.UnsafeRegister(static turn => ((Turn)turn!)._pace.Release(), this);
        Completion = Completion.For(request, options);
        Id = record.Id;
        Created = engine.Time.GetUtcNow().ToUnixTimeSeconds();
    }

    public HttpContext Context { get; }

    public ChatRequest Request { get; }

    public ModelSimOptions Options { get; }

    public RequestRecord Record { get; }

    public Completion Completion { get; }

    public string Id { get; }

    /// <summary>Unix seconds.</summary>
    public long Created { get; }

    /// <summary>The client has left: nothing that is written arrives.</summary>
    public bool Gone => Context.RequestAborted.IsCancellationRequested;

    /// <summary>The server is stopping.</summary>
    public bool Stopping => _engine.Lifetime.ApplicationStopping.IsCancellationRequested;

    /// <summary>The role of the answer: <c>get_chat_request_role</c> in vLLM's serving.py.</summary>
    public string Role => Request.AddGenerationPrompt ? "assistant" : Request.Messages[^1].Role;

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

    /// <summary>Keeps the books of a turn that had left the queue.</summary>
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

    private long At(TimeSpan sinceArrival) => _arrival + (long)(sinceArrival.TotalSeconds * _engine.Time.TimestampFrequency);
}
