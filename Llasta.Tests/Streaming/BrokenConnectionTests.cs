using System.Net;
using System.Net.Sockets;
using System.Text;
using Llasta.Streaming.Http;
using Xunit;

namespace Llasta.Tests.Streaming;

/// <summary>Connections that don't come about, break, or are given up: what <see cref="StreamingHttpHandler"/> throws, and what the server sees.</summary>
public sealed class BrokenConnectionTests : IDisposable
{
    private readonly RawServer _server = new();
    private readonly HttpMessageInvoker _client = new(new StreamingHttpHandler(TimeSpan.FromSeconds(30), TimeProvider.System));

    [Theory]
    [InlineData("Content-Length: 10\r\n\r\n")]
    [InlineData("Content-Length: 10\r\n\r\nHello", "Hello")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n9\r\n wo", "Hello wo")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n", "Hello")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\n", "Hello")]
    public async Task A_body_cut_short_is_an_error_after_what_came(string response, string came = "")
    {
        var (connection, body) = await RespondAsync(response);
        connection.Close();

        var e = await Assert.ThrowsAsync<HttpIOException>(() => ReadAsync(body, came));
        Assert.Equal(HttpRequestError.ResponseEnded, e.HttpRequestError);
    }

    [Fact]
    public async Task A_body_that_is_not_in_the_promised_coding_is_an_error()
    {
        var (_, body) = await RespondAsync("Transfer-Encoding: chunked\r\n\r\ndata: no chunk\n\n");

        var e = await Assert.ThrowsAsync<HttpIOException>(() => ReadAsync(body, ""));
        Assert.Equal(HttpRequestError.InvalidResponse, e.HttpRequestError);
    }

