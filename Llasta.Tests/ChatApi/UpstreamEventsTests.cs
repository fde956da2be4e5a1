using System.Net.ServerSentEvents;
using System.Text;
using Llasta.ChatApi.Completions;
using Llasta.Streaming;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>The event stream of the model, and its chunks, read by hand.</summary>
public class UpstreamEventsTests
{
    [Theory]
    [InlineData("data: one\n\ndata: two\n\n")]
    [InlineData("data: one\r\n\r\ndata:two\r\n\r\n")]
    [InlineData(": a comment\n\nevent: x\nid: 1\ndata: one\n\n\n\nretry: 5\n\ndata: two\n\n")]
    [InlineData("data: first line\ndata: second line\ndata:\n\ndata: {}\n\n")]
    [InlineData("data: whole\n\ndata: cut short by the end\n")]
    [InlineData("data: ünïcödé 🦙\n\n")]
    public async Task Events_come_out_as_from_SseParser_wherever_the_stream_is_split(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var expected = new List<string>();
        await foreach (var item in SseParser.Create(new MemoryStream(bytes)).EnumerateAsync(Chatbot.Cancelled))
            expected.Add(item.Data);

        for (var split = 0; split <= bytes.Length; split++)
            Assert.Equal(expected, await ReadAsync(new Pieces(bytes[..split], bytes[split..])));
        Assert.Equal(expected, await ReadAsync(new Pieces([.. bytes.Select(b => new[] { b })])));
    }

    [Fact]
    public async Task An_event_that_is_longer_than_the_buffer_comes_whole()
    {
        var value = new string('x', 100_000);
        Assert.Equal([value, "next"], await ReadAsync(new Pieces(Encoding.UTF8.GetBytes($"data: {value}\n\ndata: next\n\n"))));
    }

    [Theory]
    [InlineData(" token", true)]
    [InlineData("ünïcödé 🦙", true)]
    [InlineData("", false)]
    [InlineData("a \\\"quoted\\\" word", false)]
    [InlineData("a line\\n", false)]
    [InlineData("\",\"more\":\"", false)]
    [InlineData("a raw \u0001 control", false)]
    public void Only_a_text_that_needs_no_parsing_matches_the_shape_of_a_chunk(string text, bool matches)
    {
        const string Before = """{"choices":[{"index":0,"delta":{"content":" """;
        const string After = """ "},"finish_reason":null}]}""";
        var shape = new ChunkShape();
        shape.Keep(Encoding.UTF8.GetBytes($"{Before.Trim()}first{After.Trim()}"), Before.Trim().Length, "first".Length, isReasoning: false);

        Assert.Equal(matches, shape.TryMatch(Encoding.UTF8.GetBytes($"{Before.Trim()}{text}{After.Trim()}"), out var found));
        if (matches)
            Assert.Equal(text, Encoding.UTF8.GetString(found));
        Assert.False(shape.TryMatch(Encoding.UTF8.GetBytes($"{Before.Trim()}{text}\"}},\"finish_reason\":\"stop\"}}]}}"), out _));
    }

    private static async Task<List<string>> ReadAsync(Stream upstream)
    {
        var output = new ResponseWriter(new DefaultHttpContext().Response);
        using var lease = new StreamLease(output, TimeProvider.System, arrivedAt: 0, CancellationToken.None, CancellationToken.None);
        var pump = new StreamPump(upstream, output, lease);
        var read = new List<string>();
        while (await pump.FlushAndReadAsync())
        {
            while (pump.TryReadEvent(out var data))
                read.Add(Encoding.UTF8.GetString(data));
        }

        return read;
    }

    /// <summary>A stream that gives one piece per read, as a network may.</summary>
    private sealed class Pieces(params byte[][] pieces) : MemoryStream
    {
        private readonly Queue<byte[]> _pieces = new(pieces.Where(piece => piece.Length > 0));
        private ReadOnlyMemory<byte> _current;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_current.IsEmpty && _pieces.TryDequeue(out var next))
                _current = next;
            var length = Math.Min(buffer.Length, _current.Length);
            _current[..length].CopyTo(buffer);
            _current = _current[length..];
            return ValueTask.FromResult(length);
        }
    }
}
