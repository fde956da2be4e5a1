using System.Text.Json.Serialization;

namespace Llasta.ChatApi.Contract;

/// <summary>The body of <c>POST /api/chat</c>.</summary>
/// <param name="Messages">The conversation, oldest first. It ends with the user's message, or, to continue, with the partial answer.</param>
/// <param name="Thinking">Whether the model thinks first (Qwen3's <c>enable_thinking</c>).</param>
/// <param name="Continue">The last message is a partial answer: continue it from its last character.</param>
/// <param name="Sampling">Overrides of the model's recommended sampling.</param>
/// <param name="Model">The model that answers: one of <see cref="ModelStatus.Models"/>. Absent: <see cref="ModelStatus.Model"/>.</param>
public sealed record ChatRequest(
    IReadOnlyList<ChatMessage>? Messages = null,
    bool Thinking = true,
    bool Continue = false,
    Sampling? Sampling = null,
    string? Model = null);

/// <summary>One message of a conversation.</summary>
/// <param name="Role"><c>system</c>, <c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">The text.</param>
/// <param name="Reasoning">The thinking that led to a partial answer. Only read on the message that is continued, because Qwen3's template drops old thinking.</param>
public sealed record ChatMessage(string? Role = null, JsonText? Content = null, JsonText? Reasoning = null);

/// <summary>Sampling parameters; an absent one has the default of the mode (thinking or not).</summary>
/// <param name="Temperature">0 to 2.</param>
/// <param name="TopP">Above 0, at most 1.</param>
/// <param name="TopK">At least 1. Not every server has it.</param>
/// <param name="MinP">0 to 1. Not every server has it.</param>
/// <param name="MaxTokens">At least 1. Absent: up to the end of the context window.</param>
/// <param name="ThinkingTokens">The most tokens of thinking, 0 or more. Not every server has it.</param>
/// <param name="Seed">Makes sampling repeatable, as far as the server can.</param>
public sealed record Sampling(
    double? Temperature = null,
    double? TopP = null,
    int? TopK = null,
    double? MinP = null,
    int? MaxTokens = null,
    int? ThinkingTokens = null,
    long? Seed = null);

/// <summary>The body of <c>POST /api/tokens</c>.</summary>
/// <param name="Messages">The conversation to count.</param>
/// <param name="Thinking">As in <see cref="ChatRequest"/>: the two modes' prompts differ by a few tokens.</param>
/// <param name="Model">As in <see cref="ChatRequest"/>.</param>
public sealed record TokensRequest(IReadOnlyList<ChatMessage>? Messages = null, bool Thinking = true, string? Model = null);

/// <summary>The answer of <c>POST /api/tokens</c>.</summary>
/// <param name="Count">The prompt's length in tokens, by the model's own tokenizer and template.</param>
/// <param name="ContextWindow">The model's context window, in tokens.</param>
public sealed record TokenCount(int Count, int ContextWindow);

/// <summary>The data of the <c>start</c> event.</summary>
/// <param name="Id">This turn's id, also in the logs, the trace and the model server's response id.</param>
/// <param name="Model">The model that answers.</param>
/// <param name="ContextWindow">Its context window in tokens, if the server gives it.</param>
public sealed record StartEvent(string Id, string Model, int? ContextWindow);

/// <summary>
/// The data of the <c>restart</c> event: the server does not continue the partial answer, so what follows is a new answer that takes its
/// place.
/// </summary>
public sealed record RestartEvent;

/// <summary>The data of the <c>end</c> event.</summary>
/// <param name="State">How the turn ended.</param>
/// <param name="Usage">Token counts, if the server gave them.</param>
/// <param name="Timings">How long things took.</param>
/// <param name="Detail">The server's own words about the end, if it has any.</param>
public sealed record EndEvent(EndState State, Usage? Usage, Timings Timings, string? Detail = null);

/// <summary>The ways in which a turn ends, as told by the <c>end</c> event.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<EndState>))]
public enum EndState
{
    /// <summary>The model finished.</summary>
    [JsonStringEnumMemberName("done")] Done,

    /// <summary>The answer hit the token limit.</summary>
    [JsonStringEnumMemberName("length")] Length,

    /// <summary>The thinking used up the token limit; there is no answer.</summary>
    [JsonStringEnumMemberName("thinking-limit")] ThinkingLimit,

    /// <summary>The stream ended before the model finished; the answer can be continued.</summary>
    [JsonStringEnumMemberName("truncated")] Truncated,

    /// <summary>Prompt and answer fill the context window.</summary>
    [JsonStringEnumMemberName("window-full")] WindowFull,

    /// <summary>The server stopped the answer because it repeats itself.</summary>
    [JsonStringEnumMemberName("repetition")] Repetition,

    /// <summary>The server's filter stopped the answer.</summary>
    [JsonStringEnumMemberName("filtered")] Filtered,
}

/// <summary>Token counts of a turn, as the model's server gave them.</summary>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="CompletionTokens">Tokens generated, thinking included.</param>
/// <param name="ReasoningTokens">Those of them that are thinking, if the server counts them.</param>
/// <param name="CachedTokens">Tokens of the prompt that came from the server's cache, if the server counts them.</param>
public sealed record Usage(int PromptTokens, int CompletionTokens, int? ReasoningTokens, int? CachedTokens = null);

/// <summary>How long a turn's parts took.</summary>
/// <param name="FirstTokenMs">From the request's arrival to the first token, milliseconds; null when none came.</param>
/// <param name="TokensPerSecond">Generation rate after the first token; null when it can't be computed.</param>
/// <param name="RelayMs">The relay's own share: request in to request out, plus first token read to first token written, milliseconds.</param>
/// <param name="QueueMs">The time in the model server's queue, milliseconds, if the server gives it.</param>
public sealed record Timings(double? FirstTokenMs, double? TokensPerSecond, double RelayMs, double? QueueMs = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(ChatRequest))]
[JsonSerializable(typeof(TokensRequest))]
[JsonSerializable(typeof(TokenCount))]
[JsonSerializable(typeof(StartEvent))]
[JsonSerializable(typeof(RestartEvent))]
[JsonSerializable(typeof(EndEvent))]
[JsonSerializable(typeof(ChatProblem))]
[JsonSerializable(typeof(ModelStatus))]
internal sealed partial class ContractJson : JsonSerializerContext;
