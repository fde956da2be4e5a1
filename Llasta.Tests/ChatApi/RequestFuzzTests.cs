using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Llasta.Streaming;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>Requests, changed at random (<see cref="Fuzz"/>) and sent byte by byte as they are.</summary>
public sealed class RequestFuzzTests
{
    /// <summary>In every text and name that is sent; nothing that a client has sent may be logged.</summary>
    private const string Mark = "F00DMARK";

    private const int Clients = 8;

    /// <summary>The server waits for more if it is silent for this long: bodies have less time.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(2);

    private static readonly string[] Bodies =
    [
        $$"""{"messages":[{"role":"user","content":"{{Mark}}"}],"thinking":false}""",
        $$"""{"messages":[{"role":"system","content":"{{Mark}}\n\"é\u00e9\ud83e\udd99"},{"role":"user","content":"Hi"},{"role":"assistant","content":"{{Mark}}","reasoning":"Hm"}],"continue":true}""",
        $$$"""{"messages":[{"role":"user","content":"{{{Mark}}}"}],"thinking":true,"model":"m","sampling":{"temperature":0.5,"topP":0.9,"topK":20,"minP":0,"maxTokens":100,"thinkingTokens":5,"seed":-1}}""",
    ];

    private static readonly string[] BodyPieces =
    [
        "{", "}", "[", "]", "\"", ",", ":", "\\", "null", "true", "0", "-", "1e999", "-1e-999", "99999999999999999999999", "0.1", "\"\"", "{}", "[]", "\n", "\0", "\u001b[2J", "\u00ff", "\u00c3", "\u00ed\u00a0\u0080", "\u00ef\u00bb\u00bf",
        "\\ud800", "\\udc00", "\\ud83e\\udd99", "\\u0000", "\\u", "\\x", $"\"{Mark}\":1,", "\"messages\":[],", "\"role\":\"tool\"", "\"content\":", "\"sampling\":", "\"continue\":true,", "//", "NaN", "{\"$id\":\"1\"}", "\"__proto__\":{},",
        Repeat("[", 100), Repeat("{\"a\":", 100), Repeat("[", 70_000), Repeat("{},", 2_000), Repeat("null,", 2_000), Repeat("x", 70_000), Repeat("\\ud83e\\udd99", 7_000), Repeat("\u00c3\u00a9", 40_001), Repeat(" ", 70_000), Repeat("9", 400),
    ];

    private static readonly string[] HeadPieces =
    [
        "\r\n", "\r", "\n", " ", "\t", "\0", ":", "\u00ff", "GET ", "PUT ", "POST /api/tokens ", "GET /api/model?model=", "/", "%00", "%2e%2e/", "?", "#", "*", "http://evil.example/", "HTTP/1.0", "HTTP/2.0", "HTTP/9.9", $"X: {Mark}\r\n", $"{Mark}: x\r\n", " folded\r\n",
        "Host: evil.example\r\n", "Host: \r\n", "Content-Length: 5\r\n", "Content-Length: -1\r\n", "Content-Length: 99999999999999999999\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n", "Expect: 100-continue\r\n", "Upgrade: h2c\r\n", "Origin: null\r\n",
        "Content-Type: text/plain\r\n", "Content-Encoding: gzip\r\n", "traceparent: 00-0-0-0\r\n", $"Cookie: {Mark}\r\n", "Accept: \u00e9\r\n", Repeat("X: y\r\n", 120), Repeat("x", 9_000),
    ];

    private static readonly string[] ChunkPieces = ["\r\n", "\r", "\n", "0", "0\r\n\r\n", "f", "80000000", "FFFFFFFFFFFFFFFF", "-1", "g", " ", ";", ";a=b", Repeat(";a=b", 3_000), Repeat("0", 3_000), "X: y\r\n", "\0"];

    /// <param name="Bytes">What is sent, as Latin-1.</param>
    /// <param name="Resets">The client breaks the connection in the middle of it.</param>
    private sealed record Case(string Bytes, bool Resets);

