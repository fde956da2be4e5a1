namespace Llasta.ChatApi.Upstream;

/// <summary>Fields of a request that a server may refuse. Without them the turn still works, with less control.</summary>
[Flags]
internal enum OptionalFields
{
    None = 0,

    /// <summary><c>top_k</c></summary>
    TopK = 1 << 0,

    /// <summary><c>min_p</c></summary>
    MinP = 1 << 1,

    /// <summary><c>chat_template_kwargs</c>: vLLM's and llama.cpp's thinking switch.</summary>
    ChatTemplateKwargs = 1 << 2,

    /// <summary><c>continue_final_message</c> with <c>add_generation_prompt</c>: continues a partial answer.</summary>
    ContinueFinalMessage = 1 << 3,

    /// <summary><c>reasoning_effort: "none"</c>: Ollama's thinking switch.</summary>
    ReasoningEffort = 1 << 4,

    /// <summary><c>thinking_token_budget</c>: vLLM's limit of the thinking.</summary>
    ThinkingTokenBudget = 1 << 5,

    /// <summary><c>thinking_budget_tokens</c>: llama.cpp's.</summary>
    ThinkingBudgetTokens = 1 << 6,

    /// <summary><c>stream_options</c>: the token counts at the end.</summary>
    StreamOptions = 1 << 7,

    /// <summary><c>reasoning</c> and <c>reasoning_content</c> of a message.</summary>
    MessageReasoning = 1 << 8,

    /// <summary><c>max_tokens</c>; without it, <c>max_completion_tokens</c>.</summary>
    MaxTokens = 1 << 9,
}
