using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace Llasta.ModelSim.Protocol;

/// <summary>What both front ends' streams have in common. The common beginning of a stream's chunks is encoded once.</summary>
internal abstract class ChunkStream(HttpResponse response, CompletionHead head) : CompletionWriter(response, head)
{
    private readonly PipeWriter _output = response.BodyWriter;
    private byte[]? _beginning;

    public override void Fail(VllmError error)
    {
        Write($"data: {error.ToEvent(Head.Options.FrontEnd)}\n\n");
        Done();
    }

    public override void Raw(ReadOnlySpan<byte> bytes) => _output.Write(bytes);

    public override void HalfAChunk() => _output.Write(_beginning ??= Encoding.UTF8.GetBytes($"data: {Beginning("chat.completion.chunk")}"));

    public override Task FlushAsync() => _output.FlushAsync().AsTask();

    /// <summary>An event, from its choices on.</summary>
    protected void Chunk(string rest)
    {
        HalfAChunk();
        Write(rest);
        Raw("\n\n"u8);
    }

    protected void Done() => Raw("data: [DONE]\n\n"u8);

    /// <summary>The member of a delta that carries the text.</summary>
    protected string Member(ReadOnlySpan<char> text, bool thinking)
    {
        var json = JsonText.Quoted(text);
        return thinking && Head.Options.HasReasoningParser ? Reasoning(json) : $"\"content\":{json}";
    }

    private void Write(string text) => Encoding.UTF8.GetBytes(text, _output);
}