    [Theory]
    [InlineData(Form.ChatApiAlone, 1)]
    [InlineData(Form.ChatApiAlone, 2)]
    [InlineData(Form.SingleProcess, 3)]
    [InlineData(Form.Split, 4)]
    [InlineData(Form.Split, 5)]
    [InlineData(Form.SplitOnFramework, 6)]
    public async Task Whatever_a_client_sends_it_gets_a_documented_answer_or_none_and_others_go_on(Form form, int seed)
    {
        using var turns = new ActiveTurns();
        using var log = new AllLines();
        await using var upstream = await RawUpstream.StartAsync(
            http => http.Response.WriteAsync(RawUpstream.Chunk("content", "Hello") + RawUpstream.Finish, Chatbot.Cancelled),
            """{"data":[{"id":"m","owned_by":"vllm","max_model_len":16384}]}""",
            tokenize: _ => """{"count":1,"max_model_len":16384}""");
        await using var chatbot = await Chatbot.StartAsync(form, baseUrl: upstream.BaseUrl, settings: ["Chat:BodyTimeout=00:00:00.5", "Logging:LogLevel:Llasta=Information"]);
        var bodies = new[] { chatbot.Front, chatbot.Api }.Distinct().Select(app => app.Services.GetRequiredService<RequestBodies>()).ToList();
        foreach (var app in new[] { chatbot.Front, chatbot.Api }.Distinct())
            app.Services.GetRequiredService<ILoggerFactory>().AddProvider(log);

        var random = Fuzz.Random(seed);
        for (var round = 0; round < 3 * Fuzz.Factor; round++)
        {
            var cases = Enumerable.Range(0, 50).Select(_ => Next(random)).ToList();
            await Parallel.ForEachAsync(cases, new ParallelOptions { MaxDegreeOfParallelism = Clients, CancellationToken = Chatbot.Cancelled }, async (one, _) =>
            {
                try
                {
                    if (await SendAsync(chatbot, one) is { } answer)
                        Check(answer);
                }
                catch (Exception e)
                {
                    Assert.Fail($"Seed {seed}, round {round}: {e.Message}\n{Fuzz.Show(one.Bytes)}\n{e}");
                }
            });

            await Eventually.TrueAsync(() => Task.FromResult(turns.Now == 0 && bodies.All(b => b.Used == 0)), () => $"Seed {seed}, round {round}: {turns.Now} turns are active, {bodies.Sum(b => b.Used)} bytes are held.");
            Assert.Equal("done", (await chatbot.AskAsync(Chatbot.User("Hello"))).State);
            Assert.All(log.Take(), line =>
            {
                Assert.True(line.Level < LogLevel.Error, $"Seed {seed}, round {round}: {line.Line}");
                Assert.DoesNotContain(Mark, line.Line, StringComparison.Ordinal);
                Assert.DoesNotContain(line.Line, char.IsControl);
                Assert.InRange(line.Line.Length, 0, 500);
            });
        }
    }

    private static Case Next(Random random)
    {
        var body = Latin1(Bodies[random.Next(Bodies.Length)]);
        if (random.Next(4) > 0)
            body = Fuzz.Change(body, BodyPieces, random);
        var head = $"POST {(random.Next(4) == 0 ? "/api/tokens" : "/api/chat")} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
        var framed = random.Next(2) == 0 ? $"Content-Length: {body.Length}\r\n\r\n{body}" : $"Transfer-Encoding: chunked\r\n\r\n{Chunked(body, random)}";
        var text = random.Next(3) switch
        {
            0 => head + framed,
            1 => Fuzz.Change(head, HeadPieces, random) + framed,
            _ => head + Fuzz.Change(framed, ChunkPieces, random),
        };
        return new Case(text, random.Next(8) == 0);
    }

    private static string Chunked(string body, Random random)
    {
        var chunks = new StringBuilder();
        while (body.Length > 0)
        {
            var length = Math.Min(body.Length, random.Next(3) switch { 0 => 1, 1 => random.Next(1, 20), _ => random.Next(1, 70_000) });
            chunks.Append(CultureInfo.InvariantCulture, $"{length:x}\r\n{body[..length]}\r\n");
            body = body[length..];
        }

        return $"{chunks}0\r\n\r\n";
    }

