using System.Diagnostics;
using System.Text.Json;
using Llasta.ChatApi.Completions;
using Llasta.ChatApi.Contract;
using Llasta.ChatApi.Upstream;

namespace Llasta.ChatApi.Relay;

/// <summary>A turn that is sent to the model's server.</summary>
/// <param name="Id">The turn's id.</param>
/// <param name="Span">The turn's span; null without telemetry.</param>
/// <param name="ArrivedAt">When the request arrived (<see cref="Stopwatch.GetTimestamp"/>).</param>
internal sealed record UpstreamTurn(string Id, Activity? Span, long ArrivedAt)
{
    /// <summary>The model that answers.</summary>
    public required ModelInfo Model { get; set; }

    /// <summary>When the request was sent upstream (<see cref="Stopwatch.GetTimestamp"/>); 0 if it was not.</summary>
    public long SentAt { get; set; }

    /// <summary>Keeps the answer for telemetry; null unless messages are recorded.</summary>
    public AnswerRecorder? Recorder { get; init; }

    /// <summary>The answer; null until the model's server has begun one.</summary>
    public TurnStream? Stream { get; set; }

    /// <summary>Computes how long the turn's parts took.</summary>
    /// <param name="stream">The answer.</param>
    public Timings Timings(TurnStream stream)
    {
        var completion = stream.Completion;
        double? firstToken = completion.FirstTokenAt == 0 ? null : Round(Stopwatch.GetElapsedTime(ArrivedAt, completion.FirstTokenAt).TotalMilliseconds);
        var generating = Stopwatch.GetElapsedTime(completion.FirstTokenAt, completion.LastTokenAt).TotalSeconds;
        double? rate = completion.Usage is { CompletionTokens: > 1 } usage && generating > 0 ? Round((usage.CompletionTokens - 1) / generating) : null;
        var relay = Stopwatch.GetElapsedTime(ArrivedAt, SentAt);
        if (stream.FirstWrittenAt != 0)
            relay += Stopwatch.GetElapsedTime(stream.FirstReadAt, stream.FirstWrittenAt);
        return new Timings(firstToken, rate, Round(relay.TotalMilliseconds), completion.QueueMs);
    }

    private static double Round(double value) => Math.Round(value, 3);
}

/// <summary>How a turn ended, for telemetry.</summary>
/// <param name="State">The terminal state, or the code of the error.</param>
/// <param name="Problem">The error with which the turn ended; null if it did not end with one.</param>
/// <param name="Usage">Token counts, if the model's server gave them.</param>
/// <param name="Timings">How long the turn's parts took; null if the model's server did not begin an answer.</param>
/// <param name="FinishReason">The model's finish reason, if it gave one.</param>
internal sealed record TurnEnd(string State, ChatProblem? Problem, Usage? Usage = null, Timings? Timings = null, string? FinishReason = null)
{
    /// <summary>An exception that nobody expects has ended the turn.</summary>
    public static readonly TurnEnd Broken = new(ProblemCodes.ModelError, ChatProblem.ModelError("") with { Title = "The chat API failed." });

    /// <summary>The state of a turn whose reader left.</summary>
    public const string Stopped = "stopped";

    private static readonly string[] Names =
        [.. Enum.GetValues<EndState>().Select(state => JsonSerializer.SerializeToElement(state, ContractJson.Default.EndState).GetString()!)];

    /// <summary>The name that the <c>end</c> event gives a state.</summary>
    public static string NameOf(EndState state) => Names[(int)state];
}
