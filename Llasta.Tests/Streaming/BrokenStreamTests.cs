using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Text;
using Llasta.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

namespace Llasta.Tests.Streaming;

/// <summary>
/// However a stream breaks, its reader's connection ends with FIN: on the way through <c>kubectl port-forward</c> a reset would end the
/// tunnel, and with it everybody's connections.
/// </summary>
public sealed class BrokenStreamTests
{
    private const string Ask = """{"messages":[{"role":"user","content":"hi"}]}""";
    private static readonly string Request = $"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {Ask.Length}\r\n\r\n{Ask}";
    private const string ChunkedHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

    /// <summary>How the server behind a service breaks the answer.</summary>
    public enum Break
    {
        Closes,
        Resets,
        SendsNoChunk,
        IsSilent,
    }

    [Theory]
    [CombinatorialBreaks]
    public async Task The_chatbot_ends_a_stream_that_breaks_with_FIN(bool framework, Break how)
    {
        using var chatApi = new RawServer();
        // The chatbot's own limit for a chat API that is stuck is 30 s above these.
        await using var chatbot = await StartChatbotAsync(chatApi, framework);
        using var reader = await ConnectAsync(chatbot);
        await reader.SendAsync(Encoding.ASCII.GetBytes(Request), Chatbot.Cancelled);
        var connection = await chatApi.AcceptRequestAsync();
        await connection.SendAsync(ChunkedHead, "5\r\ndata:\r\n");
        var received = await ReceiveAsync(reader, "data:");

        if (how == Break.IsSilent)
        {
            // The process stops, and doesn't wait for the answer.
            await chatbot.StopAsync(Chatbot.Cancelled);
        }
        else
        {
            await BreakAsync(connection, how);
        }

        Assert.DoesNotContain("\r\n0\r\n\r\n", received + await ReceiveToEndAsync(reader));
    }

    [Theory]
    [CombinatorialBreaks]
    public async Task The_chat_API_ends_a_stream_that_breaks_with_FIN(bool framework, Break how)
    {
        using var model = new RawServer();
        await using var chatbot = await Chatbot.StartAsync(
            Form.ChatApiAlone, baseUrl: $"http://{model.Authority}/v1", settings: ["Chat:Model=m", "Chat:IdleTimeout=00:00:00.5", $"Streaming:UseFramework={framework}"]);
        using var reader = await ConnectAsync(chatbot.Front);
        await reader.SendAsync(Encoding.ASCII.GetBytes(Request), Chatbot.Cancelled);
        var connection = await AcceptCompletionAsync(model);
        var chunk = RawUpstream.Chunk("content", "Hello");
        await connection.SendAsync(ChunkedHead, $"{chunk.Length:x}\r\n{chunk}\r\n");
        var received = await ReceiveAsync(reader, "Hello");

        await BreakAsync(connection, how);

        // The chat API says how the answer ended, and its own response is whole; the connection may stay open for another request.
        Assert.Contains("event: end", received + await ReceiveAsync(reader, "\r\n0\r\n\r\n"));
        await chatbot.Front.StopAsync(Chatbot.Cancelled);
        await ReceiveToEndAsync(reader);
    }

