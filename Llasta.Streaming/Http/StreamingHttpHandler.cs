using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

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

    private readonly AddressCache _addresses = new(time, Dns.GetHostAddressesAsync);
    private readonly ConnectionPool _pool = new(time);

    /// <summary>Sends a request.</summary>
    /// <returns>The response, as soon as its head has been read. Disposing it or its stream before the end closes the connection.</returns>
    /// <exception cref="HttpRequestException">
    /// No connection or no HTTP response; <see cref="HttpRequestException.HttpRequestError"/> tells which. With a <see cref="SocketException"/>
    /// of <see cref="SocketError.TooManyOpenSockets"/> inside, this process has no file descriptor for a connection.
    /// </exception>
    /// <exception cref="OperationCanceledException">Cancelled; with a <see cref="TimeoutException"/> inside, the connect timeout has passed.</exception>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var uri = request.RequestUri!;
        var now = time.GetTimestamp();
        var connection = _pool.Take(uri.Authority) ?? new Connection(await ConnectAsync(uri, cancellationToken), uri.Authority, now);
        try
        {
            await WriteAsync(connection.Socket, request, cancellationToken);
            return await ReadAsync(connection, request, cancellationToken);
        }
        catch (SocketException e)
        {
            connection.Socket.Dispose();
            throw new HttpRequestException(HttpRequestError.ResponseEnded, $"The connection broke before a response: {e.Message}.", e);
        }
        catch
        {
            connection.Socket.Dispose();
            throw;
        }
    }

    private async Task<Socket> ConnectAsync(Uri uri, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(connectTimeout);
        Socket? socket = null;
        try
        {
            var addresses = await _addresses.FindAsync(uri.IdnHost, timeout.Token);
            // Dual-mode if the name has IPv4 and IPv6 addresses.
            socket = addresses is [var only]
                ? new Socket(only.AddressFamily, SocketType.Stream, ProtocolType.Tcp)
                : new Socket(SocketType.Stream, ProtocolType.Tcp);
            socket.NoDelay = true;
            if (addresses.Length == 1)
                await socket.ConnectAsync(new IPEndPoint(addresses[0], uri.Port), timeout.Token);
            else
                await socket.ConnectAsync(addresses, uri.Port, timeout.Token);
            socket.Blocking = false;
            return FileDescriptors.IsSpare(socket) ? throw new SocketException((int)SocketError.TooManyOpenSockets) : socket;
        }
        catch (Exception e)
        {
            socket?.Dispose();
            if (!cancellation.IsCancellationRequested)
                _addresses.Forget(uri.IdnHost);
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

    private static async Task WriteAsync(Socket socket, HttpRequestMessage request, CancellationToken cancellation)
    {
        if (request.Content is { Headers.ContentLength: null } content)
            await content.LoadIntoBufferAsync(cancellation);
        var head = Encoding.Latin1.GetBytes(Head(request));
        var message = new RequestStream(socket, head.Length + (request.Content?.Headers.ContentLength ?? 0));
        await message.WriteAsync(head, cancellation);
        if (request.Content is not null)
            await request.Content.CopyToAsync(message, cancellation);
        await message.EndAsync(cancellation);
    }

    private static string Head(HttpRequestMessage request)
    {
        var uri = request.RequestUri!;
        // Without a listener nobody records the activity that hosting has created, and the next server would treat the trace as not sampled.
        if (Activity.Current is { } activity && activity.Source.HasListeners())
            TraceContext.Propagator.Inject(activity, request.Headers, static (headers, name, value) => Replace((HttpRequestHeaders)headers!, name, value));

        var head = new StringBuilder(512);
        head.Append(CultureInfo.InvariantCulture, $"{request.Method} {uri.PathAndQuery} HTTP/1.1\r\nHost: {request.Headers.Host ?? uri.Authority}\r\n");
        foreach (var (name, values) in request.Headers.NonValidated)
        {
            if (name != "Host")
                head.Append(CultureInfo.InvariantCulture, $"{name}: {values}\r\n");
        }

        if (request.Content is { } content)
        {
            head.Append(CultureInfo.InvariantCulture, $"Content-Length: {content.Headers.ContentLength}\r\n");
            foreach (var (name, values) in content.Headers.NonValidated)
            {
                if (name != "Content-Length")
                    head.Append(CultureInfo.InvariantCulture, $"{name}: {values}\r\n");
            }
        }

        return head.Append("\r\n").ToString();

        static void Replace(HttpRequestHeaders headers, string name, string value)
        {
            headers.Remove(name);
            headers.TryAddWithoutValidation(name, value);
        }
    }

    private async Task<HttpResponseMessage> ReadAsync(Connection connection, HttpRequestMessage request, CancellationToken cancellation)
    {
        var buffer = new byte[1024];
        var length = 0;
        var interim = 0;
        while (true)
        {
            if (length == buffer.Length)
                Array.Resize(ref buffer, length < MaxHeadBytes ? length * 2 : throw ResponseHead.Invalid($"its head is over {MaxHeadBytes} bytes"));
            var read = await connection.Socket.ReceiveAsync(buffer.AsMemory(length), SocketFlags.None, cancellation);
            if (read == 0)
                throw new HttpRequestException(HttpRequestError.ResponseEnded, "The connection was closed without a response.");
            // The last read may have ended in the middle of the four bytes that end the head.
            var scanned = Math.Max(length - 3, 0);
            length += read;

            while (FindEnd(buffer.AsSpan(0, length), scanned) is >= 0 and var end)
            {
                var early = length == end + 4 ? default : buffer.AsMemory((end + 4)..length);
                var status = ResponseHead.Status(buffer.AsSpan(0, end));
                if (status >= 200)
                    return Response(connection, request, (HttpStatusCode)status, buffer.AsSpan(0, end), early);

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

    private static int FindEnd(ReadOnlySpan<byte> buffer, int scanned)
    {
        if (buffer[scanned..].IndexOf("\r\n\r\n"u8) is >= 0 and var end)
            return scanned + end;
        return buffer[scanned..].IndexOf("\n\n"u8) < 0 ? -1 : throw ResponseHead.Invalid("its lines end without a carriage return");
    }

    private HttpResponseMessage Response(Connection connection, HttpRequestMessage request, HttpStatusCode status, ReadOnlySpan<byte> head, ReadOnlyMemory<byte> early)
    {
        var body = new ResponseBody(connection, early, _pool, time);
        var response = new HttpResponseMessage(status) { RequestMessage = request, Content = new ResponseContent(body) };
        var hasBody = request.Method != HttpMethod.Head && status is not (HttpStatusCode.NoContent or HttpStatusCode.NotModified);
        body.Begin(ResponseHead.ReadFields(head, response, hasBody));
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
