using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Llasta.Streaming;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Xunit;

namespace Llasta.Tests.Streaming;

/// <summary>Uploads: how much they may hold, how long they may take, and what happens to those that break.</summary>
public sealed class RequestBodyTests
{
    private const string Head = "POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

    [Fact]
    public void A_body_may_take_at_most_as_much_as_it_leaves_free()
    {
        var options = Options.Create(new StreamingOptions { MaxBodyBytesInFlight = 100 });
        using var drain = new Drain(options, TimeProvider.System);
        var bodies = new RequestBodies(options, drain, TimeProvider.System);

        Assert.True(bodies.TryTake(40, held: 0));
        Assert.False(bodies.TryTake(20, held: 40));
        Assert.True(bodies.TryTake(10, held: 40));
        Assert.Equal(50, bodies.Used);

        // Another one: 50 are free.
        Assert.False(bodies.TryTake(30, held: 0));
        Assert.True(bodies.TryTake(25, held: 0));
        bodies.Release(50);
        Assert.True(bodies.TryTake(20, held: 25));
    }

    [Theory]
    [CombinatorialForms]
    public async Task An_upload_takes_no_turn_s_place(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form, settings: "Chat:MaxConcurrentTurns=1");
        using var upload = await UploadAsync(chatbot, $"{Head}Content-Length: 1000\r\n\r\n{{\"messages\":");
        using var chunked = await UploadAsync(chatbot, $"{Head}Transfer-Encoding: chunked\r\n\r\n5\r\n{{\"mes");

