using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>Recorded answers of vLLM, changed at random (<see cref="Fuzz"/>).</summary>
public sealed partial class AnswerFuzzTests
{
    private static readonly string[] Pieces =
    [
        "\n", "\r", "\r\n", "\n\n", "\r\n\r\n", " ", ":", ": comment\n", "data:", "data: ", "data", "event: error\n", "event: end\n", "id: 1\n", "retry: 0\n", "data: [DONE]\n\n", "[DONE]", "\0", "\u00ff", "\u00c3", "\u00e2\u0082", "\u00ed\u00a0\u0080", "\u00ef\u00bb\u00bf", "\u00ff\u00fed\0a\0t\0a\0",
        "{", "}", "[", "]", "\"", ",", "\\", "null", "true", "0", "1e999", "-1", "99999999999999999999", "\\ud800", "\\udc00", "\\ud83e\\udd99", "\\ufffd", "\\u0000", "\\n\\ndata: x\\n\\n", "{}", "[]", "\"content\":", "\"reasoning\":", "<think>", "</think>",
        "\"finish_reason\":\"stop\"", "\"finish_reason\":\"length\"", "\"error\":{\"message\":\"no\",\"code\":400}", "\"error\":{\"message\":\"no\",\"code\":500}", "\"error\":\"no\",", "\"choices\":[],", "\"choices\":null,", "\"usage\":{\"prompt_tokens\":-1},", "\"index\":1,", "\"index\":[0],", "\"object\":{},", "\"metrics\":{\"queue_time_ms\":1e999},", "\"id\":7,",
        Repeat("[", 100), Repeat("{\"a\":", 100), Repeat("x", 5_000), Repeat("\n", 500), Repeat(":\n", 500), Repeat("data: ", 500), Repeat("data: [\n", 100), Repeat("\u00ef\u00bf\u00bd", 5_000), Repeat("exceed", 1_000),
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Whatever_a_server_streams_the_reader_gets_one_end_and_whole_events(int seed)
    {
        var random = Fuzz.Random(seed);
        var recordings = RecordedAnswerTests.Streams.Select(row => row.Data).Where(row => row.Item1 == Form.ChatApiAlone).Select(row => Recording.Answer(row.Item2, row.Item3).Body).Where(body => body.Length < 100_000).Select(Latin1).ToList();
        using var turns = new ActiveTurns();
        using var log = new AllLines();
        byte[][] pieces = [];
        var cut = false;
        await using var upstream = await RawUpstream.StartAsync(async http =>
        {
            foreach (var piece in pieces)
            {
                await http.Response.Body.WriteAsync(piece, Chatbot.Cancelled);
                await http.Response.Body.FlushAsync(Chatbot.Cancelled);
            }

            if (cut)
                http.Abort();
        }, """{"data":[{"id":"m","owned_by":"vllm","max_model_len":16384}]}""");
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl, settings: ["Logging:LogLevel:Llasta=Information"]);
        chatbot.Front.Services.GetRequiredService<ILoggerFactory>().AddProvider(log);

        for (var i = 0; i < 150 * Fuzz.Factor; i++)
        {
            var text = Fuzz.Change(recordings[random.Next(recordings.Count)], Pieces, random);
            if (random.Next(4) == 0)
                text = text[..random.Next(text.Length + 1)];
            cut = random.Next(4) == 0;
            pieces = [.. Split(text, random)];
            try
            {
                using var response = await chatbot.SendAsync(Chatbot.User("Hello", thinking: random.Next(2) == 0));
                if (response.StatusCode != HttpStatusCode.OK)
                    await Chatbot.ProblemAsync(response);
                else
                    Check(text, await response.Content.ReadAsByteArrayAsync(Chatbot.Cancelled));
                await Eventually.TrueAsync(() => Task.FromResult(turns.Now == 0), () => $"{turns.Now} turns are active.");
                Assert.All(log.Take(), line =>
                {
                    // A turn that has failed is a warning.
                    Assert.True(line.Level < LogLevel.Warning || (line.Level == LogLevel.Warning && line.Line.StartsWith("Llasta.ChatApi.Relay.TurnTelemetry: Turn ", StringComparison.Ordinal)), line.Line);
                    Assert.DoesNotContain(line.Line, char.IsControl);
                    Assert.InRange(line.Line.Length, 0, 500);
                });
            }
            catch (Exception e)
            {
                Assert.Fail($"Seed {seed}, case {i}: {e.Message}\n{Fuzz.Show(text)}\n{e}");
            }
        }
    }

    /// <summary>Reads the stream strictly: whole lines, known events, JSON, one end, which is the last event.</summary>
    private static void Check(string sent, byte[] stream)
    {
        var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(stream);
        Assert.EndsWith("\n\n", text);
        var ends = 0;
        foreach (var (block, index) in text[..^2].Split("\n\n").Select((block, index) => (block, index)))
        {
            Assert.Equal(0, ends);
            if (block.StartsWith(':'))
                continue;
            Assert.Matches(OneEvent(), block);
            var name = block.StartsWith("event: ", StringComparison.Ordinal) ? block[7..block.IndexOf('\n', StringComparison.Ordinal)] : "";
            var data = JsonElement.Parse(block[(block.IndexOf("data: ", StringComparison.Ordinal) + 6)..]);
            Assert.Equal(index == 0, name == "start");
            Assert.Equal(name is "" or "reasoning" ? JsonValueKind.String : JsonValueKind.Object, data.ValueKind);
            // A character that the server has not sent.
            if (!Replacement().IsMatch(sent))
                Assert.DoesNotMatch(Replacement(), Latin1(data.GetRawText()));
            ends += name is "end" or "error" ? 1 : 0;
        }

        Assert.Equal(1, ends);
    }

    private static IEnumerable<byte[]> Split(string text, Random random)
    {
        var most = random.Next(3) switch { 0 => 64 << 10, 1 => 2_000, _ => 300 };
        for (var at = 0; at < text.Length;)
        {
            var length = Math.Min(text.Length - at, random.Next(1, most));
            yield return Encoding.Latin1.GetBytes(text.Substring(at, length));
            at += length;
        }
    }

    private static string Latin1(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    private static string Repeat(string piece, int times) => string.Concat(Enumerable.Repeat(piece, times));

    [GeneratedRegex(@"^(event: (start|reasoning|all-reasoning|restart|end|error)\n)?data: [^\n\r]*$")]
    private static partial Regex OneEvent();

    /// <summary>U+FFFD as UTF-8 (here Latin-1) or as an escape.</summary>
    [GeneratedRegex(@"\u00ef\u00bf\u00bd|\\u[fF]{3}[dD]")]
    private static partial Regex Replacement();
}
