using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using Llasta.ChatApi;
using Llasta.ChatApi.Completions;
using Llasta.ChatApi.Upstream;
using Llasta.Streaming;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>The event stream of the model, read by hand.</summary>
public sealed class EventReaderTests
{
    [Theory]
    [InlineData("data: one\n\ndata: two\n\n")]
    [InlineData("data: one\r\n\r\ndata:two\r\n\r\n")]
    [InlineData("data: one\r\rdata: two\r\r")]
    [InlineData("\uFEFFdata: one\n\ndata: two\n\n")]
    [InlineData(": a comment\n\nevent: x\nid: 1\ndata: one\n\n\n\nretry: 5\n\ndata: two\n\n")]
    [InlineData("data: ünïcödé 🦙\n\n")]
    public async Task Events_of_one_line_are_read_as_by_SseParser_wherever_the_stream_is_split(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var expected = new List<string>();
        await foreach (var item in SseParser.Create(new MemoryStream(bytes)).EnumerateAsync(Chatbot.Cancelled))
            expected.Add($"Data {item.Data}");

        await ReadsAsync(bytes, expected);
    }

    [Theory]
    [InlineData("data: one\ndata: two\n\n", "Data one", "Data two")]
    [InlineData("data:\n\nevent: ping\ndata: \n\ndata: one\n\n", "Data one")]
    [InlineData("event: error\ndata: {\"message\":\"no\"}\n\ndata: one\n\n", "Error {\"message\":\"no\"}", "Data one")]
    [InlineData("event: Error\r\ndata: no\r\n\r\n", "Error no")]
    [InlineData("error: {\"code\":500}\n\ndata: [DONE]\n\n", "Error {\"code\":500}", "Data [DONE]")]
    [InlineData("data: whole\n\ndata: not ended", "Data whole", "Data not ended")]
    public async Task Events_of_other_forms_are_read_leniently_wherever_the_stream_is_split(string text, params string[] expected) =>
        await ReadsAsync(Encoding.UTF8.GetBytes(text), expected);

    [Fact]
    public async Task An_event_that_is_longer_than_the_buffer_is_read_whole()
    {
        var value = new string('x', 100_000);
        var read = await ReadAsync(new Pieces(Encoding.UTF8.GetBytes($"data: {value}\n\ndata: next\n\n")));

        Assert.Equal([$"Data {value}", "Data next"], read);
    }

    [Fact]
    public async Task A_value_with_so_many_lines_that_reading_it_again_with_each_takes_seconds_is_too_long()
    {
        var lines = Encoding.UTF8.GetBytes("data: [\n" + string.Concat(Enumerable.Repeat("data: 1,\n", 100_000)));

        await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync(new Pieces(lines), incomplete: true));
    }

    private static async Task ReadsAsync(byte[] bytes, IReadOnlyList<string> expected)
    {
        for (var split = 0; split <= bytes.Length; split++)
            Assert.Equal(expected, await ReadAsync(new Pieces(bytes[..split], bytes[split..])));
        Assert.Equal(expected, await ReadAsync(new Pieces([.. bytes.Select(b => new[] { b })])));
    }

    private static async Task<List<string>> ReadAsync(Stream upstream, bool incomplete = false)
    {
        var output = new ResponseWriter(new DefaultHttpContext().Response);
        using var lease = new StreamLease(output, TimeProvider.System, arrivedAt: 0, CancellationToken.None);
        var pump = new StreamPump(upstream, output, lease, initialBytes: 512);
        var reader = new EventReader(pump);
        var read = new List<string>();
        await pump.RunAsync(() =>
        {
            while (reader.TryRead(out var kind, out var data))
            {
                if (incomplete)
                    reader.Hold(data);
                else
                    read.Add($"{kind} {Encoding.UTF8.GetString(data)}");
            }

            return true;
        });

        if (reader.TryReadRest(out var last, out var rest))
            read.Add($"{last} {Encoding.UTF8.GetString(rest)}");
        return read;
    }

    /// <summary>A stream that gives one piece per read, as a network may.</summary>
    internal sealed class Pieces(params byte[][] pieces) : MemoryStream
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

