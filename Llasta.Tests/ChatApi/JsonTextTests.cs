using System.Buffers;
using System.Text;
using System.Text.Json;
using Llasta.ChatApi;
using Llasta.ChatApi.Contract;
using Llasta.ChatApi.Upstream;
using Llasta.Streaming;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>Texts of requests, which are neither decoded nor copied, wherever a body's pieces end.</summary>
public class JsonTextTests
{
    public static TheoryData<string> Texts => new("", "x", "Hello", "Grüße, 漢字, 🦙!", """\n\t\"\\\/\b\f\r""", """é\u00e9é""", """\ud83e\udd99 and \ud83E\uDD99""", """\\ud800""", """\\\ud83e\udd99""", "\u007f\u0080\u07ff\u0800\ufffd\uffff");

    [Theory]
    [MemberData(nameof(Texts))]
    public void A_text_stays_as_it_was_written_wherever_its_pieces_end(string raw)
    {
        var expected = JsonSerializer.Deserialize<string>($"\"{raw}\"");
        foreach (var body in Splits(Encoding.UTF8.GetBytes($$"""{"messages":[{"role":"user","content":"{{raw}}"}]}""")))
        {
            var content = Read(body)!.Messages![0].Content!;
            Assert.Equal(raw, Encoding.UTF8.GetString(content.Raw));
            Assert.Equal(expected, content.ToString());
            Assert.Equal(expected!.Length == 0, content.IsEmpty);
        }
    }

    [Theory]
    [InlineData("\"\\ud800\"")]
    [InlineData("\"\\udd99\"")]
    [InlineData("\"\\ud83e \\udd99\"")]
    [InlineData("\"\\ud83e\\ud83e\"")]
    [InlineData("\"\\ud83e\\n\"")]
    [InlineData("\"\\ud83e\\\\udd99\"")]
    [InlineData("\"\\udd99\\ud83e\"")]
    [InlineData("\"\u00ff\"")]
    [InlineData("\"\u00c3\"")]
    [InlineData("\"\u00c3x\"")]
    [InlineData("\"\u00a9\"")]
    [InlineData("\"\u00c0\u0080\"")]
    [InlineData("\"\u00ed\u00a0\u0080\"")]
    [InlineData("\"\u00f0\u009f\u00a6\"")]
    [InlineData("\"\u00f4\u0090\u0080\u0080\"")]
    [InlineData("1")]
    [InlineData("[]")]
    [InlineData("true")]
    public void What_is_not_a_text_is_refused_wherever_its_pieces_end(string latin1)
    {
        foreach (var body in Splits(Encoding.Latin1.GetBytes($$"""{"messages":[{"role":"user","content":{{latin1}}}]}""")))
            Assert.Equal("$.messages[0].content", Assert.Throws<JsonException>(() => Read(body)).Path);
    }

    [Theory]
    [InlineData("</think>", true)]
    [InlineData("a</think>b", true)]
    [InlineData("""a\n<\/think>b""", true)]
    [InlineData("""\u003c/think\u003E""", true)]
    [InlineData("""</\u0074hin\u006b>""", true)]
    [InlineData("think", false)]
    [InlineData("<think>", false)]
    [InlineData("""<\\/think>""", false)]
    [InlineData("", false)]
    public void A_tag_is_found_however_it_is_written(string raw, bool contains)
    {
        foreach (var body in Splits(Encoding.UTF8.GetBytes($$"""{"messages":[{"role":"assistant","content":"{{raw}}"}]}""")))
            Assert.Equal(contains, Read(body)!.Messages![0].Content!.HasThinkEnd);
    }

    [Fact]
    public void A_long_text_is_sent_on_without_a_copy()
    {
        const int Length = 4 << 20;
        var body = Encoding.UTF8.GetBytes($$"""{"messages":[{"role":"user","content":"{{new string('x', Length)}}"}]}""");
        var pieces = ByteSequence.Of(body.Chunk(64 << 10).Select(piece => (ReadOnlyMemory<byte>)piece));
        var model = new ModelInfo("m", null, ServerKind.Vllm);
        Send(ByteSequence.Of([body.AsMemory(0, 40), Encoding.UTF8.GetBytes("\"}]}")]));

        var before = GC.GetAllocatedBytesForCurrentThread();
        var sent = Send(pieces);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.InRange(sent, Length, Length + 1000);
        Assert.InRange(allocated, 0, Length / 50);

        long Send(ReadOnlySequence<byte> bytes)
        {
            using var request = UpstreamRequest.ForChat(Read(bytes)!, TurnMode.Answer, model, new SamplingOptions(), OptionalFields.None);
            Assert.True(request.TryComputeLength(out var length));
            return length;
        }
    }

    private static ChatRequest? Read(ReadOnlySequence<byte> body)
    {
        if (body.IsSingleSegment)
            return JsonSerializer.Deserialize(body.FirstSpan, ContractJson.Default.ChatRequest);
        var json = new Utf8JsonReader(body);
        return JsonSerializer.Deserialize(ref json, ContractJson.Default.ChatRequest);
    }

    /// <summary>A body whole, in two pieces at every place, and in pieces of one to three bytes.</summary>
    private static IEnumerable<ReadOnlySequence<byte>> Splits(byte[] body)
    {
        yield return new(body);
        for (var at = 1; at < body.Length; at++)
            yield return ByteSequence.Of([body.AsMemory(0, at), body.AsMemory(at)]);
        for (var size = 1; size <= 3; size++)
            yield return ByteSequence.Of(body.Chunk(size).Select(piece => (ReadOnlyMemory<byte>)piece));
    }
}
