using Llasta.ChatApi.Upstream;

namespace Llasta.ChatApi.Completions;

/// <summary>What reading an answer needs to know of its request.</summary>
/// <param name="Mode">What of the last message is continued, if anything.</param>
/// <param name="Thinking">Thinking was asked for.</param>
/// <param name="TurnId">The id that was sent with the request.</param>
/// <param name="ContextWindow">The context window in tokens, if known.</param>
/// <param name="Dialect">What the server accepts and does; learns from the answer.</param>
/// <param name="Recorder">Keeps the answer for telemetry, if it is recorded.</param>
internal readonly record struct CompletionRequest(TurnMode Mode, bool Thinking, string TurnId, int? ContextWindow, ServerDialect Dialect, AnswerRecorder? Recorder)
{
    /// <summary>No thinking can be in the answer: whatever the server calls it, it is text.</summary>
    public bool AllIsText => Mode == TurnMode.ContinueAnswer || (Mode == TurnMode.Answer && !Thinking);
}