        Assert.Equal("done", (await chatbot.AskAsync(Chatbot.User("hi"))).State);
    }

    [Theory]
    [CombinatorialForms]
    public async Task Beyond_the_budget_uploads_are_busy_and_small_ones_still_pass(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form, model => model.ContextWindow = 1_000_000, settings: ["Chat:MaxBodyBytes=400000", "Chat:MaxBodyBytesInFlight=800000"]);
        var bodies = (RequestBodies)chatbot.Front.Services.GetService(typeof(RequestBodies))!;
        var begun = new string(' ', 390_000);
        using var first = await UploadAsync(chatbot, $"{Head}Content-Length: 400000\r\n\r\n{begun}");
        await Eventually.TrueAsync(() => Task.FromResult(bodies.Used >= 390_000), () => $"{bodies.Used} bytes are held.");

        var (status, problem, _) = await chatbot.RefusedAsync(Chatbot.User(new string('x', 390_000)));
        Assert.Equal(503, status);
        Assert.Equal("busy", problem.GetProperty("code").GetString());
        Assert.Equal("done", (await chatbot.AskAsync(Chatbot.User(new string('x', 40_000)))).State);

        // The first one ends, and others of its size have room.
        await first.SendAsync(Encoding.ASCII.GetBytes(new string(' ', 10_000)), Chatbot.Cancelled);
        Assert.StartsWith("HTTP/1.1 400 ", await ReceiveAsync(first));
        await Eventually.TrueAsync(() => Task.FromResult(bodies.Used == 0), () => $"{bodies.Used} bytes are held.");
        Assert.Equal("done", (await chatbot.AskAsync(Chatbot.User(new string('x', 390_000)))).State);
    }

    [Theory]
    [CombinatorialForms("Content-Length: 100\r\n\r\n{")]
    [CombinatorialForms("Content-Length: 100000\r\n\r\n{")]
    [CombinatorialForms("Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")]
    public async Task A_body_that_does_not_arrive_in_time_is_refused(Form form, string upload)
    {
        await using var chatbot = await Chatbot.StartAsync(form, settings: "Chat:BodyTimeout=00:00:00.2");
        using var client = await UploadAsync(chatbot, Head + upload);

        var answer = await ReceiveAsync(client);
        Assert.StartsWith("HTTP/1.1 408 ", answer);
        Assert.Contains("invalid-request", answer);
    }

    [Theory]
    [CombinatorialForms("/api/chat")]
    [CombinatorialForms("/api/tokens")]
    public async Task A_body_that_does_not_arrive_is_refused_when_the_process_stops(Form form, string path)
    {
        await using var chatbot = await Chatbot.StartAsync(form, settings: "Chat:DrainTimeout=00:00:00.2");
        using var client = await UploadAsync(chatbot, $"{Head.Replace("/api/chat", path, StringComparison.Ordinal)}Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n");
        var continues = new byte[100];
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", Encoding.ASCII.GetString(continues, 0, await client.ReceiveAsync(continues, Chatbot.Cancelled)));

        var stopping = chatbot.Front.StopAsync(Chatbot.Cancelled);

        var answer = await ReceiveAsync(client);
        Assert.StartsWith("HTTP/1.1 503 ", answer);
        Assert.Contains("restarted", answer);
        await stopping;
    }

    [Theory]
    [CombinatorialForms("80000000\r\nx")]
    [CombinatorialForms("FFFFFFFFFFFFFFFF\r\nx")]
    [CombinatorialForms("-1\r\nx")]
    [CombinatorialForms("1\r\n{x\r\n")]
    public async Task A_body_whose_chunks_are_wrong_is_an_invalid_request(Form form, string chunks)
    {
        await using var chatbot = await Chatbot.StartAsync(form);
        using var client = await UploadAsync(chatbot, $"{Head}Transfer-Encoding: chunked\r\n\r\n{chunks}");

        var answer = await ReceiveAsync(client);
        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Contains("invalid-request", answer);
    }

    [Fact]
    public async Task A_client_that_resets_within_its_body_is_not_logged_as_a_fault()
    {
        await using var server = new HostileServer(new("", "x"));
        await using var api = await HostileProcess.StartAsync(server.BaseUrl);
        foreach (var framing in (string[])["Content-Length: 100\r\n\r\n{", "Content-Length: 100000\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n80000000\r\n", "Transfer-Encoding: chunked\r\n\r\n5\r\n{"])
        {
            foreach (var path in (string[])["/api/chat", "/api/tokens"])
            {
                var client = await api.ConnectAsync();
                await client.SendAsync(Encoding.ASCII.GetBytes(Head.Replace("/api/chat", path, StringComparison.Ordinal) + framing), Chatbot.Cancelled);
                // The request is being read once another one has been answered on the same thread.
                (await api.Client.GetAsync("/alive", Chatbot.Cancelled)).Dispose();
                client.LingerState = new LingerOption(true, 0);
                client.Dispose();
            }
        }

        (await api.Client.GetAsync("/alive", Chatbot.Cancelled)).Dispose();
        Assert.DoesNotContain(api.Log, line => line.StartsWith("fail:", StringComparison.Ordinal) || line.Contains("   at ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Content-Length: 100\r\n\r\n{")]
    [InlineData("Content-Length: 100000\r\n\r\n{")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")]
    public async Task A_client_that_is_too_slow_is_not_logged_as_a_fault(string upload)
    {
        await using var server = new HostileServer(new("", "x"));
        await using var api = await HostileProcess.StartAsync(server.BaseUrl, settings: "Chat:BodyTimeout=00:00:00.2");
        using var client = await api.ConnectAsync();
        await client.SendAsync(Encoding.ASCII.GetBytes(Head + upload), Chatbot.Cancelled);

        Assert.StartsWith("HTTP/1.1 408 ", await ReceiveAsync(client));
        // The server waits a little for the rest, and closes.
        while (await client.ReceiveAsync(new byte[4096], Chatbot.Cancelled) > 0)
        {
        }

        (await api.Client.GetAsync("/alive", Chatbot.Cancelled)).Dispose();
        Assert.DoesNotContain(api.Log, line => line.StartsWith("fail:", StringComparison.Ordinal) || line.Contains("   at ", StringComparison.Ordinal));
    }

    [Theory]
    [CombinatorialForms(1_000)]
    [CombinatorialForms(32_768)]
    [CombinatorialForms(65_536)]
    [CombinatorialForms(131_073)]
    [CombinatorialForms(900_000)]
    public async Task A_body_arrives_whole_whatever_its_length(Form form, int length)
    {
        await using var chatbot = await Chatbot.StartAsync(form, model => model.ContextWindow = 1_000_000);
        var text = string.Concat(Enumerable.Range(0, length).Select(i => (char)('a' + (i % 26))));
        Assert.Equal("done", (await chatbot.AskAsync(Chatbot.User(text))).State);
        var request = await chatbot.ModelSawAsync(request => request.GetProperty("body").GetRawText().Contains("abc", StringComparison.Ordinal));
        Assert.Equal(text, request.GetProperty("body").GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString());
    }

    [Fact]
    public async Task A_body_is_read_wherever_its_pieces_end()
    {
        await using var upstream = await RawUpstream.StartAsync(async http =>
        {
            using var reader = new StreamReader(http.Request.Body);
            var sent = JsonElement.Parse(await reader.ReadToEndAsync(Chatbot.Cancelled)).GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("content").GetString()!.Length);
            await http.Response.WriteAsync(RawUpstream.Chunk("content", string.Join(' ', sent)) + RawUpstream.Finish, Chatbot.Cancelled);
        });
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);
        var second = new string('y', 5_000);

        // The second message's members come to lie at the end of the first piece, byte by byte.
        for (var length = 65_390; length < 65_500; length++)
        {
            var answer = await chatbot.AskAsync(new { messages = new[] { new { role = "system", content = new string('x', length) }, new { role = "user", content = second } }, thinking = false });
            Assert.Equal(($"{length} 5000", "done"), (answer.Text, answer.State));
        }
    }

    private static async Task<Socket> UploadAsync(Chatbot chatbot, string begun)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(chatbot.Front.Urls.Single()).Port, Chatbot.Cancelled);
        await socket.SendAsync(Encoding.ASCII.GetBytes(begun), Chatbot.Cancelled);
        return socket;
    }

    /// <summary>Receives a problem document, which ends with a brace.</summary>
    private static async Task<string> ReceiveAsync(Socket socket)
    {
        var received = "";
        var buffer = new byte[4096];
        while (!received.Contains('}', StringComparison.Ordinal))
        {
            var read = await socket.ReceiveAsync(buffer, Chatbot.Cancelled);
            Assert.True(read > 0, $"The connection ended after: {received}");
            received += Encoding.UTF8.GetString(buffer, 0, read);
        }

        return received;
    }
}
