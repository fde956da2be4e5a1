using System.Diagnostics;
using Llasta.ChatApi.Completions;
using Llasta.ChatApi.Contract;
using Llasta.ChatApi.Upstream;

namespace Llasta.ChatApi.Relay;

/// <summary>A turn that was sent to the model's server.</summary>
/// <param name="Body">The body of the response.</param>
/// <param name="Span">The turn's span; null without telemetry.</param>
/// <param name="Id">The turn's id.</param>
/// <param name="Model">The model that answers.</param>
/// <param name="Continues">The turn continues a partial answer.</param>
/// <param name="ArrivedAt">When the request arrived (<see cref="Stopwatch.GetTimestamp"/>).</param>
/// <param name="SentAt">When the request was sent upstream (<see cref="Stopwatch.GetTimestamp"/>); 0 if it was not.</param>
internal sealed record UpstreamTurn(Stream Body, Activity? Span, string Id, ModelInfo Model, bool Continues, long ArrivedAt, long SentAt)
{
    /// <summary>Computes how long the turn's parts took.</summary>
    /// <param name="completion">The answer.</param>
    /// <param name="firstWrittenAt">When the first token was written to the reader (<see cref="Stopwatch.GetTimestamp"/>); 0 if none was.</param>
    public Timings Timings(CompletionReader completion, long firstWrittenAt)
    {
        double? firstToken = completion.FirstTokenAt == 0 ? null : Round(Stopwatch.GetElapsedTime(ArrivedAt, completion.FirstTokenAt).TotalMilliseconds);
        var generating = Stopwatch.GetElapsedTime(completion.FirstTokenAt, completion.LastTokenAt).TotalSeconds;
        double? rate = completion.Usage is { CompletionTokens: > 1 } usage && generating > 0 ? Round((usage.CompletionTokens - 1) / generating) : null;
        var relay = Stopwatch.GetElapsedTime(ArrivedAt, SentAt);
        if (firstWrittenAt != 0)
            relay += Stopwatch.GetElapsedTime(completion.FirstTokenAt, firstWrittenAt);
        return new Timings(firstToken, rate, Round(relay.TotalMilliseconds));
    }

    private static double Round(double value) => Math.Round(value, 3);
}

/// <summary>How a turn ended, for telemetry.</summary>
/// <param name="State">The terminal state, or the code of the error.</param>
/// <param name="Failed">The turn ended with an error.</param>
/// <param name="Usage">Token counts, if the model's server gave them.</param>
/// <param name="Timings">How long the turn's parts took; null if the model's server did not accept the turn.</param>
/// <param name="FinishReason">The model's finish reason, if it gave one.</param>
internal sealed record TurnEnd(string State, bool Failed, Usage? Usage = null, Timings? Timings = null, string? FinishReason = null)
{
    /// <summary>The state of a turn whose reader left.</summary>
    public const string Stopped = "stopped";

    /// <summary>The name that the <c>end</c> event gives a state.</summary>
    public static string NameOf(TurnState state) => state switch
    {
        TurnState.Done => "done",
        TurnState.Length => "length",
        TurnState.ThinkingLimit => "thinking-limit",
        _ => "truncated",
    };
}
