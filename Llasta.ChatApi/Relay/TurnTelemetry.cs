using System.Diagnostics;
using System.Diagnostics.Metrics;
using Llasta.ChatApi.Completions;
using Llasta.ChatApi.Contract;
using Llasta.ChatApi.Upstream;

namespace Llasta.ChatApi.Relay;

/// <summary>
/// Spans, metrics and logs of turns, named by OpenTelemetry's GenAI conventions where they have a name. They contain states, token counts
/// and times, never a key, and no text of a message except on a developer's machine
/// (<c>OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT</c>).
/// </summary>
internal sealed partial class TurnTelemetry : IDisposable
{
    private const string Name = "Llasta.ChatApi";
    private static readonly ActivitySource Source = new(Name);

    /// <summary>The conventions' own boundaries, in seconds.</summary>
    private static readonly InstrumentAdvice<double> Seconds = new() { HistogramBucketBoundaries = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92] };
    private static readonly InstrumentAdvice<double> FirstChunkSeconds = new() { HistogramBucketBoundaries = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0] };
    private static readonly InstrumentAdvice<long> Tokens = new() { HistogramBucketBoundaries = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864] };

    /// <summary>The relay's own time is tens of microseconds.</summary>
    private static readonly InstrumentAdvice<double> RelaySeconds = new() { HistogramBucketBoundaries = [0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25] };

    private readonly Meter _meter = new(Name);
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _firstChunk;
    private readonly Histogram<long> _tokens;
    private readonly UpDownCounter<long> _active;
    private readonly Counter<long> _turns;
    private readonly Histogram<double> _relay;
    private readonly ILogger _log;
    private readonly FailureLog _failures;
    private readonly UpstreamErrors _errors;
    private readonly bool _recordsMessages;
    private readonly string _serverAddress;
    private readonly object _serverPort; // boxed once

    public TurnTelemetry(ModelServer server, ILogger<TurnTelemetry> log, FailureLog failures, IHostEnvironment environment, IConfiguration configuration)
    {
        // The conventions' own switch, which Aspire sets in run mode. Production never records a message.
        _recordsMessages = environment.IsDevelopment() && configuration.GetValue("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", defaultValue: false);
        _log = log;
        _failures = failures;
        _errors = server.Errors;
        _serverAddress = server.Options.Endpoint.Host;
        _serverPort = server.Options.Endpoint.Port;
        _duration = _meter.CreateHistogram("gen_ai.client.operation.duration", "s", "From the request to the end of the answer.", tags: null, Seconds);
        _firstChunk = _meter.CreateHistogram("gen_ai.client.operation.time_to_first_chunk", "s", "From the request to the first token.", tags: null, FirstChunkSeconds);
        _tokens = _meter.CreateHistogram("gen_ai.client.token.usage", "{token}", "Tokens of prompt and answer.", tags: null, Tokens);
        _active = _meter.CreateUpDownCounter<long>("llasta.turns.active", "{turn}", "Turns being relayed now.");
        _turns = _meter.CreateCounter<long>("llasta.turns", "{turn}", "Turns by the state in which they ended.");
        _relay = _meter.CreateHistogram("llasta.relay.duration", "s", "The relay's own share of a turn's time to first token.", tags: null, RelaySeconds);
    }

    /// <summary>Starts a turn's span; its context goes to the model's server as <c>traceparent</c>.</summary>
    /// <param name="model">The model.</param>
    /// <param name="request">The request; its text is recorded only if messages are.</param>
    /// <param name="arrivedAt">When the request arrived (<see cref="Stopwatch.GetTimestamp"/>).</param>
    public UpstreamTurn Begin(ModelInfo model, ChatRequest request, long arrivedAt)
    {
        var id = Guid.CreateVersion7().ToString("N");
        _active.Add(1);
        var span = Source.StartActivity($"chat {model.Name}", ActivityKind.Client);
        span?
            .SetTag("gen_ai.operation.name", "chat")
            .SetTag("gen_ai.provider.name", "openai")
            .SetTag("gen_ai.request.model", model.Name)
            .SetTag("gen_ai.request.stream", true)
            .SetTag("gen_ai.request.temperature", request.Sampling?.Temperature)
            .SetTag("gen_ai.request.top_p", request.Sampling?.TopP)
            .SetTag("gen_ai.request.top_k", request.Sampling?.TopK)
            .SetTag("gen_ai.request.seed", request.Sampling?.Seed)
            .SetTag("gen_ai.request.max_tokens", request.Sampling?.MaxTokens)
            .SetTag("server.address", _serverAddress)
            .SetTag("server.port", _serverPort)
            .SetTag("llasta.turn.id", id)
            .SetTag("llasta.turn.thinking", request.Thinking)
            .SetTag("llasta.turn.continue", request.Continue);
        var records = _recordsMessages && span is { IsAllDataRequested: true };
        if (records)
            span!.SetTag("gen_ai.input.messages", RecordedMessages.Input(request.Messages!));
        return new UpstreamTurn(id, span, arrivedAt) { Model = model, Recorder = records ? new AnswerRecorder() : null };
    }

    /// <summary>Records the end of a turn.</summary>
    public void End(UpstreamTurn turn, TurnEnd end)
    {
        var (state, problem, usage, timings, finishReason) = end;
        var (span, id, model, duration) = (turn.Span, turn.Id, turn.Model, Stopwatch.GetElapsedTime(turn.ArrivedAt));
        var tags = new TagList
        {
            { "gen_ai.operation.name", "chat" },
            { "gen_ai.provider.name", "openai" },
            { "gen_ai.request.model", model.Name },
            { "server.address", _serverAddress },
            { "server.port", _serverPort },
        };
        _active.Add(-1);
        _turns.Add(1, new KeyValuePair<string, object?>("state", state));
        if (timings is not null)
            _relay.Record(timings.RelayMs / 1000);
        if (timings?.FirstTokenMs is { } first)
            _firstChunk.Record(first / 1000, tags);
        if (usage is not null)
        {
            _tokens.Record(usage.PromptTokens, With(tags, "gen_ai.token.type", "input"));
            _tokens.Record(usage.CompletionTokens, With(tags, "gen_ai.token.type", "output"));
        }

        if (problem is not null)
            tags.Add("error.type", state);
        _duration.Record(duration.TotalSeconds, tags);

        if (span is not null)
        {
            span.SetTag("llasta.turn.state", state)
                .SetTag("gen_ai.response.model", model.Name)
                .SetTag("gen_ai.response.id", $"chatcmpl-{id}")
                .SetTag("gen_ai.response.time_to_first_chunk", timings?.FirstTokenMs / 1000)
                .SetTag("gen_ai.usage.input_tokens", usage?.PromptTokens)
                .SetTag("gen_ai.usage.output_tokens", usage?.CompletionTokens)
                .SetTag("gen_ai.usage.reasoning.output_tokens", usage?.ReasoningTokens)
                .SetTag("gen_ai.usage.cache_read.input_tokens", usage?.CachedTokens);
            if (turn.Recorder is { } recorder)
                span.SetTag("gen_ai.output.messages", RecordedMessages.Output(recorder.Reasoning, recorder.Text, finishReason ?? state));
            if (finishReason is not null)
                span.SetTag("gen_ai.response.finish_reasons", new[] { _errors.Clean(finishReason) });
            if (problem is not null)
                span.SetTag("error.type", state).SetStatus(ActivityStatusCode.Error, state);
            span.Dispose();
        }

        if (problem is { Status: >= StatusCodes.Status500InternalServerError })
            LogFailed(_log, id, state, duration.TotalMilliseconds, problem.Title, problem.ServerStatus is { } status ? $" It answered with the status {status}." : "");
        else if (usage is not null && timings is not null)
            LogEnd(_log, id, state, usage.PromptTokens, usage.CompletionTokens, timings.FirstTokenMs, duration.TotalMilliseconds, timings.RelayMs);
        else
            LogUncounted(_log, id, state, duration.TotalMilliseconds);

        static TagList With(TagList tags, string name, string value)
        {
            tags.Add(name, value);
            return tags;
        }
    }

    /// <summary>
    /// Records a turn that was refused before anything was sent upstream. It costs its sender nothing, so it is not logged each time; the
    /// detail may quote the sender or a server, so it is never logged.
    /// </summary>
    public void Refused(ChatProblem problem)
    {
        _turns.Add(1, new KeyValuePair<string, object?>("state", problem.Code));
        _failures.Add(problem.Code, problem.Title);
    }

    public void Dispose() => _meter.Dispose();

    [LoggerMessage(Level = LogLevel.Information, Message = "Turn {Id} ended as {State}: {PromptTokens} prompt tokens, {CompletionTokens} completion tokens, first token after {FirstTokenMs} ms, {DurationMs:0} ms in all, {RelayMs} ms of them the relay's")]
    private static partial void LogEnd(ILogger logger, string id, string state, int? promptTokens, int? completionTokens, double? firstTokenMs, double durationMs, double relayMs);

    /// <summary>What the operator has to look at. The words are ours: the server's own are told to the reader only.</summary>
    [LoggerMessage(Level = LogLevel.Warning, Message = "Turn {Id} ended as {State} after {DurationMs:0} ms. {Words}{Status}")]
    private static partial void LogFailed(ILogger logger, string id, string state, double durationMs, string words, string status);

    /// <summary>vLLM sends the token counts at the end, so those of a stopped or cut turn are unknown.</summary>
    [LoggerMessage(Level = LogLevel.Information, Message = "Turn {Id} ended as {State} after {DurationMs:0} ms, before its tokens were counted")]
    private static partial void LogUncounted(ILogger logger, string id, string state, double durationMs);
}
