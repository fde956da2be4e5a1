namespace Llasta.ModelSim.Protocol;

/// <summary>
/// Writes a stream's events as vLLM's Rust front end does (<c>VLLM_USE_RUST_FRONTEND=1</c>): no nulls, no chunk without text,
/// an empty last delta, and U+FFFD for half a character at the limit.
/// </summary>
internal sealed class RustStream(HttpResponse response, CompletionHead head) : ChunkStream(response, head)
{
    public override Task StartAsync()
    {
        Response.ContentType = "text/event-stream";
        Response.Headers.CacheControl = "no-cache";
        return FlushAsync();
    }

    public override void Begin(Usage usage) => Chunk($$$"""{"index":0,"delta":{"role":{{{Role}}}}}]}""");

    public override void Delta(ReadOnlySpan<char> text, bool thinking, Usage usage)
    {
        if (!text.IsEmpty && (Head.Request.IncludeReasoning || !thinking))
            Chunk($$$"""{"index":0,"delta":{{{{Member(text, thinking)}}}}}]}""");
    }

    public override void Finish(ReadOnlySpan<char> text, ReadOnlySpan<char> half, bool thinking, string reason, string? stopText, Usage usage)
    {
        Delta([.. text, .. half], thinking, usage);
        var stop = stopText is null ? "" : $",\"stop_reason\":{JsonText.Quoted(stopText)}";
        Chunk($$"""{"index":0,"delta":{},"finish_reason":"{{reason}}"{{stop}}}]}""");
    }

    public override void End(Usage usage, RequestTimes times)
    {
        if (Head.Request.IncludeUsage)
            Chunk($"],{UsageMember(usage, $",\"prompt_tokens_details\":null,\"completion_tokens_details\":{ReasoningTokens(usage)}")}}}");
        Done();
    }
}
