using System.Text.RegularExpressions;
using Llasta.ChatApi.Contract;

namespace Llasta.ChatApi.Completions;

/// <summary>What the finish reasons of servers mean.</summary>
internal static partial class FinishReasons
{
    /// <summary>The end of the turn that a reason means.</summary>
    /// <returns>Null if there is no reason, or the server gave up: the answer is not complete.</returns>
    public static EndState? Meaning(string? reason) => reason switch
    {
        null => null,
        "stop" => EndState.Done,
        // Cohere's: they are no errors of the server.
        "ERROR_LIMIT" => EndState.Length,
        "ERROR_TOXIC" => EndState.Filtered,
        _ when GaveUp().IsMatch(reason) => null,
        _ when Filtered().IsMatch(reason) => EndState.Filtered,
        _ when Limit().IsMatch(reason) => EndState.Length,
        _ when Repetition().IsMatch(reason) => EndState.Repetition,
        _ => EndState.Done,
    };

    /// <summary>Tells whether a reason is how a server writes that there is none yet.</summary>
    public static bool IsNone(string reason) => reason.ToUpperInvariant() is "NULL" or "NONE" or "NIL" or "UNDEFINED";

    /// <summary>Tells whether the page needs no other words for a reason than those for the end that it means.</summary>
    public static bool IsUsual(string? reason) => reason is null or "stop" or "length" or "eos" or "eos_token" or "end_turn" or "stop_sequence" or "STOP";

    /// <summary>OpenAI, Gemini, Bedrock, Cohere, Zhipu.</summary>
    [GeneratedRegex("filter|safety|recitation|block(?:ed|list)|prohibit|^spii$|sensitive|refus|guardrail|moderat|toxic", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Filtered();

    /// <summary>OpenAI, Mistral, Anthropic, Gemini.</summary>
    [GeneratedRegex("length|max.?(?:output.?|new.?)?tokens|window|limit", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Limit();

    [GeneratedRegex("repeti|repeat|loop", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Repetition();

    /// <summary>
    /// vLLM stops and aborts; DeepSeek has too much to do; OpenRouter's or Zhipu's provider failed. A limit of requests or of money is none of
    /// the answer's.
    /// </summary>
    [GeneratedRegex("abort|cancel|error|fail|interrupt|time.?out|unavailable|overload|insufficient|exhaust|rate.?limit|quota|request|concurren|spend|connect|unspecified|^other$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex GaveUp();
}
