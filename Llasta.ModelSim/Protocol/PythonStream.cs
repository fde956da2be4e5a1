using System.Buffers;

namespace Llasta.ModelSim.Protocol;

/// <summary>
/// Writes a stream's events byte for byte as <c>vllm/entrypoints/openai/chat_completion/serving.py</c> does: explicit nulls,
/// pydantic's order of members, text as plain UTF-8.
/// </summary>
internal sealed class PythonStream(HttpResponse response, CompletionHead head) : ChunkStream(response, head)
{
    public override Task StartAsync()
    {
        Response.ContentType = "text/event-stream; charset=utf-8";
        return FlushAsync();
    }

    public override void Begin(Usage usage)
    {
        HalfAChunk();
        Text("{\"index\":0,\"delta\":{\"role\":"u8, Head.Role);
        Output.Write(",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]"u8);
        ContinuousUsage(usage);
        Output.Write(",\"prompt_token_ids\":null,\"prompt_text\":null}\n\n"u8);
    }

    public override void Delta(ReadOnlySpan<char> text, bool thinking, Usage usage)
    {
        // include_reasoning: false leaves out the thinking, and whatever else has no text.
        if (!Head.Request.IncludeReasoning && (thinking || text.IsEmpty))
            return;
        HalfAChunk();
        Output.Write("{\"index\":0,\"delta\":"u8);
        DeltaObject(text, thinking);
        Output.Write(",\"logprobs\":null,\"finish_reason\":null,\"token_ids\":null}]"u8);
        ContinuousUsage(usage);
        Output.Write("}\n\n"u8);
    }

    public override void Finish(ReadOnlySpan<char> text, ReadOnlySpan<char> half, bool thinking, string reason, string? stopText, Usage usage)
    {
        HalfAChunk();
        Output.Write("{\"index\":0,\"delta\":"u8);
        DeltaObject(text, thinking);
        Text(",\"logprobs\":null,\"finish_reason\":"u8, reason);
        if (stopText is null)
            Output.Write(",\"stop_reason\":null"u8);
        else
            Text(",\"stop_reason\":"u8, stopText);
        Output.Write(",\"token_ids\":null}]"u8);
        ContinuousUsage(usage);
        // The fingerprint is in the last chunk, whichever that is.
        if (!Head.Request.IncludeUsage)
            Text(",\"system_fingerprint\":"u8, Fingerprint);
        Output.Write("}\n\n"u8);
    }

    public override void End(Usage usage, RequestTimes times)
    {
        if (Head.Request.IncludeUsage)
        {
            HalfAChunk();
            Output.Write("]"u8);
            UsageMember(usage);
            Text(",\"system_fingerprint\":"u8, Fingerprint);
            if (Head.Options.RequestMetrics)
                Raw($",\"metrics\":{{{Metrics(usage, times)}}}");
            Output.Write("}\n\n"u8);
        }
        Done();
    }

    private void DeltaObject(ReadOnlySpan<char> text, bool thinking)
    {
        Output.Write("{"u8);
        if (!Head.Request.IncludeReasoning)
        {
            if (!thinking && !text.IsEmpty)
            {
                Text("\"content\":"u8, text);
                Output.Write(",\"reasoning\":null"u8);
            }
        }
        else if (thinking && Head.SeparatesReasoning)
            Reasoning(text);
        else
            Text("\"content\":"u8, text);
        Output.Write("}"u8);
    }

    private void ContinuousUsage(Usage usage)
    {
        if (Head.Request.ContinuousUsage)
            UsageMember(usage);
    }

    private void UsageMember(Usage usage)
    {
        Number(",\"usage\":{\"prompt_tokens\":"u8, usage.PromptTokens);
        Number(",\"total_tokens\":"u8, usage.PromptTokens + usage.CompletionTokens);
        Number(",\"completion_tokens\":"u8, usage.CompletionTokens);
        if (Head.Options.PromptTokensDetails)
        {
            Number(",\"prompt_tokens_details\":{\"cached_tokens\":"u8, usage.CachedTokens);
            Number(",\"created_cache_tokens\":"u8, usage.CreatedCacheTokens);
            Output.Write("}"u8);
        }
        if (Head.SeparatesReasoning)
        {
            Number(",\"completion_tokens_details\":{\"reasoning_tokens\":"u8, usage.ReasoningTokens);
            Output.Write("}"u8);
        }
        Output.Write("}"u8);
    }
}
