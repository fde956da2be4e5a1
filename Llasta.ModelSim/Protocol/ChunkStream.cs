using System.Buffers;
using System.Globalization;
using System.Text;

namespace Llasta.ModelSim.Protocol;

/// <summary>What both front ends' streams have in common. The common beginning of a stream's chunks is encoded once.</summary>
internal abstract class ChunkStream(HttpResponse response, CompletionHead head) : CompletionWriter(response, head)
{
    private readonly byte[] _head = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
        $"data: {{\"id\":{JsonText.Quoted(head.Id)},\"object\":\"chat.completion.chunk\",\"created\":{head.Created},\"model\":{JsonText.Quoted(head.Options.Model)},\"choices\":["));

    public override void Fail(VllmError error)
    {
        Raw($"data: {error.ToEvent(Head.Options.FrontEnd)}\n\n");
        Done();
    }

    public override void KeepAlive() => Output.Write(": keep-alive\n\n"u8);

    public override void Invalid(ReadOnlySpan<byte> bytes) => Output.Write(bytes);

    public override void HalfAChunk() => Output.Write(_head);

    protected void Done() => Output.Write("data: [DONE]\n\n"u8);

    protected void Raw(string text) => Encoding.UTF8.GetBytes(text, Output);

    /// <summary>A member: the name with its quotes and colon, after any punctuation, then a JSON string.</summary>
    protected void Text(ReadOnlySpan<byte> name, ReadOnlySpan<char> text)
    {
        Output.Write(name);
        Output.Write("\""u8);
        JsonText.Escape(Output, text);
        Output.Write("\""u8);
    }

    protected void Number(ReadOnlySpan<byte> name, int value)
    {
        Output.Write(name);
        value.TryFormat(Output.GetSpan(11), out var written, provider: CultureInfo.InvariantCulture);
        Output.Advance(written);
    }

    /// <summary>The members that name the thinking, with their text, without the braces.</summary>
    protected void Reasoning(ReadOnlySpan<char> text)
    {
        if (Head.Options.ReasoningField != ReasoningField.ReasoningContent)
            Text("\"reasoning\":"u8, text);
        if (Head.Options.ReasoningField == ReasoningField.Both)
            Output.Write(","u8);
        if (Head.Options.ReasoningField != ReasoningField.Reasoning)
            Text("\"reasoning_content\":"u8, text);
    }
}
