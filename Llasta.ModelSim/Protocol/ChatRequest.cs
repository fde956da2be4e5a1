using System.Globalization;
using System.Text.Json;
using Llasta.ModelSim.Prompts;

namespace Llasta.ModelSim.Protocol;

/// <summary>
/// A chat completion request that vLLM would accept (<c>vllm/entrypoints/openai/chat_completion/protocol.py</c>,
/// <c>vllm/sampling_params.py</c>). Unknown fields are ignored, as vLLM ignores them.
/// </summary>
/// <param name="Messages">The conversation, not empty.</param>
/// <param name="Stream">Whether the answer is a stream of chunks.</param>
/// <param name="Stop">Texts that end the answer before they appear in it.</param>
/// <param name="IncludeUsage">Whether a stream ends with the usage.</param>
/// <param name="ContinuousUsage">Usage on every chunk, not only on the last.</param>
/// <param name="ThinkingTokenBudget">The most tokens of thinking, or null.</param>
/// <param name="EnableThinking">Whether the model thinks first.</param>
/// <param name="IncludeReasoning">Whether the thinking is sent; it is generated in any case.</param>
/// <param name="AddGenerationPrompt">Whether the prompt ends with the beginning of an answer.</param>
/// <param name="ContinueFinalMessage">The last message is open-ended: the answer continues it.</param>
/// <param name="Prompt">The rendered prompt.</param>
/// <param name="PromptTokens">Its tokens.</param>
/// <param name="MaxTokens">The most tokens of thinking and answer: the request's limit, or what the window leaves.</param>
internal sealed record ChatRequest(
    IReadOnlyList<Message> Messages, bool Stream, IReadOnlyList<string> Stop, bool IncludeUsage, bool ContinuousUsage, int? ThinkingTokenBudget, bool EnableThinking,
    bool IncludeReasoning, bool AddGenerationPrompt, bool ContinueFinalMessage, string Prompt, int PromptTokens, int MaxTokens)
{
    // Features that vLLM has and the simulator doesn't. Ignoring them would leave out silently what the client asked for.
    private static readonly string[] NotSimulated = ["prompt_logprobs", "structured_outputs", "use_beam_search", "return_token_ids", "echo"];

    /// <exception cref="RequestRejectedException">vLLM would refuse it, or the simulator doesn't support it.</exception>
    public static ChatRequest Read(RequestFields body, ModelSimOptions options)
    {
        CheckCombinations(body);
        // In the order in which pydantic checks them.
        var messages = RequestMessages.Read(body, options.Model);
        body.Require("messages");
        var model = body.Text("model");
        var frequencyPenalty = body.Real("frequency_penalty");
        var logprobs = body.Flag("logprobs");
        var (maxTokens, n) = (body.Whole("max_tokens"), body.Whole("n"));
        var maxCompletionTokens = body.Whole("max_completion_tokens");
        var presencePenalty = body.Real("presence_penalty");
        body.Whole("seed");
        var stop = ReadStop(body);
        var stream = body.Flag("stream") ?? false;
        var streamOptions = body.Object("stream_options");
        var (includeUsage, continuousUsage) = (streamOptions?.Flag("include_usage") ?? false, streamOptions?.Flag("continuous_usage_stats") ?? false);
        var (temperature, topP) = (body.Real("temperature"), body.Real("top_p"));
        var effort = body.Choice("reasoning_effort", "none", "minimal", "low", "medium", "high", "xhigh", "max");
        var thinkingTokenBudget = body.Whole("thinking_token_budget");
        var includeReasoning = body.Flag("include_reasoning") ?? true;
        var (topK, minP, repetitionPenalty) = (body.Whole("top_k"), body.Real("min_p"), body.Real("repetition_penalty"));
        var addGenerationPrompt = body.Flag("add_generation_prompt") ?? true;
        var continueFinalMessage = body.Flag("continue_final_message") ?? false;
        var enableThinking = body.Object("chat_template_kwargs")?.Flag("enable_thinking") ?? effort != "none";
        body.ThrowIfWrong();

        if (model is not null && model != options.Model)
            throw Rejected(VllmError.UnknownModel(model, options.Model));
        CheckFeatures(body, logprobs, n);
        // The Rust front end lets continue_final_message win, and cuts a limit to the window.
        var lenient = options.FrontEnd == FrontEnd.Rust;
        addGenerationPrompt &= !(lenient && continueFinalMessage);
        var prompt = Render(messages!, addGenerationPrompt, continueFinalMessage, enableThinking);
        var limit = lenient && (maxCompletionTokens ?? maxTokens) > options.ContextWindow ? options.ContextWindow : maxCompletionTokens ?? maxTokens;
        var promptTokens = CheckLength(prompt, limit, maxCompletionTokens is null ? "max_tokens" : "max_completion_tokens", options.ContextWindow);
        CheckRange("presence_penalty", presencePenalty, value => value is >= -2 and <= 2, "must be in [-2, 2]");
        CheckRange("frequency_penalty", frequencyPenalty, value => value is >= -2 and <= 2, "must be in [-2, 2]");
        CheckRange("repetition_penalty", repetitionPenalty, value => value > 0, "must be greater than zero");
        CheckRange("temperature", temperature, value => value >= 0, "must be non-negative", named: true);
        CheckRange("top_p", topP, value => value is > 0 and <= 1, "must be in (0, 1]", named: true);
        if (topK < -1)
            throw Rejected(VllmError.Invalid($"top_k must be 0 (disable), or at least 1, got {topK}."));
        CheckRange("min_p", minP, value => value is >= 0 and <= 1, "must be in [0, 1]");
        return new(
            messages!, stream, stop, includeUsage, includeUsage && continuousUsage, thinkingTokenBudget, enableThinking, includeReasoning, addGenerationPrompt,
            continueFinalMessage, prompt, promptTokens, Math.Min(limit ?? int.MaxValue, options.ContextWindow - promptTokens));
    }

    /// <summary>The prompt that vLLM's tokenizer would make of the messages.</summary>
    /// <exception cref="RequestRejectedException">There is no message, or the two flags exclude each other.</exception>
    public static string Render(IReadOnlyList<Message> messages, bool addGenerationPrompt, bool continueFinalMessage, bool enableThinking)
    {
        if (messages.Count == 0)
            throw Rejected(VllmError.EmptyConversation);
        // Left out, add_generation_prompt is true: vLLM accepts that, and transformers' apply_chat_template refuses it.
        if (continueFinalMessage && addGenerationPrompt)
            throw Rejected(VllmError.Invalid("continue_final_message and add_generation_prompt are not compatible. Use continue_final_message when you want the model to continue the final message, and add_generation_prompt when you want to add a header that will prompt it to start a new assistant message instead."));
        return ChatTemplate.Render(messages, addGenerationPrompt, continueFinalMessage, enableThinking);
    }

    /// <summary>What vLLM checks before any field's type.</summary>
    private static void CheckCombinations(RequestFields body)
    {
        if (body.Field("stream_options") is not null && !body.IsTrue("stream"))
            throw Rejected(VllmError.Invalid("Stream options can only be defined when `stream=True`.", "stream_options") with { RustMessage = "__all__: stream_options can only be used when stream is true" });
        if (body.IsTrue("continue_final_message") && body.IsTrue("add_generation_prompt"))
            throw Rejected(VllmError.Invalid("Cannot set both `continue_final_message` and `add_generation_prompt` to True."));
        if (body.Field("cache_salt") is { } salt && (salt.ValueKind != JsonValueKind.String || salt.ValueEquals("")))
            throw Rejected(VllmError.Invalid("Parameter 'cache_salt' must be a non-empty string if provided.", "cache_salt"));
    }

    private static void CheckFeatures(RequestFields body, bool? logprobs, int? n)
    {
        var withoutTools = body.Field("tool_choice") is { ValueKind: JsonValueKind.String } choice && choice.ValueEquals("none");
        if (body.Field("tools") is { ValueKind: JsonValueKind.Array } tools && tools.GetArrayLength() > 0 && !withoutTools)
            throw Rejected(VllmError.NoToolParser);
        if (n is not (null or 1))
            throw Rejected(VllmError.NotSimulated("n other than 1"));
        if (logprobs == true)
            throw Rejected(VllmError.NotSimulated("logprobs"));
        if (body.Field("response_format") is { ValueKind: JsonValueKind.Object } format && !(format.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String && type.ValueEquals("text")))
            throw Rejected(VllmError.NotSimulated("response_format"));
        foreach (var field in NotSimulated)
            if (body.Field(field) is { ValueKind: not JsonValueKind.False })
                throw Rejected(VllmError.NotSimulated(field));
    }

    private static IReadOnlyList<string> ReadStop(RequestFields body) => body.Field("stop") switch
    {
        { ValueKind: JsonValueKind.Array } list => [.. list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!)],
        { ValueKind: JsonValueKind.String } text => [text.GetString()!],
        _ => [],
    };

    private static int CheckLength(string prompt, int? maxTokens, string maxTokensName, int window)
    {
        if (maxTokens > window)
            throw Rejected(VllmError.TooManyOutputTokens(maxTokensName, maxTokens.Value, window));
        var promptTokens = Tokenizer.Count(prompt);
        if (promptTokens >= window)
            throw Rejected(VllmError.Overflow(window, promptTokens));
        if (maxTokens < 1)
            throw Rejected(VllmError.TooFewOutputTokens(maxTokens.Value));
        return promptTokens;
    }

    /// <param name="name">The parameter.</param>
    /// <param name="value">Its value, or null.</param>
    /// <param name="isRight">Whether the value is allowed.</param>
    /// <param name="rule">The rule, as a sentence about the parameter.</param>
    /// <param name="named">Whether the error repeats the parameter, as some of vLLM's do.</param>
    private static void CheckRange(string name, double? value, Func<double, bool> isRight, string rule, bool named = false)
    {
        if (value is not { } number || isRight(number))
            return;
        var printed = number.ToString(double.IsInteger(number) ? "0.0" : "R", CultureInfo.InvariantCulture);
        var message = $"{name} {rule}, got {printed}.";
        throw Rejected(named ? VllmError.Invalid(message, name, printed) : VllmError.Invalid(message));
    }

    private static RequestRejectedException Rejected(VllmError error) => new(error);
}