    [Theory]
    [InlineData("Content-Length: 10\r\n\r\nHello")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n")]
    [InlineData("Connection: close\r\n\r\nHello")]
    public async Task A_connection_that_is_reset_within_the_body_is_an_error(string response)
    {
        var (connection, body) = await RespondAsync(response);
        await body.ReadExactlyAsync(new byte[5], Chatbot.Cancelled);
        connection.Reset();

        var e = await Assert.ThrowsAnyAsync<IOException>(() => ReadAsync(body, ""));
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(e.InnerException).SocketErrorCode);
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Len")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n")]
    public async Task A_connection_that_is_closed_before_a_whole_head_has_no_response(string part)
    {
        var sending = GetAsync($"http://{_server.Authority}/");
        var connection = await _server.AcceptRequestAsync();
        await connection.SendAsync(part);
        connection.Close();

        var e = await Assert.ThrowsAsync<HttpRequestException>(() => sending);
        Assert.Equal(HttpRequestError.ResponseEnded, e.HttpRequestError);
    }

    [Fact]
    public async Task A_connection_that_is_reset_before_the_head_has_no_response()
    {
        var sending = GetAsync($"http://{_server.Authority}/");
        (await _server.AcceptRequestAsync()).Reset();

        var e = await Assert.ThrowsAsync<HttpRequestException>(() => sending);
        Assert.Equal(HttpRequestError.ResponseEnded, e.HttpRequestError);
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(e.InnerException).SocketErrorCode);
    }

    [Fact]
    public async Task A_server_that_answers_without_reading_the_request_and_closes_has_answered()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{_server.Authority}/") { Content = new ByteArrayContent(new byte[8 << 20]) };
        var sending = _client.SendAsync(request, Chatbot.Cancelled);
        var connection = await _server.AcceptAsync();
        await connection.SendAsync("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 8\r\n\r\nToo much");
        // What was not read resets the connection.
        connection.Close();

        using var response = await sending;

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Equal("Too much", await response.Content.ReadAsStringAsync(Chatbot.Cancelled));
    }

    [Fact]
    public async Task A_port_where_nobody_listens_refuses_the_connection()
    {
        // Bound, so that nobody else listens there meanwhile.
        using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));

        var e = await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync($"http://{bound.LocalEndPoint}/"));
        Assert.Equal(HttpRequestError.ConnectionError, e.HttpRequestError);
        Assert.Equal(SocketError.ConnectionRefused, Assert.IsType<SocketException>(e.InnerException).SocketErrorCode);
        Assert.Contains(bound.LocalEndPoint!.ToString()!, e.Message);
    }

    [Fact]
    public async Task A_name_that_does_not_exist_is_told_from_a_server_that_does_not_answer()
    {
        // RFC 6761, section 6.4. A resolver that says something else, or nothing, is not what is tested.
        const string Name = "name.invalid";
        var resolver = await Record.ExceptionAsync(() => Dns.GetHostAddressesAsync(Name, Chatbot.Cancelled));
        Assert.SkipUnless(resolver is SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData }, "This machine's resolver doesn't deny .invalid.");

        var e = await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync($"http://{Name}/"));
        Assert.Equal(HttpRequestError.NameResolutionError, e.HttpRequestError);
    }

    [Fact]
    public async Task A_host_is_reached_although_its_first_addresses_refuse_or_do_not_answer()
    {
        var port = PortOf(_server.Authority);
        using var silent = new SilentServer(SilentServer.First, port);
        IPAddress[] found = [SilentServer.First, IPAddress.IPv6Loopback, SilentServer.Second, IPAddress.Loopback];
        var addresses = new AddressCache(TimeProvider.System, _ => Task.FromResult(found));
        using var client = new HttpMessageInvoker(new StreamingHttpHandler(TimeSpan.FromSeconds(8), TimeProvider.System) { Addresses = addresses });

        var answering = AnswerAsync();
        using var response = await client.SendAsync(new HttpRequestMessage(HttpMethod.Get, $"http://model.example:{port}/"), Chatbot.Cancelled);
        await answering;

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        // The next request doesn't wait for the same address.
        Assert.Equal([.. found[1..], SilentServer.First], await addresses.FindAsync("model.example", Chatbot.Cancelled));

        async Task AnswerAsync() => await (await _server.AcceptRequestAsync()).SendAsync("HTTP/1.1 204 No Content\r\n\r\n");
    }

    [Fact]
    public async Task A_host_whose_addresses_all_do_not_answer_times_out()
    {
        using var first = new SilentServer(SilentServer.First, 0);
        using var second = new SilentServer(SilentServer.Second, first.Port);

        var e = await Assert.ThrowsAsync<OperationCanceledException>(() => GetFromAsync(first.Port, SilentServer.First, SilentServer.Second));
        Assert.IsType<TimeoutException>(e.InnerException);
        Assert.Contains($"model.example:{first.Port}", e.Message);
    }

    [Fact]
    public async Task A_host_whose_last_address_refuses_has_refused_the_connection()
    {
        using var silent = new SilentServer(SilentServer.First, 0);
        using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(SilentServer.Second, silent.Port));

        var e = await Assert.ThrowsAsync<HttpRequestException>(() => GetFromAsync(silent.Port, SilentServer.First, SilentServer.Second));
        Assert.Equal(HttpRequestError.ConnectionError, e.HttpRequestError);
        Assert.Equal(SocketError.ConnectionRefused, Assert.IsType<SocketException>(e.InnerException).SocketErrorCode);
    }

    [Fact]
    public async Task Cancelling_ends_a_request_that_waits_for_the_first_address_of_its_host()
    {
        using var silent = new SilentServer(SilentServer.First, 0);
        using var cancellation = new CancellationTokenSource();
        var addresses = new AddressCache(TimeProvider.System, _ => Task.FromResult<IPAddress[]>([SilentServer.First, SilentServer.Second]));
        using var client = new HttpMessageInvoker(new StreamingHttpHandler(TimeSpan.FromSeconds(30), TimeProvider.System) { Addresses = addresses });
        var sending = client.SendAsync(new HttpRequestMessage(HttpMethod.Get, $"http://model.example:{silent.Port}/"), cancellation.Token);
        await cancellation.CancelAsync();

        await CancelledAsync(sending, cancellation.Token);
        // The address had no time to answer.
        Assert.Equal([SilentServer.First, SilentServer.Second], await addresses.FindAsync("model.example", Chatbot.Cancelled));
    }

    [Fact]
    public async Task Cancelling_ends_a_request_that_waits_for_its_connection()
    {
        // Its backlog is full: the connections after that wait until a place is free.
        using var busy = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        busy.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        busy.Listen(0);
        using var cancellation = new CancellationTokenSource();
        var sending = Enumerable.Range(0, 8).Select(_ => GetAsync($"http://{busy.LocalEndPoint}/", cancellation.Token)).ToArray();
        await cancellation.CancelAsync();

        foreach (var request in sending)
            await CancelledAsync(request, cancellation.Token);
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\n")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n")]
    public async Task Cancelling_while_the_server_thinks_closes_the_connection(string part)
    {
        using var cancellation = new CancellationTokenSource();
        var sending = GetAsync($"http://{_server.Authority}/", cancellation.Token);
        var connection = await _server.AcceptRequestAsync();
        await connection.SendAsync(part);
        await cancellation.CancelAsync();

        await CancelledAsync(sending, cancellation.Token);
        await connection.ClosedByClientAsync();
    }

    [Fact]
    public async Task Cancelling_while_the_server_does_not_read_closes_the_connection()
    {
        using var cancellation = new CancellationTokenSource();
        // More than the sockets of both sides hold.
        var request = new HttpRequestMessage(HttpMethod.Post, $"http://{_server.Authority}/") { Content = new ByteArrayContent(new byte[16 << 20]) };
        var sending = _client.SendAsync(request, cancellation.Token);
        var connection = await _server.AcceptAsync();
        await cancellation.CancelAsync();

        await CancelledAsync(sending, cancellation.Token);
        await connection.ClosedByClientAsync(afterMore: true);
    }

    [Fact]
    public async Task A_request_that_is_cancelled_already_is_not_sent_on_an_open_connection()
    {
        var sending = GetAsync($"http://{_server.Authority}/");
        var connection = await _server.AcceptRequestAsync();
        await connection.SendAsync("HTTP/1.1 204 No Content\r\n\r\n");
        (await sending).Dispose();
        using var cancellation = new CancellationTokenSource();
        await cancellation.CancelAsync();

        await CancelledAsync(GetAsync($"http://{_server.Authority}/", cancellation.Token), cancellation.Token);
        await connection.ClosedByClientAsync();
    }

    /// <summary>Clients put sources of their own between their caller's token and the handler, and thousands of responses stream for minutes.</summary>
    [Fact]
    public async Task A_response_that_streams_does_not_refer_to_the_token_of_its_request()
    {
        var (response, source) = await SendAsync();
        using var body = await response.Content.ReadAsStreamAsync(Chatbot.Cancelled);
        var reading = body.ReadAsync(new byte[5], CancellationToken.None);

        await Eventually.TrueAsync(() =>
        {
            GC.Collect();
            return Task.FromResult(!source.IsAlive);
        }, () => "The request's token source is still reachable.");
        Assert.False(reading.IsCompleted);

        // In a method of its own, whose variables are gone at its end.
        async Task<(HttpResponseMessage Response, WeakReference Source)> SendAsync()
        {
            var cancellation = new CancellationTokenSource();
            var sending = GetAsync($"http://{_server.Authority}/", cancellation.Token);
            await (await _server.AcceptRequestAsync()).SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            return (await sending, new WeakReference(cancellation));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Disposing_the_response_or_its_stream_closes_the_connection(bool stream)
    {
        var sending = GetAsync($"http://{_server.Authority}/");
        var connection = await _server.AcceptRequestAsync();
        await connection.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n");
        var response = await sending;
        var body = await response.Content.ReadAsStreamAsync(Chatbot.Cancelled);
        await body.ReadExactlyAsync(new byte[5], Chatbot.Cancelled);

        if (stream)
            await body.DisposeAsync();
        else
            response.Dispose();

        await connection.ClosedByClientAsync();
    }

    [Fact]
    public async Task Cancelling_a_read_ends_it_and_leaves_the_stream_to_whoever_disposes_it()
    {
        using var cancellation = new CancellationTokenSource();
        var (connection, body) = await RespondAsync("Transfer-Encoding: chunked\r\n\r\n");
        var reading = body.ReadAsync(new byte[5], cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);

        await body.DisposeAsync();
        await connection.ClosedByClientAsync();
    }

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
    }

    private Task<HttpResponseMessage> GetAsync(string url, CancellationToken? cancellation = null) =>
        _client.SendAsync(new HttpRequestMessage(HttpMethod.Get, url), cancellation ?? Chatbot.Cancelled);

    /// <summary>Sends a request to a host that has these addresses, with a second to connect.</summary>
    private static async Task<HttpResponseMessage> GetFromAsync(int port, params IPAddress[] addresses)
    {
        using var client = new HttpMessageInvoker(new StreamingHttpHandler(TimeSpan.FromSeconds(1), TimeProvider.System)
        {
            Addresses = new AddressCache(TimeProvider.System, _ => Task.FromResult(addresses)),
        });
        return await client.SendAsync(new HttpRequestMessage(HttpMethod.Get, $"http://model.example:{port}/"), Chatbot.Cancelled);
    }

    private static int PortOf(string authority) => IPEndPoint.Parse(authority).Port;

    private static async Task CancelledAsync(Task<HttpResponseMessage> sending, CancellationToken cancellation)
    {
        var e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        Assert.Equal(cancellation, e.CancellationToken);
    }

    /// <summary>Answers a request with status 200 and what follows it.</summary>
    private async Task<(RawServer.Connection Connection, Stream Body)> RespondAsync(string headersAndBody)
    {
        var sending = GetAsync($"http://{_server.Authority}/");
        var connection = await _server.AcceptRequestAsync();
        await connection.SendAsync("HTTP/1.1 200 OK\r\n", headersAndBody);
        return (connection, await (await sending).Content.ReadAsStreamAsync(Chatbot.Cancelled));
    }

    /// <summary>Reads to the end. Where that is an exception, <paramref name="expected"/> has been read before it.</summary>
    private static async Task ReadAsync(Stream body, string expected)
    {
        var read = new MemoryStream();
        try
        {
            await body.CopyToAsync(read, Chatbot.Cancelled);
        }
        finally
        {
            Assert.Equal(expected, Encoding.ASCII.GetString(read.ToArray()));
        }
    }

    /// <summary>An address that answers no attempt to connect: its backlog is full.</summary>
    private sealed class SilentServer : IDisposable
    {
        /// <summary>Addresses of the loopback interface, at which nothing else listens.</summary>
        public static readonly IPAddress First = IPAddress.Parse("127.0.0.2");

        /// <inheritdoc cref="First"/>
        public static readonly IPAddress Second = IPAddress.Parse("127.0.0.3");

        private readonly Socket _listener = NewSocket();
        private readonly List<Socket> _waiting = [];

        public SilentServer(IPAddress address, int port)
        {
            Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems have one loopback address.");
            _listener.Bind(new IPEndPoint(address, port));
            _listener.Listen(0);
            // One is accepted by the system, and the others wait.
            for (var i = 0; i < 4; i++)
            {
                var socket = NewSocket();
                socket.Blocking = false;
                _waiting.Add(socket);
                Assert.Equal(SocketError.WouldBlock, Assert.IsAssignableFrom<SocketException>(Record.Exception(() => socket.Connect(_listener.LocalEndPoint!))).SocketErrorCode);
            }
        }

        public int Port => PortOf(_listener.LocalEndPoint!.ToString()!);

        public void Dispose()
        {
            _listener.Dispose();
            foreach (var socket in _waiting)
                socket.Dispose();
        }

        private static Socket NewSocket() => new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    }
}
