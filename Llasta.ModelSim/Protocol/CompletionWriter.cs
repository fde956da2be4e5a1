using System.IO.Pipelines;

namespace Llasta.ModelSim.Protocol;

/// <summary>The tokens of a request; the thinking's are among the completion's.</summary>
internal readonly record struct Usage(int PromptTokens, int CompletionTokens, int ReasoningTokens);

/// <summary>What identifies a completion: the same in every chunk.</summary>
/// <param name="Id">Such as <c>chatcmpl-…</c>.</param>
/// <param name="Created">Unix seconds.</param>
/// <param name="Model">The model's name.</param>
/// <param name="Role">The role of the answer.</param>
/// <param name="Field">The field of the thinking.</param>
internal sealed record CompletionHead(string Id, long Created, string Model, string Role, ReasoningField Field);

/// <summary>Writes a completion to a response as it is generated: as a stream of chunks, or as one document at its end.</summary>
internal abstract class CompletionWriter(HttpResponse response, CompletionHead head)
{
    /// <summary>vLLM's name for its build.</summary>
    protected const string Fingerprint = "vllm-0.28.0-llasta-modelsim";

    protected HttpResponse Response { get; } = response;

    protected CompletionHead Head { get; } = head;

    protected PipeWriter Output { get; } = response.BodyWriter;

    /// <summary>Sends what is known while the request queues.</summary>
    public abstract Task StartAsync();

    /// <summary>The first token is there.</summary>
    public abstract void Begin(Usage usage);

    /// <summary>More text of the thinking or the answer.</summary>
    public abstract void Delta(ReadOnlySpan<char> text, bool thinking, Usage usage);

    /// <summary>The last text, which may be empty, and the finish reason.</summary>
    public abstract void Finish(ReadOnlySpan<char> text, bool thinking, string reason, Usage usage);

    /// <summary>Everything after the finish reason.</summary>
    public abstract void End(Usage usage);

    /// <summary>Ends the completion with an error.</summary>
    public abstract void Fail(VllmError error);

    /// <summary>A fault: bytes that are no valid part of a stream. A document has none.</summary>
    public virtual void Invalid(ReadOnlySpan<byte> bytes)
    {
    }

    /// <summary>A fault: the beginning of a chunk. A document has none.</summary>
    public virtual void HalfAChunk()
    {
    }

    /// <summary>Sends what was written.</summary>
    public virtual Task FlushAsync() => Output.FlushAsync().AsTask();
}
