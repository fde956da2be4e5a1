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

    public override void Begin(Usage usage) => Chunk(
        $$"""{"index":0,"delta":{"role":{{Role}},"content":""},"logprobs":null,"finish_reason":null}]{{ContinuousUsage(usage)}},"prompt_token_ids":null,"prompt_text":null}""");

    public override void Delta(ReadOnlySpan<char> text, bool thinking, Usage usage)
    {
        // include_reasoning: false leaves out the thinking, and whatever else has no text.
        if (Head.Request.IncludeReasoning || (!thinking && !text.IsEmpty))
            Chunk($$"""{"index":0,"delta":{{{Members(text, thinking)}}},"logprobs":null,"finish_reason":null,"token_ids":null}]{{ContinuousUsage(usage)}}}""");
    }

    public override void Finish(ReadOnlySpan<char> text, ReadOnlySpan<char> half, bool thinking, string reason, string? stopText, Usage usage)
    {
        // The fingerprint is in the last chunk, whichever that is.
        var end = Head.Request.IncludeUsage ? "" : $",\"system_fingerprint\":{Fingerprint}";
        Chunk($$"""{"index":0,"delta":{{{Members(text, thinking)}}},"logprobs":null,"finish_reason":"{{reason}}","stop_reason":{{JsonText.Quoted(stopText)}}"""
            + $",\"token_ids\":null}}]{ContinuousUsage(usage)}{end}}}");
    }

    public override void End(Usage usage, RequestTimes times)
    {
        if (Head.Request.IncludeUsage)
        {
            var metrics = Head.Options.RequestMetrics ? $",\"metrics\":{{{Metrics(usage, times)}}}" : "";
            Chunk($"],{UsageMember(usage)},\"system_fingerprint\":{Fingerprint}{metrics}}}");
        }
        Done();
    }

    private string Members(ReadOnlySpan<char> text, bool thinking) =>
        Head.Request.IncludeReasoning ? Member(text, thinking)
        : thinking || text.IsEmpty ? ""
        : $"{Member(text, thinking)},\"reasoning\":null";

    private string ContinuousUsage(Usage usage) => Head.Request.ContinuousUsage ? $",{UsageMember(usage)}" : "";

    private string UsageMember(Usage usage)
    {
        var cached = Head.Options.PromptTokensDetails ? $$""","prompt_tokens_details":{"cached_tokens":{{usage.CachedTokens}},"created_cache_tokens":{{usage.CreatedCacheTokens}}}""" : "";
        return UsageMember(usage, Head.Options.HasReasoningParser ? $"{cached},\"completion_tokens_details\":{ReasoningTokens(usage)}" : cached);
    }
}
