using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Llasta.Streaming.Http;

/// <summary>
/// An HTTP/1.1 client for streams inside a trusted network. <see cref="SocketsHttpHandler"/> supports all of HTTP; its buffers, layers and
/// timers cost 10 KB per stream, 300 bytes per token and a tenth of the relay's CPU time (docs/performance.md).
/// </summary>
/// <remarks>
/// <para>
/// A connection is used again only while it is young (<see cref="ConnectionPool"/>); most streams have one of their own. No request is
/// ever sent twice.
/// </para>
/// <para>
/// The handler reads a status line, headers, and a body that is chunked, has a length, or ends with the connection. It does not support
/// TLS, proxies, redirects, cookies or compression.
/// </para>
/// </remarks>
/// <param name="connectTimeout">The time limit for name resolution and connecting together.</param>
/// <param name="time">Measures the age of addresses and connections.</param>
public sealed class StreamingHttpHandler(TimeSpan connectTimeout, TimeProvider time) : HttpMessageHandler
{
    /// <summary>The longest response head, and the most bytes of informational responses before it. uvicorn and Kestrel send a few hundred bytes.</summary>
    private const int MaxHeadBytes = 32 << 10;

    /// <summary>Enough for most heads.</summary>
    private const int HeadBytes = 1 << 10;

    /// <summary>An address of many gets at least this, if twice as much is left: the system repeats a packet that was lost after a second.</summary>
    private static readonly TimeSpan LeastShare = TimeSpan.FromSeconds(1.5);

    private readonly ConnectionPool _pool = new(time);

    /// <summary>The addresses of the servers. Tests replace it, because no resolver has the names that they need.</summary>
    internal AddressCache Addresses { get; init; } = new(time, Dns.GetHostAddressesAsync);

