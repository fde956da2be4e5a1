using System.Buffers;

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

    public override void Begin(Usage usage)
    {
        HalfAChunk();
        Text("{\"index\":0,\"delta\":{\"role\":"u8, Head.Role);
        Output.Write("}}]}\n\n"u8);
    }

    public override void Delta(ReadOnlySpan<char> text, bool thinking, Usage usage)
    {
        if (text.IsEmpty || (thinking && !Head.Request.IncludeReasoning))
            return;
        HalfAChunk();
        Output.Write("{\"index\":0,\"delta\":{"u8);
        if (thinking && Head.SeparatesReasoning)
            Reasoning(text);
        else
            Text("\"content\":"u8, text);
        Output.Write("}}]}\n\n"u8);
    }

    public override void Finish(ReadOnlySpan<char> text, ReadOnlySpan<char> half, bool thinking, string reason, string? stopText, Usage usage)
    {
        Delta([.. text, .. half], thinking, usage);
        HalfAChunk();
        Text("{\"index\":0,\"delta\":{},\"finish_reason\":"u8, reason);
        if (stopText is not null)
            Text(",\"stop_reason\":"u8, stopText);
        Output.Write("}]}\n\n"u8);
    }

    public override void End(Usage usage, RequestTimes times)
    {
        if (Head.Request.IncludeUsage)
        {
            HalfAChunk();
            Number("],\"usage\":{\"prompt_tokens\":"u8, usage.PromptTokens);
            Number(",\"total_tokens\":"u8, usage.PromptTokens + usage.CompletionTokens);
            Number(",\"completion_tokens\":"u8, usage.CompletionTokens);
            Number(",\"prompt_tokens_details\":null,\"completion_tokens_details\":{\"reasoning_tokens\":"u8, usage.ReasoningTokens);
            Output.Write("}}}\n\n"u8);
        }
        Done();
    }
}
