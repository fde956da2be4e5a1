using System.Net;
using System.Text;
using Llasta.Streaming.Http;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Llasta.Tests.Streaming;

/// <summary>Which requests go on a connection that has served one before, and which connections are closed.</summary>
public sealed class ConnectionPoolTests : IDisposable
{
    private const string Ok = "HTTP/1.1 200 OK\r\n";
    private const string Whole = $"{Ok}Content-Length: 5\r\n\r\nHello";

    private readonly RawServer _server = new();
    private readonly FakeTimeProvider _time = new();
    private readonly HttpMessageInvoker _client;

    public ConnectionPoolTests() => _client = new(new StreamingHttpHandler(TimeSpan.FromSeconds(30), _time));

    [Theory]
    [InlineData(Whole)]
    [InlineData($"{Ok}Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\n\r\n")]
    [InlineData($"{Ok}Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n5\r\nHello\r\n0\r\nX-Trailer: t\r\n\r\n")]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n")]
    [InlineData("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")]
    public async Task A_request_goes_on_the_connection_on_which_a_response_has_ended(string response)
    {
        var connection = await AnsweredAsync(response);

        await AnsweredOnAsync(connection);
    }

    [Theory]
    [InlineData($"{Ok}Connection: close\r\nContent-Length: 5\r\n\r\nHello")]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nHello")]
    [InlineData($"{Ok}Content-Length: 5\r\n\r\nHello?")]
    [InlineData($"{Ok}Content-Length: 0\r\n\r\n?")]
    [InlineData($"{Ok}Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\n\r\n?")]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n?")]
    public async Task A_connection_whose_server_wants_it_closed_or_says_too_much_is_closed(string response)
    {
        var connection = await AnsweredAsync(response);
        await connection.ClosedByClientAsync();
        await AnsweredAsync(Whole);
    }