    /// <summary>Sends a request.</summary>
    /// <returns>The response, as soon as its head has been read. Disposing it or its stream before the end closes the connection.</returns>
    /// <exception cref="HttpRequestException">
    /// No connection or no HTTP response; <see cref="HttpRequestException.HttpRequestError"/> tells which. With a <see cref="SocketException"/>
    /// of <see cref="SocketError.TooManyOpenSockets"/> inside, this process has no file descriptor for a connection.
    /// </exception>
    /// <exception cref="OperationCanceledException">Cancelled; with a <see cref="TimeoutException"/> inside, the connect timeout has passed.</exception>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Connection? connection = null;
        try
        {
            var uri = request.RequestUri!;
            var now = time.GetTimestamp();
            var authority = uri.Authority;
            connection = _pool.Take(authority) ?? new Connection(await ConnectAsync(uri, cancellationToken), authority, now);
            HttpResponseMessage response;
            // Not a token for each send and receive: the socket would refer to the last one, and thereby to the caller's sources of it, for as
            // long as the response streams.
            await using (cancellationToken.UnsafeRegister(static socket => ((Socket)socket!).Dispose(), connection.Socket))
            {
                var isSent = false;
                try
                {
                    await WriteAsync(connection, request, cancellationToken);
                    isSent = true;
                }
                catch (SocketException) when (!cancellationToken.IsCancellationRequested)
                {
                    // A server that answers before it has read the request, for example because it is too large, then closes the connection.
                    // The answer is there; if not, reading fails, too.
                }

                response = await ReadAsync(connection, request, isSent);
            }

            // Its socket may have been closed after the head was read.
            cancellationToken.ThrowIfCancellationRequested();
            return response;
        }
        catch (Exception e)
        {
            connection?.Socket.Dispose();
            if (cancellationToken.IsCancellationRequested)
                throw new OperationCanceledException("The request was cancelled.", e, cancellationToken);
            if (e is SocketException)
                throw new HttpRequestException(HttpRequestError.ResponseEnded, $"The connection broke before a response: {e.Message}.", e);
            throw;
        }
    }

    private async Task<Socket> ConnectAsync(Uri uri, CancellationToken cancellation)
    {
        var begunAt = Stopwatch.GetTimestamp();
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(connectTimeout);
        Socket? socket = null;
        try
        {
            var addresses = await Addresses.FindAsync(uri.IdnHost, timeout.Token);
            if (addresses is [var only])
            {
                socket = NewSocket(only);
                await socket.ConnectAsync(new IPEndPoint(only, uri.Port), timeout.Token);
            }
            else
            {
                socket = await ConnectToAnyAsync(addresses, uri.Port, begunAt, timeout.Token);
            }

            socket.Blocking = false;
            return FileDescriptors.IsSpare(socket) ? throw new SocketException((int)SocketError.TooManyOpenSockets) : socket;
        }
        catch (Exception e)
        {
            socket?.Dispose();
            if (!cancellation.IsCancellationRequested)
                Addresses.Forget(uri.IdnHost);
            if (e is SocketException { SocketErrorCode: var code })
            {
                var error = code is SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain ? HttpRequestError.NameResolutionError : HttpRequestError.ConnectionError;
                throw new HttpRequestException(error, $"No connection to {uri.Authority}: {e.Message}.", e);
            }

            if (e is OperationCanceledException && !cancellation.IsCancellationRequested)
                throw new OperationCanceledException($"No connection to {uri.Authority} within {connectTimeout}.", new TimeoutException(e.Message, e), timeout.Token);
            throw;
        }
    }

    /// <summary>
    /// Tries the addresses of a host one after the other. Each gets an equal share of the time that is left, or at least half of it up to
    /// <see cref="LeastShare"/>: an address that does not answer, for example of a node that has failed, must leave time for those that do.
    /// </summary>
    /// <returns>A connection to the first address that accepts one; if there is none, the last address's exception is thrown.</returns>
    private async Task<Socket> ConnectToAnyAsync(IPAddress[] addresses, int port, long begunAt, CancellationToken timeout)
    {
        for (var i = 0; ; i++)
        {
            var address = addresses[i];
            var others = addresses.Length - i - 1;
            Socket? socket = null;
            var left = (connectTimeout - Stopwatch.GetElapsedTime(begunAt)).Ticks;
            var share = TimeSpan.FromTicks(Math.Max(Math.Max(left / (others + 1), Math.Min(left / 2, LeastShare.Ticks)), 0));
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(timeout);
            try
            {
                // The last one may use all the time that is left.
                if (others > 0)
                    limit.CancelAfter(share);
                socket = NewSocket(address);
                await socket.ConnectAsync(new IPEndPoint(address, port), limit.Token);
                Addresses.Restore(address);
                return socket;
            }
            catch (Exception e)
            {
                socket?.Dispose();
                if (others == 0 || timeout.IsCancellationRequested)
                    throw;
                if (e is not (OperationCanceledException or SocketException))
                    throw;
                // The last of many have too little time to be called silent.
                if (e is OperationCanceledException ? share > connectTimeout / (2 * addresses.Length) : e is SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.HostUnreachable })
                    Addresses.Defer(address);
            }
        }
    }

    private static Socket NewSocket(IPAddress address) => new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    private static async Task WriteAsync(Connection connection, HttpRequestMessage request, CancellationToken cancellation)
    {
        if (request.Content is { Headers.ContentLength: null } content)
            await content.LoadIntoBufferAsync(cancellation);
        using var message = new RequestStream(connection.Socket, request.Content?.Headers.ContentLength ?? 0);
        WriteHead(message, request, connection.Authority);
        if (request.Content is not null)
            await request.Content.CopyToAsync(message, cancellation);
        await message.EndAsync();
    }

    private static void WriteHead(RequestStream message, HttpRequestMessage request, string authority)
    {
        // Without a listener nobody records the activity that hosting has created, and the next server would treat the trace as not sampled.
        if (Activity.Current is { } activity && activity.Source.HasListeners())
            TraceContext.Propagator.Inject(activity, request.Headers, static (headers, name, value) => Replace((HttpRequestHeaders)headers!, name, value));

        message.WriteHead(request.Method.Method, " ", request.RequestUri!.PathAndQuery, " HTTP/1.1\r\nHost: ", request.Headers.Host ?? authority, "\r\n");
        foreach (var (name, values) in request.Headers.NonValidated)
        {
            if (name != "Host")
                message.WriteHead(name, ": ", values.ToString(), "\r\n");
        }

        if (request.Content is { Headers: var headers })
        {
            message.WriteHead("Content-Length: ", headers.ContentLength!.Value.ToString(CultureInfo.InvariantCulture), "\r\n");
            foreach (var (name, values) in headers.NonValidated)
            {
                if (name != "Content-Length")
                    message.WriteHead(name, ": ", values.ToString(), "\r\n");
            }
        }

        message.WriteHead("\r\n");

        static void Replace(HttpRequestHeaders headers, string name, string value)
        {
            headers.Remove(name);
            headers.TryAddWithoutValidation(name, value);
        }
    }

    private async Task<HttpResponseMessage> ReadAsync(Connection connection, HttpRequestMessage request, bool isSent)
    {
        // Waits without a buffer, because thousands of requests may wait for their responses at the same time.
        await connection.Socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, CancellationToken.None);
        var buffer = ArrayPool<byte>.Shared.Rent(HeadBytes);
        try
        {
            var length = 0;
            var interim = 0;
            while (true)
            {
                if (length == buffer.Length)
                    PooledBuffer.Lengthen(ref buffer, length < MaxHeadBytes ? length * 2 : throw ResponseHead.Invalid($"its head is over {MaxHeadBytes} bytes"));
                var read = await connection.Socket.ReceiveAsync(buffer.AsMemory(length), SocketFlags.None, CancellationToken.None);
                if (read == 0)
                    throw new HttpRequestException(HttpRequestError.ResponseEnded, "The connection was closed without a response.");
                // The last read may have ended in the middle of the four bytes that end the head.
                var scanned = Math.Max(length - 3, 0);
                length += read;

                while (FindEnd(buffer.AsSpan(0, length), scanned) is >= 0 and var end)
                {
                    var early = buffer.AsMemory((end + 4)..length);
                    var status = ResponseHead.Status(buffer.AsSpan(0, end));
                    if (status >= 200)
                        return Response(connection, request, isSent, (HttpStatusCode)status, buffer.AsSpan(0, end), early.ToArray());

                    // An informational response: the final one follows. Nothing here asks for another protocol.
                    if (status == (int)HttpStatusCode.SwitchingProtocols)
                        throw ResponseHead.Invalid("it switches protocols");
                    if ((interim += end + 4) > MaxHeadBytes)
                        throw ResponseHead.Invalid($"it begins with over {MaxHeadBytes} bytes of informational responses");
                    early.CopyTo(buffer);
                    length = early.Length;
                    scanned = 0;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static int FindEnd(ReadOnlySpan<byte> buffer, int scanned)
    {
        if (buffer[scanned..].IndexOf("\r\n\r\n"u8) is >= 0 and var end)
            return scanned + end;
        return buffer[scanned..].IndexOf("\n\n"u8) < 0 ? -1 : throw ResponseHead.Invalid("its lines end without a carriage return");
    }

    private HttpResponseMessage Response(Connection connection, HttpRequestMessage request, bool isSent, HttpStatusCode status, ReadOnlySpan<byte> head, ReadOnlyMemory<byte> early)
    {
        var body = new ResponseBody(connection, early, _pool, time);
        var response = new HttpResponseMessage(status) { RequestMessage = request, Content = new ResponseContent(body) };
        var hasBody = request.Method != HttpMethod.Head && status is not (HttpStatusCode.NoContent or HttpStatusCode.NotModified);
        var framing = ResponseHead.ReadFields(head, response, hasBody);
        // The server would take the next request for the rest of this one.
        body.Begin(isSent ? framing : framing with { KeepAlive = false });
        return response;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _pool.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Returns the body itself as the content's stream; <see cref="StreamContent"/> would wrap it.</summary>
    private sealed class ResponseContent(ResponseBody body) : HttpContent
    {
        protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult<Stream>(body);

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => body.CopyToAsync(stream);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                body.Dispose();
            base.Dispose(disposing);
        }
    }
}
