using Llasta.ChatApi.Contract;

namespace Llasta.ChatApi.Completions;

/// <summary>What the finish reasons of servers mean.</summary>
internal static class FinishReasons
{
    /// <summary>Tells whether a reason says that the model has ended the answer.</summary>
    public static bool IsEnd(string? reason) => reason is not null && Meaning(reason) is not null;

    /// <summary>The end of the turn that a reason means.</summary>
    /// <returns>Null if there is no reason, or the server gave up: the answer is not complete.</returns>
    public static EndState? Meaning(string? reason) => reason?.ToUpperInvariant() switch
    {
        null => null,
        // vLLM stops and aborts; DeepSeek has too much to do; OpenRouter's provider failed.
        "ABORT" or "ABORTED" or "CANCELLED" or "CANCELED" or "ERROR" or "INSUFFICIENT_SYSTEM_RESOURCE" or "OTHER" or "FINISH_REASON_UNSPECIFIED" => null,
        "LENGTH" or "MAX_TOKENS" or "MAX_LENGTH" or "MODEL_LENGTH" or "MODEL_CONTEXT_WINDOW_EXCEEDED" or "TOKEN_LIMIT" => EndState.Length,
        "REPETITION" or "LOOP" or "REPEAT" => EndState.Repetition,
        "CONTENT_FILTER" or "CONTENT_FILTERED" or "SAFETY" or "RECITATION" or "BLOCKLIST" or "PROHIBITED_CONTENT" or "SPII" or "SENSITIVE" or "REFUSAL" => EndState.Filtered,
        _ => EndState.Done,
    };

    /// <summary>Tells whether a reason is one of those that end a complete answer.</summary>
    public static bool IsUsual(string? reason) => reason is null or "stop" or "length" or "eos" or "eos_token" or "end_turn" or "stop_sequence" or "STOP" or "tool_calls" or "function_call" or "tool_use";
}