    /// <summary>Sends a case and receives one response.</summary>
    /// <returns>Null if the server closed the connection without one.</returns>
    private static async Task<(int Status, string ContentType, string Body)?> SendAsync(Chatbot chatbot, Case one)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(chatbot.Front.Urls.Single()).Port, Chatbot.Cancelled);
        var bytes = Encoding.Latin1.GetBytes(one.Bytes);
        try
        {
            await socket.SendAsync(bytes.AsMemory(0, bytes.Length / 2), Chatbot.Cancelled);
            if (one.Resets)
            {
                socket.LingerState = new LingerOption(true, 0);
                return null;
            }

            await socket.SendAsync(bytes.AsMemory(bytes.Length / 2), Chatbot.Cancelled);
            return await ReceiveAsync(socket);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            // The server refused it before its end.
            return null;
        }
    }

    private static async Task<(int Status, string ContentType, string Body)?> ReceiveAsync(Socket socket)
    {
        var received = new StringBuilder();
        var buffer = new byte[64 << 10];
        var ended = false;
        while (true)
        {
            if (Parse(received.ToString(), ended) is { } answer)
                return answer;
            if (ended)
            {
                Assert.Equal("", received.ToString());
                return null;
            }

            var reading = socket.ReceiveAsync(buffer, Chatbot.Cancelled).AsTask();
            if (await Task.WhenAny(reading, Task.Delay(Silence, Chatbot.Cancelled)) != reading)
                socket.Shutdown(SocketShutdown.Send);
            var read = await reading.WaitAsync(TimeSpan.FromSeconds(60), Chatbot.Cancelled);
            ended = read == 0;
            received.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
    }

    /// <summary>Reads a response; null if it has not arrived whole.</summary>
    private static (int Status, string ContentType, string Body)? Parse(string text, bool ended)
    {
        const string Continue = "HTTP/1.1 100 Continue\r\n\r\n";
        if (text.StartsWith(Continue, StringComparison.Ordinal))
            text = text[Continue.Length..];
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0)
            return null;
        var fields = text[..end].Split("\r\n");
        var status = int.Parse(fields[0].Split(' ')[1], CultureInfo.InvariantCulture);
        var type = Field("Content-Type") ?? "";
        var rest = text[(end + 4)..];
        if (Field("Content-Length") is { } length)
        {
            var expected = int.Parse(length, CultureInfo.InvariantCulture);
            return rest.Length >= expected ? (status, type, Utf8(rest[..expected])) : null;
        }

        if (Field("Transfer-Encoding") is null)
            return ended ? (status, type, Utf8(rest)) : null;
        var body = new StringBuilder();
        while (rest.IndexOf("\r\n", StringComparison.Ordinal) is >= 0 and var line)
        {
            var size = int.Parse(rest[..line], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            if (rest.Length < line + 2 + size + 2)
                return null;
            if (size == 0)
                return (status, type, Utf8(body.ToString()));
            body.Append(rest, line + 2, size);
            rest = rest[(line + 2 + size + 2)..];
        }

        return null;

        string? Field(string name) => fields.Skip(1).FirstOrDefault(field => field.StartsWith($"{name}: ", StringComparison.OrdinalIgnoreCase))?.Split(": ", 2)[1];
    }

    private static void Check((int Status, string ContentType, string Body) answer)
    {
        var (status, type, body) = answer;
        if (status == 200)
        {
            if (type == "text/event-stream")
                Assert.Single(body.Split("\n\n"), one => one.StartsWith("event: end\n", StringComparison.Ordinal) || one.StartsWith("event: error\n", StringComparison.Ordinal));
            return;
        }

        if (type != "application/problem+json")
        {
            // From Kestrel or routing: nothing of ours was asked for, or it was no HTTP.
            Assert.True(status is (>= 400 and < 500) or 505, $"{status}: {body}");
            Assert.Equal("", body);
            return;
        }

        var problem = JsonElement.Parse(body);
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        // Another model than the server's is a fault of the operator's, if the page has the name from the list.
        Assert.True(status is >= 400 and < 500 || (status == 502 && problem.GetProperty("code").GetString() == "model-not-found"), body);
    }

    private static string Utf8(string latin1) => new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(Encoding.Latin1.GetBytes(latin1));

    private static string Latin1(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    private static string Repeat(string piece, int times) => string.Concat(Enumerable.Repeat(piece, times));
}