    [Theory]
    [InlineData("200 OK\r\nX-Place: Z\u00fcrich\r\nContent-Length: 5\r\n\r\nHello", 200)]
    [InlineData("200 OK\r\nContent-Type: \u00ff\r\nContent-Length: 5\r\n\r\nHello", 200)]
    [InlineData("200 OK\r\nX-Name: a\u0001b\r\nContent-Length: 5\r\n\r\nHello", 200)]
    [InlineData("200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\n\r\n", 200)]
    [InlineData("204 No Content\r\nContent-Length: 5\r\n\r\nHello", 503)]
    [InlineData("205 Reset Content\r\nContent-Length: 5\r\n\r\nHello", 503)]
    [InlineData("302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", 503)]
    [InlineData("304 Not Modified\r\nContent-Length: 5\r\n\r\n", 503)]
    public async Task A_response_that_can_t_be_sent_on_as_it_is_breaks_no_request(string response, int status)
    {
        using var chatApi = new RawServer();
        await using var chatbot = await StartChatbotAsync(chatApi, framework: false);
        using var reader = await ConnectAsync(chatbot);
        await reader.SendAsync(Encoding.ASCII.GetBytes(Request), Chatbot.Cancelled);
        var connection = await chatApi.AcceptRequestAsync();

        await connection.SendAsync($"HTTP/1.1 {response}");

        Assert.StartsWith($"HTTP/1.1 {status} ", await ReceiveAsync(reader, status == 200 ? "Hello" : "unreachable"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reader_that_takes_nothing_is_left_with_FIN(bool framework)
    {
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await RawUpstream.StartAsync(async http =>
        {
            using var registration = http.RequestAborted.Register(left.SetResult);
            while (!http.RequestAborted.IsCancellationRequested)
                await http.Response.WriteAsync(RawUpstream.Chunk("content", new string('x', 10_000)), http.RequestAborted);
        });
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl, settings: ["Chat:IdleTimeout=00:00:00.3", $"Streaming:UseFramework={framework}"]);
        using var reader = await ConnectAsync(chatbot.Front, receiveBytes: 4096);
        await reader.SendAsync(Encoding.ASCII.GetBytes(Request), Chatbot.Cancelled);
        await left.Task.WaitAsync(Chatbot.Cancelled);

        // First comes what the sockets hold.
        await ReceiveToEndAsync(reader);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reader_that_takes_no_refusal_keeps_no_turn_s_place(bool framework)
    {
        // As JSON each character has six bytes.
        var error = $$$"""{"error":{"message":"{{{new string('\u56f0', 500)}}}","code":500}}""";
        await using var upstream = await RawUpstream.StartAsync(http =>
        {
            http.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return http.Response.WriteAsync(error, http.RequestAborted);
        });
        await using var chatbot = await Chatbot.StartAsync(
            Form.ChatApiAlone, baseUrl: upstream.BaseUrl, settings: ["Chat:IdleTimeout=00:00:00.5", "Chat:MaxConcurrentTurns=1", $"Streaming:UseFramework={framework}"]);
        using var reader = await ConnectAsync(chatbot.Front, receiveBytes: 4096);

        // More refusals than the sockets hold. The last one waits for the reader, in its turn's place.
        var asking = AskUntilClosedAsync(reader);
        await Eventually.TrueAsync(() => Task.FromResult(asking.IsCompleted), () => "The connection is still open.");

        await asking;
        Assert.Equal(HttpStatusCode.BadGateway, (await chatbot.SendAsync(new { messages = new[] { new { role = "user", content = "hi" } } })).StatusCode);
    }

    /// <summary>Sends requests, and receives nothing.</summary>
    private static async Task AskUntilClosedAsync(Socket reader)
    {
        var requests = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(Request, 100)));
        try
        {
            while (true)
                await reader.SendAsync(requests, Chatbot.Cancelled);
        }
        catch (SocketException)
        {
            // Closed.
        }
    }

    private static async Task<WebApplication> StartChatbotAsync(RawServer chatApi, bool framework)
    {
        var app = await ChatbotApplication.CreateAsync(
        [
            "--urls=http://127.0.0.1:0", "--environment=Production", "--Logging:LogLevel:Default=None",
            "--Chat:DrainTimeout=00:00:00", $"--Streaming:UseFramework={framework}", $"--services:chatapi:http:0=http://{chatApi.Authority}",
        ]);
        await app.StartAsync(Chatbot.Cancelled);
        return app;
    }

    private static async Task<Socket> ConnectAsync(WebApplication app, int? receiveBytes = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (receiveBytes is { } bytes)
            socket.ReceiveBufferSize = bytes;
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(app.Urls.Single()).Port, Chatbot.Cancelled);
        return socket;
    }

    /// <summary>Accepts the request for a completion; others, about the model, are not answered.</summary>
    private static async Task<RawServer.Connection> AcceptCompletionAsync(RawServer model)
    {
        while (true)
        {
            var connection = await model.AcceptAsync();
            var (head, _) = await connection.ReceiveAsync();
            if (head[0].StartsWith("POST /v1/chat/completions", StringComparison.Ordinal))
                return connection;
            await connection.SendAsync("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            connection.Close();
        }
    }

    private static async Task BreakAsync(RawServer.Connection connection, Break how)
    {
        switch (how)
        {
            case Break.Closes:
                connection.Close();
                break;
            case Break.Resets:
                connection.Reset();
                break;
            case Break.SendsNoChunk:
                await connection.SendAsync("no chunk\r\n");
                break;
            default:
                break;
        }
    }

    /// <summary>Receives until a text has come.</summary>
    private static async Task<string> ReceiveAsync(Socket reader, string expected)
    {
        var received = "";
        var buffer = new byte[4096];
        while (!received.Contains(expected, StringComparison.Ordinal))
        {
            var read = await reader.ReceiveAsync(buffer, Chatbot.Cancelled);
            Assert.True(read > 0, $"The connection ended after: {received}");
            received += Encoding.UTF8.GetString(buffer, 0, read);
        }

        return received;
    }

    /// <summary>Receives until FIN. A reset throws: <see cref="SocketError.ConnectionReset"/>.</summary>
    private static async Task<string> ReceiveToEndAsync(Socket reader)
    {
        var received = new StringBuilder();
        var buffer = new byte[64 << 10];
        while (await reader.ReceiveAsync(buffer, Chatbot.Cancelled) is > 0 and var read)
            received.Append(Encoding.UTF8.GetString(buffer, 0, read));
        return received.ToString();
    }

    /// <summary>One test for each way in which a stream breaks, with this library and with the framework's own parts.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class CombinatorialBreaksAttribute : DataAttribute
    {
        public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
            new([.. from framework in (bool[])[false, true] from how in Enum.GetValues<Break>() select new TheoryDataRow(framework, how)]);

        public override bool SupportsDiscoveryEnumeration() => true;
    }
}