/// <summary>The shortcut for events that differ only in their text.</summary>
public sealed class ChunkShapeTests
{
    private const string Before = "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"";
    private const string After = "\"},\"finish_reason\":null}]}";

    [Theory]
    [InlineData(" token", true)]
    [InlineData("ünïcödé 🦙", true)]
    [InlineData("", false)]
    [InlineData("a \\\"quoted\\\" word", false)]
    [InlineData("a line\\n", false)]
    [InlineData("\",\"more\":\"", false)]
    [InlineData("a raw \u0001 control", false)]
    public void Only_a_text_that_needs_no_parsing_matches_the_shape_of_an_event(string text, bool matches)
    {
        var shape = new ChunkShape();
        shape.Keep("data: "u8, Encoding.UTF8.GetBytes($"{Before}first{After}"), new TextPosition(Before.Length, "first".Length, IsReasoning: false), "\n\n"u8);
        var whole = Encoding.UTF8.GetBytes($"data: {Before}{text}{After}\n\n");

        Assert.Equal(matches, shape.TryMatch([.. whole, .. "data: next"u8], out var found, out var length));
        if (matches)
        {
            Assert.Equal(text, Encoding.UTF8.GetString(found));
            Assert.Equal(whole.Length, length);
        }

        Assert.False(shape.TryMatch(whole.AsSpan(..^1), out _, out _));
        Assert.False(shape.TryMatch(Encoding.UTF8.GetBytes($"data: {Before}{text}\"}},\"finish_reason\":\"stop\"}}]}}\n\n"), out _, out _));
    }

    [Theory]
    [InlineData("data: ", "\n\n")]
    [InlineData("data:", "\n\n")]
    [InlineData("data: ", "\r\n\r\n")]
    [InlineData("data:   ", " \n\n")]
    [InlineData("data: ", "\n")]
    [InlineData("id: 7\ndata: ", "\r\r")]
    public async Task Tokens_are_the_same_in_every_framing_wherever_the_stream_is_split(string opening, string ending)
    {
        string[] texts = ["Hello", ",", " world", "\\n", " a", " <b", ">", "c", " 😀", "\\ud83d\\ude00", " d", "e"];
        var events = texts.Select(text => $"{opening}{Before}{text}{After}{ending}");
        var stream = Encoding.UTF8.GetBytes($"{string.Concat(events)}{opening}[DONE]{ending}");

        for (var split = 0; split <= stream.Length; split++)
            Assert.Equal("Hello, world\n a <b>c 😀😀 de", await ReadAsync(new EventReaderTests.Pieces(stream[..split], stream[split..])));
    }

    private static async Task<string> ReadAsync(Stream upstream)
    {
        var written = new MemoryStream();
        var http = new DefaultHttpContext();
        http.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(written));
        var response = new ResponseWriter(http.Response);
        using var lease = new StreamLease(response, TimeProvider.System, arrivedAt: 0, CancellationToken.None);
        var pump = new StreamPump(upstream, response, lease, initialBytes: 512);
        var dialect = new ServerDialect(Options.Create(new ChatOptions()), TimeProvider.System, NullLogger<ServerDialect>.Instance);
        var completion = new CompletionReader(pump, response, new CompletionRequest(TurnMode.Answer, Thinking: true, "1", ContextWindow: null, dialect, Recorder: null));
        Assert.False(await pump.RunAsync(completion.ReadAll));
        completion.Complete();
        await response.FlushAsync();

        var text = new StringBuilder();
        written.Position = 0;
        await foreach (var item in SseParser.Create(written).EnumerateAsync(Chatbot.Cancelled))
            text.Append(JsonSerializer.Deserialize<string>(item.Data));
        return text.ToString();
    }
}
