using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using Llasta.Streaming.Http;
using Xunit;

namespace Llasta.Tests.Streaming;

/// <summary>HTTP/1.1 as it is on the wire, with a server that sends what servers send, and what they shouldn't.</summary>
public sealed class StreamingHttpHandlerTests : IDisposable
{
    private const int MaxHeadBytes = 32 << 10;

    private readonly RawServer _server = new();
    private readonly HttpMessageInvoker _client = new(new StreamingHttpHandler(TimeSpan.FromSeconds(30), TimeProvider.System));

    [Fact]
    public async Task A_request_has_its_line_its_headers_and_its_body()
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"http://{_server.Authority}/v1/chat?q=a b")
        {
            Headers = { Accept = { MediaTypeWithQualityHeaderValue.Parse("text/event-stream") } },
            Content = new StringContent("""{"text":"ünïcödé 🦙"}""", Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("X-Two", ["one", "two"]);
        request.Content.Headers.ContentLanguage.Add("de");

        var (head, body) = await ReceivedAsync(request);

        Assert.Equal("POST /v1/chat?q=a%20b HTTP/1.1", head[0]);
        Assert.Equal(
            [
                "Accept: text/event-stream",
                "Content-Language: de",
                "Content-Length: 27",
                "Content-Type: application/json; charset=utf-8",
                $"Host: {_server.Authority}",
                "X-Two: one, two",
            ],
            head[1..].Order(StringComparer.Ordinal));
        Assert.Equal("""{"text":"ünïcödé 🦙"}""", Encoding.UTF8.GetString(body));
    }

    [Fact]
    public async Task A_request_without_content_says_nothing_of_one()
    {
        var (head, body) = await ReceivedAsync(new HttpRequestMessage(HttpMethod.Get, $"http://{_server.Authority}") { Headers = { Host = "model.example" } });

        Assert.Equal(["GET / HTTP/1.1", "Host: model.example"], head);
        Assert.Empty(body);
    }

    [Fact]
    public async Task A_server_is_found_by_its_name()
    {
        var port = _server.Authority.Split(':')[1];

        var (head, _) = await ReceivedAsync(new HttpRequestMessage(HttpMethod.Get, $"http://localhost:{port}/"));

        Assert.Contains($"Host: localhost:{port}", head);
    }

    [Fact]
    public async Task A_content_of_unknown_length_is_sent_with_its_length()
    {
        var content = JsonContent.Create(new { text = "Hello" });
        Assert.Null(content.Headers.ContentLength);

        var (head, body) = await ReceivedAsync(new HttpRequestMessage(HttpMethod.Post, $"http://{_server.Authority}/") { Content = content });

        Assert.Contains("Content-Length: 16", head);
        Assert.DoesNotContain(head, line => line.StartsWith("Transfer-Encoding", StringComparison.Ordinal));
        Assert.Equal("""{"text":"Hello"}""", Encoding.UTF8.GetString(body));
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(10_000)]
    public async Task A_long_head_is_sent_whole(int length)
    {
        var (path, value) = (new string('p', length), new string('v', length));
        var request = new HttpRequestMessage(HttpMethod.Post, $"http://{_server.Authority}/{path}") { Content = new StringContent("Hello") };
        request.Headers.Add("X-Long", value);

        var (head, body) = await ReceivedAsync(request);

        Assert.Equal($"POST /{path} HTTP/1.1", head[0]);
        Assert.Contains($"X-Long: {value}", head);
        Assert.Equal("Hello", Encoding.UTF8.GetString(body));
    }

    [Fact]
    public async Task A_body_of_megabytes_arrives_whole_at_a_server_that_reads_it_in_small_pieces()
    {
        var sent = new byte[8 << 20];
        new Random(1).NextBytes(sent);

        var (_, body) = await ReceivedAsync(new HttpRequestMessage(HttpMethod.Post, $"http://{_server.Authority}/") { Content = new ByteArrayContent(sent) });

        Assert.True(body.AsSpan().SequenceEqual(sent));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Name: value\r\nContent-Length: 5\r\n\r\nHello")]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-type:text/plain\r\nx-name:  value \r\ncontent-length:5\r\n\r\nHello and what nobody asked for")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Name: value\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nHe\r\n3\r\nllo\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 \r\ncontent-type: text/plain\r\nX-Name: value\r\ntransfer-encoding: Chunked\r\n\r\n5;a=b\r\nHello\r\n0\r\nX-Trailer: t\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Name: value\r\nConnection: close\r\n\r\nHello", true)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Name: value\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nHello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Name: value\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.0 200\r\nContent-Type: text/plain\r\nX-Name: value\r\n\r\nHello", true)]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Name: early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Name: value\r\nContent-Length: 5\r\n\r\nHello")]
    public async Task A_response_is_understood_wherever_it_is_split(string text, bool endsWithConnection = false)
    {
        for (var split = 0; split < text.Length; split++)
            await CheckAsync(text[..split], text[split..]);
        await CheckAsync([.. text.Select(c => c.ToString())]);

        async Task CheckAsync(params string[] pieces)
        {
            using var client = new HttpMessageInvoker(new StreamingHttpHandler(TimeSpan.FromSeconds(30), TimeProvider.System));
            var sending = client.SendAsync(new HttpRequestMessage(HttpMethod.Get, $"http://{_server.Authority}/"), Chatbot.Cancelled);
            var connection = await _server.AcceptRequestAsync();
            await connection.SendAsync(pieces);
            if (endsWithConnection)
                connection.Close();
            using var response = await sending;
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal("value", Assert.Single(response.Headers.GetValues("X-Name")));
            Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
            Assert.Equal("Hello", await response.Content.ReadAsStringAsync(Chatbot.Cancelled));
        }
    }

    [Theory]
    [InlineData("HEAD", "200 OK\r\nContent-Length: 5")]
    [InlineData("HEAD", "200 OK\r\nTransfer-Encoding: chunked")]
    [InlineData("GET", "204 No Content")]
    [InlineData("GET", "304 Not Modified\r\nContent-Length: 5")]
    [InlineData("GET", "500 Internal Server Error\r\nContent-Length: 0")]
    public async Task A_response_without_a_body_ends_while_the_connection_is_open(string method, string head)
    {
        var sending = SendAsync(new HttpMethod(method));
        await (await _server.AcceptRequestAsync()).SendAsync($"HTTP/1.1 {head}\r\n\r\n");
        using var response = await sending;

        Assert.StartsWith(((int)response.StatusCode).ToString(), head);
        Assert.Equal("", await response.Content.ReadAsStringAsync(Chatbot.Cancelled));
    }

    [Fact]
    public async Task A_part_of_the_body_is_there_as_soon_as_it_was_sent()
    {
        var sending = SendAsync(HttpMethod.Get);
        var connection = await _server.AcceptRequestAsync();
        await connection.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        using var response = await sending;
        var body = await response.Content.ReadAsStreamAsync(Chatbot.Cancelled);
        var buffer = new byte[100];

        foreach (var token in new[] { "one", "two", "three" })
        {
            await connection.SendAsync($"{token.Length}\r\n{token}\r\n");
            await body.ReadExactlyAsync(buffer.AsMemory(0, token.Length), Chatbot.Cancelled);
            Assert.Equal(token, Encoding.ASCII.GetString(buffer, 0, token.Length));
        }

        await connection.SendAsync("0\r\n\r\n");
        Assert.Equal(0, await body.ReadAsync(buffer, Chatbot.Cancelled));
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.6\r\n\r\n")]
    [InlineData("\r\n\r\n")]
    [InlineData("HTTP/2 200\r\n\r\n")]
    [InlineData("HTTP/1.1\r\n\r\n")]
    [InlineData("HTTP/1.1 20\r\n\r\n")]
    [InlineData("HTTP/1.1 -20 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 two hundred\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n: value\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nno header\r\n\r\n")]
    // A status that HTTP doesn't have.
    [InlineData("HTTP/1.1 2000 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 099 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 640 OK\r\n\r\n")]
    [InlineData("HTTP/1.1  200 OK\r\n\r\n")]
    [InlineData("HTTP/1.2 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\n\r\n")]
    // Lines that others would read otherwise.
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 5\n\nHello")]
    [InlineData("HTTP/1.1 200 OK\r\nX-One: 1\r\n folded: 2\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX-One: 1\rX-Two: 2\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX-One: 1\nX-Two: 2\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX-One: \0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX One: 1\r\n\r\n")]
    // A body whose end is ambiguous.
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nHello!")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nHello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nHello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nHello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nHello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551621\r\n\r\nHello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nHello")]
    public async Task What_is_no_HTTP_is_refused_and_its_connection_closed(string text)
    {
        var sending = SendAsync(HttpMethod.Get);
        var connection = await _server.AcceptRequestAsync();
        await connection.SendAsync(text);

        var e = await Assert.ThrowsAsync<HttpRequestException>(() => sending);
        Assert.Equal(HttpRequestError.InvalidResponse, e.HttpRequestError);
        await connection.ClosedByClientAsync();
    }

    [Fact]
    public async Task A_head_may_have_32_KiB()
    {
        const string Start = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Long: ";
        var value = new string('x', MaxHeadBytes - Start.Length - 4);
        var sending = SendAsync(HttpMethod.Get);
        await (await _server.AcceptRequestAsync()).SendAsync($"{Start}{value}\r\n\r\nHello");
        using var response = await sending;

        Assert.Equal(value, Assert.Single(response.Headers.GetValues("X-Long")));
        Assert.Equal("Hello", await response.Content.ReadAsStringAsync(Chatbot.Cancelled));
    }

    [Fact]
    public async Task A_head_that_goes_on_after_32_KiB_is_refused_and_its_connection_closed()
    {
        var sending = SendAsync(HttpMethod.Get);
        var connection = await _server.AcceptRequestAsync();
        await connection.SendAsync("HTTP/1.1 200 OK\r\nX-Long: ".PadRight(MaxHeadBytes, 'x'));

        var e = await Assert.ThrowsAsync<HttpRequestException>(() => sending);
        Assert.Equal(HttpRequestError.InvalidResponse, e.HttpRequestError);
        await connection.ClosedByClientAsync();
    }

    [Fact]
    public async Task Informational_responses_of_over_32_KiB_are_refused_and_their_connection_closed()
    {
        var sending = SendAsync(HttpMethod.Get);
        var connection = await _server.AcceptRequestAsync();
        const string Interim = "HTTP/1.1 100 Continue\r\n\r\n";
        await connection.SendAsync(string.Concat(Enumerable.Repeat(Interim, (MaxHeadBytes / Interim.Length) + 1)));

        var e = await Assert.ThrowsAsync<HttpRequestException>(() => sending);
        Assert.Equal(HttpRequestError.InvalidResponse, e.HttpRequestError);
        await connection.ClosedByClientAsync();
    }

    [Fact]
    public async Task A_connection_whose_response_has_a_length_and_a_coding_serves_no_other_request()
    {
        var sending = SendAsync(HttpMethod.Get);
        var connection = await _server.AcceptRequestAsync();
        await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\n\r\n");
        using (var response = await sending)
            Assert.Equal("Hello", await response.Content.ReadAsStringAsync(Chatbot.Cancelled));

        await connection.ClosedByClientAsync();
    }

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
    }

    private Task<HttpResponseMessage> SendAsync(HttpMethod method) =>
        _client.SendAsync(new HttpRequestMessage(method, $"http://{_server.Authority}/"), Chatbot.Cancelled);

    /// <summary>Sends the request, and answers it.</summary>
    private async Task<(string[] Head, byte[] Body)> ReceivedAsync(HttpRequestMessage request)
    {
        var sending = _client.SendAsync(request, Chatbot.Cancelled);
        var connection = await _server.AcceptAsync();
        var received = await connection.ReceiveAsync();
        await connection.SendAsync("HTTP/1.1 204 No Content\r\n\r\n");
        (await sending).Dispose();
        return received;
    }
}