    [Theory]
    [InlineData("Content-Length: 5\r\n\r\nHelloHTTP/1.1 200 OK\r\n", 5)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n", 15)]
    public async Task What_follows_the_end_closes_the_connection_also_where_nobody_reads_it(string response, int buffer)
    {
        var sending = PostAsync();
        var connection = await _server.AcceptRequestAsync();
        await connection.SendAsync($"{Ok}{response}");
        var body = await (await sending).Content.ReadAsStreamAsync(Chatbot.Cancelled);
        Assert.Equal(5, await body.ReadAsync(new byte[buffer], Chatbot.Cancelled));

        await body.DisposeAsync();
        await connection.ClosedByClientAsync();
    }

    [Fact]
    public async Task A_body_that_was_not_understood_closes_its_connection_whatever_comes_behind()
    {
        var sending = PostAsync();
        var connection = await _server.AcceptRequestAsync();
        await connection.SendAsync($"{Ok}Transfer-Encoding: chunked\r\n\r\n5\r\nHello?");
        var body = await (await sending).Content.ReadAsStreamAsync(Chatbot.Cancelled);
        await Assert.ThrowsAsync<HttpIOException>(() => body.ReadExactlyAsync(new byte[100], Chatbot.Cancelled).AsTask());
        await connection.SendAsync("\r\n0\r\n\r\n");
        await ArrivalAsync();

        await body.DisposeAsync();
        await connection.ClosedByClientAsync();
    }

    [Fact]
    public async Task A_connection_is_used_for_requests_that_begin_within_three_seconds_of_its_opening()
    {
        var connection = await AnsweredAsync(Whole);
        _time.Advance(TimeSpan.FromSeconds(2.9));
        var sending = PostAsync();
        await connection.ReceiveAsync();
        _time.Advance(TimeSpan.FromSeconds(0.2));
        await connection.SendAsync(Whole);
        Assert.Equal("Hello", await TextAsync(await sending));

        await connection.ClosedByClientAsync();
        await AnsweredAsync(Whole);
    }

    [Fact]
    public async Task A_connection_that_nobody_asks_for_is_closed()
    {
        var first = await AnsweredAsync(Whole);
        _time.Advance(TimeSpan.FromSeconds(6.1));

        await first.ClosedByClientAsync();
        var second = await AnsweredAsync(Whole);
        _time.Advance(TimeSpan.FromSeconds(6.1));
        await second.ClosedByClientAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_connection_that_its_server_has_closed_meanwhile_is_not_used(bool reset)
    {
        var connection = await AnsweredAsync(Whole);
        if (reset)
            connection.Reset();
        else
            connection.Close();

        await ArrivalAsync();
        await AnsweredAsync(Whole);
    }

    [Fact]
    public async Task A_connection_on_which_something_came_that_nobody_asked_for_is_not_used()
    {
        var connection = await AnsweredAsync(Whole);
        await connection.SendAsync("HTTP/1.1 408 Request Timeout\r\n\r\n");

        await ArrivalAsync();
        await AnsweredAsync(Whole);
        await connection.ClosedByClientAsync();
    }

    [Fact]
    public async Task A_request_that_finds_its_connection_closed_behind_it_is_not_sent_again()
    {
        var connection = await AnsweredAsync(Whole);
        var sending = PostAsync();
        await connection.ReceiveAsync();
        connection.Close();

        var e = await Assert.ThrowsAsync<HttpRequestException>(() => sending);
        Assert.Equal(HttpRequestError.ResponseEnded, e.HttpRequestError);
        await AnsweredAsync(Whole);
    }

    [Theory]
    [InlineData("0\r\n\r\n", true)]
    [InlineData("0\r\nX-Trailer: more than one look brings\r\n\r\n", true)]
    [InlineData("0\r\n\r\n?", false)]
    [InlineData("1\r\n?\r\n0\r\n\r\n", false)]
    [InlineData("0\r\n", false)]
    [InlineData("no chunk", false)]
    public async Task What_is_left_before_its_end_frees_the_connection_only_where_that_end_is_all_that_is_left(string rest, bool used)
    {
        var sending = PostAsync();
        var connection = await _server.AcceptRequestAsync();
        await connection.SendAsync($"{Ok}Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n");
        var body = await (await sending).Content.ReadAsStreamAsync(Chatbot.Cancelled);
        await body.ReadExactlyAsync(new byte[5], Chatbot.Cancelled);
        await connection.SendAsync(rest);
        await ArrivalAsync();
        await body.DisposeAsync();

        if (used)
        {
            await AnsweredOnAsync(connection);
        }
        else
        {
            await connection.ClosedByClientAsync();
        }
    }

    [Fact]
    public async Task Disposing_a_response_and_its_stream_frees_the_connection_once()
    {
        var sending = PostAsync();
        var connection = await _server.AcceptRequestAsync();
        await connection.SendAsync(Whole);
        var response = await sending;
        var body = await response.Content.ReadAsStreamAsync(Chatbot.Cancelled);
        await body.ReadExactlyAsync(new byte[5], Chatbot.Cancelled);
        await body.DisposeAsync();
        response.Dispose();

        var first = PostAsync();
        await connection.ReceiveAsync();
        var second = PostAsync();
        await (await _server.AcceptRequestAsync()).SendAsync(Whole);
        Assert.Equal("Hello", await TextAsync(await second));
        await connection.SendAsync(Whole);
        Assert.Equal("Hello", await TextAsync(await first));
    }

    [Fact]
    public async Task A_connection_serves_its_own_server_only()
    {
        using var other = new RawServer();
        var connection = await AnsweredAsync(Whole);

        var sending = PostAsync(other);
        await (await other.AcceptRequestAsync()).SendAsync(Whole);
        Assert.Equal("Hello", await TextAsync(await sending));

        await AnsweredOnAsync(connection);
    }

    [Fact]
    public async Task Disposing_the_client_closes_idle_connections_and_those_still_in_use_when_their_response_ends()
    {
        var running = PostAsync();
        var busy = await _server.AcceptRequestAsync();
        var idle = await AnsweredAsync(Whole);
        await busy.SendAsync(Ok, "Content-Length: 5\r\n\r\n");
        var response = await running;

        _client.Dispose();

        await idle.ClosedByClientAsync();
        await busy.SendAsync("Hello");
        Assert.Equal("Hello", await TextAsync(response));
        await busy.ClosedByClientAsync();
    }

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
    }

    private Task<HttpResponseMessage> PostAsync(RawServer? server = null) =>
        _client.SendAsync(new HttpRequestMessage(HttpMethod.Post, $"http://{(server ?? _server).Authority}/") { Content = new StringContent("Hello?") }, Chatbot.Cancelled);

    /// <summary>A request on a new connection, answered and read to its end.</summary>
    private async Task<RawServer.Connection> AnsweredAsync(string response)
    {
        var sending = PostAsync();
        var connection = await _server.AcceptRequestAsync();
        await connection.SendAsync(response);
        await TextAsync(await sending);
        return connection;
    }

    /// <summary>A request on this connection, answered and read to its end.</summary>
    private async Task AnsweredOnAsync(RawServer.Connection connection)
    {
        var sending = PostAsync();
        await connection.ReceiveAsync();
        await connection.SendAsync(Whole);
        Assert.Equal("Hello", await TextAsync(await sending));
    }

    /// <summary>What was sent, or closed, is on its way for microseconds; this is a thousand times as long.</summary>
    private static Task ArrivalAsync() => Task.Delay(100, Chatbot.Cancelled);

    private static async Task<string> TextAsync(HttpResponseMessage response)
    {
        using (response)
            return Encoding.Latin1.GetString(await response.Content.ReadAsByteArrayAsync(Chatbot.Cancelled));
    }
}
