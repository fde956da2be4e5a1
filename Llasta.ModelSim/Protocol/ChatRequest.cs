using System.Globalization;
using System.Text.Json;
using Llasta.ModelSim.Prompts;

namespace Llasta.ModelSim.Protocol;

/// <summary>
/// A chat completion request that vLLM would accept (<c>vllm/entrypoints/openai/chat_completion/protocol.py</c>,
/// <c>vllm/sampling_params.py</c>, <c>vllm/renderers/params.py</c>). Fields it doesn't know it ignores, as vLLM does.
/// </summary>
internal sealed record ChatRequest
{
    /// <summary>The longest token of the tokenizer in characters, which vLLM multiplies for its check before tokenizing.</summary>
    private const int MaxCharactersPerToken = 128;

    public required IReadOnlyList<Message> Messages { get; init; }

    public required bool Stream { get; init; }

    public required bool IncludeUsage { get; init; }

    /// <summary>Usage on every chunk, not only on the last.</summary>
    public required bool ContinuousUsage { get; init; }

    public required bool EnableThinking { get; init; }

    public required bool AddGenerationPrompt { get; init; }

    /// <summary>The last message is open-ended: the answer goes on from it.</summary>
    public required bool ContinueFinalMessage { get; init; }

    /// <summary>The most tokens of thinking, or null.</summary>
    public required int? ThinkingTokenBudget { get; init; }

    public required int PromptTokens { get; init; }

    /// <summary>The rendered prompt.</summary>
    public required string Prompt { get; init; }

    /// <summary>The most tokens of thinking and answer: what was asked for, or what the window leaves.</summary>
    public required int MaxTokens { get; init; }

    /// <exception cref="RequestRejectedException">vLLM would refuse it.</exception>
    public static ChatRequest Read(JsonElement body, ModelSimOptions options)
    {
        var list = body.List("messages") ?? throw RequestBody.Missing(body, "", "messages");
        var messages = RequestMessages.ReadList(list);
        var stream = body.Flag("stream") ?? false;
        var streamOptions = body.Dictionary("stream_options");
        var (maxTokens, maxTokensName) = body.Whole("max_completion_tokens") is { } preferred
            ? (preferred, "max_completion_tokens")
            : (body.Whole("max_tokens"), "max_tokens");
        var model = body.Text("model");
        var addGenerationPrompt = body.Flag("add_generation_prompt") ?? true;
        var continueFinalMessage = body.Flag("continue_final_message") ?? false;
        var enableThinking = body.Dictionary("chat_template_kwargs")?.Flag("enable_thinking", "'chat_template_kwargs', ") ?? true;

        if (streamOptions is not null && !stream)
            throw Rejected(VllmError.Invalid("Stream options can only be defined when `stream=True`.", "stream_options"));
        if (continueFinalMessage && body.Flag("add_generation_prompt") == true)
            throw Rejected(VllmError.Invalid("Cannot set both `continue_final_message` and `add_generation_prompt` to True."));
        if (model is not null && model != options.Model)
            throw Rejected(VllmError.UnknownModel(model));
        // Left out, add_generation_prompt is true: the check above passes, and transformers' apply_chat_template refuses.
        if (continueFinalMessage && addGenerationPrompt)
            throw Rejected(VllmError.Invalid("continue_final_message and add_generation_prompt are not compatible. Use continue_final_message when you want the model to continue the final message, and add_generation_prompt when you want to add a header that will prompt it to start a new assistant message instead."));
        if (messages.Count == 0)
            throw Rejected(VllmError.Invalid("list object has no element 0"));

        var prompt = ChatTemplate.Render(messages, addGenerationPrompt, continueFinalMessage, enableThinking);
        var promptTokens = CheckLength(prompt, maxTokens, maxTokensName, options.ContextWindow);
        CheckSampling(body);
        return new()
        {
            Messages = messages,
            Stream = stream,
            IncludeUsage = streamOptions?.Flag("include_usage", "'stream_options', ") ?? false,
            ContinuousUsage = streamOptions is { } asked && (asked.Flag("include_usage") ?? false) && (asked.Flag("continuous_usage_stats") ?? false),
            EnableThinking = enableThinking,
            AddGenerationPrompt = addGenerationPrompt,
            ContinueFinalMessage = continueFinalMessage,
            ThinkingTokenBudget = body.Whole("thinking_token_budget"),
            Prompt = prompt,
            PromptTokens = promptTokens,
            MaxTokens = Math.Min(maxTokens ?? int.MaxValue, options.ContextWindow - promptTokens),
        };
    }

    private static int CheckLength(string prompt, int? maxTokens, string maxTokensName, int window)
    {
        var outputTokens = maxTokens ?? 0;
        if (outputTokens > window)
            throw Rejected(VllmError.TooManyOutputTokens(maxTokensName, outputTokens, window));
        var mostInput = window - outputTokens;
        if (prompt.Length > (long)mostInput * MaxCharactersPerToken)
            throw Rejected(VllmError.OverflowByLength(window, outputTokens, prompt.Length, (long)mostInput * MaxCharactersPerToken));
        var promptTokens = Tokenizer.Count(prompt);
        if (promptTokens > mostInput)
            throw Rejected(VllmError.Overflow(window, outputTokens));
        if (maxTokens < 1 || promptTokens == window)
            throw Rejected(VllmError.Invalid(string.Create(CultureInfo.InvariantCulture, $"max_tokens must be at least 1, got {outputTokens}."), "max_tokens", outputTokens));
        return promptTokens;
    }

    private static void CheckSampling(JsonElement body)
    {
        if (body.Real("temperature") is < 0 and var temperature)
            throw Rejected(Sampling("temperature", "temperature must be non-negative", temperature));
        if (body.Real("top_p") is <= 0 or > 1)
            throw Rejected(Sampling("top_p", "top_p must be in (0, 1]", body.Real("top_p")!.Value));
    }

    private static VllmError Sampling(string param, string rule, double value)
    {
        var printed = value.ToString(double.IsInteger(value) ? "0.0" : "R", CultureInfo.InvariantCulture);
        return new(400, "BadRequestError", $"{rule}, got {printed}. (parameter={param}, value={printed})", param);
    }

    private static RequestRejectedException Rejected(VllmError error) => new(error);
}
