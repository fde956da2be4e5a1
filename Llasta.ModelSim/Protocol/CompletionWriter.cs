namespace Llasta.ModelSim.Protocol;

/// <summary>The tokens of a request; the thinking's are among the completion's.</summary>
/// <param name="PromptTokens">The rendered prompt's tokens.</param>
/// <param name="CompletionTokens">The generated tokens so far.</param>
/// <param name="ReasoningTokens">The thinking's tokens so far.</param>
/// <param name="CachedTokens">The prompt's tokens that the prefix cache held.</param>
/// <param name="CreatedCacheTokens">The prompt's tokens that were added to it.</param>
internal readonly record struct Usage(int PromptTokens, int CompletionTokens, int ReasoningTokens, int CachedTokens, int CreatedCacheTokens);

/// <summary>The times of a request, for <c>--enable-per-request-metrics</c>.</summary>
internal readonly record struct RequestTimes(TimeSpan Queue, TimeSpan FirstToken, TimeSpan Generation);

/// <summary>What a completion says about itself, and the request that it answers.</summary>
/// <param name="Id">Such as <c>chatcmpl-…</c>.</param>
/// <param name="Created">Unix seconds.</param>
/// <param name="Request">The request.</param>
/// <param name="Options">The settings for the request.</param>
internal sealed record CompletionHead(string Id, long Created, ChatRequest Request, ModelSimOptions Options);

/// <summary>Writes a completion to a response as it is generated: as a stream of chunks, or as one document at its end.</summary>
internal abstract class CompletionWriter(HttpResponse response, CompletionHead head)
{
    /// <summary>vLLM's name for its build, as JSON.</summary>
    protected const string Fingerprint = "\"vllm-0.32.0-llasta-modelsim\"";

    protected HttpResponse Response { get; } = response;

    protected CompletionHead Head { get; } = head;

    /// <summary>The role of the answer, as JSON (<c>get_chat_request_role</c> in vLLM's serving.py).</summary>
    protected string Role => JsonText.Quoted(Head.Request.AddGenerationPrompt ? "assistant" : Head.Request.Messages[^1].Role);

    public static CompletionWriter For(HttpResponse response, CompletionHead head) =>
        !head.Request.Stream ? new WholeCompletion(response, head)
        : head.Options.FrontEnd == FrontEnd.Rust ? new RustStream(response, head)
        : new PythonStream(response, head);

    /// <summary>Sends the headers of a stream, before the request queues. A document's are sent with it.</summary>
    public virtual Task StartAsync() => Task.CompletedTask;

    /// <summary>The first token has been generated. A document says nothing of it.</summary>
    public virtual void Begin(Usage usage)
    {
    }

    /// <summary>More text of the thinking or the answer; empty where tokens end in the middle of a character.</summary>
    public abstract void Delta(ReadOnlySpan<char> text, bool thinking, Usage usage);

    /// <summary>The last text and the reason for the end.</summary>
    /// <param name="text">It may be empty.</param>
    /// <param name="half">The beginning of a character that the limit cut; usually empty.</param>
    /// <param name="thinking">Whether the text is thinking.</param>
    /// <param name="reason">The finish reason.</param>
    /// <param name="stopText">The stop string that ended the answer, or null.</param>
    /// <param name="usage">All tokens.</param>
    public abstract void Finish(ReadOnlySpan<char> text, ReadOnlySpan<char> half, bool thinking, string reason, string? stopText, Usage usage);

    /// <summary>Everything after the finish reason.</summary>
    public abstract void End(Usage usage, RequestTimes times);

    /// <summary>Ends the completion with an error.</summary>
    public abstract void Fail(VllmError error);

    /// <summary>Bytes between or in place of chunks: a comment, or a fault. A document has none.</summary>
    public virtual void Raw(ReadOnlySpan<byte> bytes)
    {
    }

    /// <summary>A fault: the beginning of a chunk. A document has none.</summary>
    public virtual void HalfAChunk()
    {
    }

    /// <summary>Sends what was written.</summary>
    public abstract Task FlushAsync();

    /// <summary>The members up to the choices.</summary>
    protected string Beginning(string type) =>
        $$"""{"id":{{JsonText.Quoted(Head.Id)}},"object":"{{type}}","created":{{Head.Created}},"model":{{JsonText.Quoted(Head.Options.Model)}},"choices":[""";

    /// <summary>The members that carry the thinking, under the names that vLLM's version has for it.</summary>
    /// <param name="json">A JSON string, or null.</param>
    protected string Reasoning(string json) => Head.Options.ReasoningField switch
    {
        ReasoningField.ReasoningContent => $"\"reasoning_content\":{json}",
        ReasoningField.Both => $"\"reasoning\":{json},\"reasoning_content\":{json}",
        _ => $"\"reasoning\":{json}",
    };

    /// <summary>The member <c>usage</c>, with the details that are given.</summary>
    protected static string UsageMember(Usage usage, string details) =>
        $"\"usage\":{{\"prompt_tokens\":{usage.PromptTokens},\"total_tokens\":{usage.PromptTokens + usage.CompletionTokens},\"completion_tokens\":{usage.CompletionTokens}{details}}}";

    protected static string ReasoningTokens(Usage usage) => $$"""{"reasoning_tokens":{{usage.ReasoningTokens}}}""";

    /// <summary>The members of <c>metrics</c>.</summary>
    protected static string Metrics(Usage usage, RequestTimes times)
    {
        var (first, generation) = (times.FirstToken.TotalMilliseconds, times.Generation.TotalMilliseconds);
        return $"\"time_to_first_token_ms\":{first},\"generation_time_ms\":{generation},\"queue_time_ms\":{times.Queue.TotalMilliseconds}"
            + $",\"mean_itl_ms\":{generation / Math.Max(1, usage.CompletionTokens - 1)},\"tokens_per_second\":{1000 * usage.CompletionTokens / Math.Max(1e-3, first + generation)}";
    }
}
