using System.Net.Sockets;

namespace Llasta.Streaming.Http;

/// <summary>
/// A response's body, read from the socket straight into the caller's buffer. Disposing it before its end closes the connection, which
/// tells the server that nobody reads any more.
/// </summary>
/// <param name="connection">The connection; the body owns it from now on.</param>
/// <param name="early">Bytes of the body that were read together with the head.</param>
/// <param name="pool">Takes the connection back when the body has ended.</param>
/// <param name="time">Measures how long reads take that bring nothing but framing.</param>
internal sealed class ResponseBody(Connection connection, ReadOnlyMemory<byte> early, ConnectionPool pool, TimeProvider time) : Stream
{
    private readonly Socket _socket = connection.Socket;
    private ReadOnlyMemory<byte> _early = early;
    private ChunkedDecoder _chunks;
    private TimeSlice _slice;
    private bool _chunked;
    private long? _remaining;
    private bool _ended;
    private bool _reusable;
    private bool _disposed;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;

    /// <summary>All of the body has been read.</summary>
    internal bool HasEnded => _ended;

    /// <summary>Sets how the body is framed, once the headers have been read.</summary>
    public void Begin(BodyFraming framing)
    {
        _chunked = framing.Chunked;
        _remaining = framing.Length;
        _ended = _remaining == 0;
        _reusable = framing.KeepAlive && (!_ended || _early.IsEmpty);
    }

    /// <summary>Reads what has arrived, at least one byte.</summary>
    /// <returns>The number of bytes read; 0 at the body's end.</returns>
    /// <exception cref="IOException">The connection broke, or closed before the body's end.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        try
        {
            // Repeats only when a read brings nothing but framing.
            int data;
            do
            {
                var receiving = ReceiveAsync(buffer, cancellationToken);
                if (!receiving.IsCompleted)
                {
                    _slice.Reset();
                }
                else if (_slice.IsOver(time))
                {
                    await Task.Yield();
                    _slice.Reset();
                }

                data = await receiving;
            }
            while (!TryDecode(buffer.Span[..data], out data));

            return data;
        }
        catch (SocketException e)
        {
            throw Broken(e);
        }
    }

    /// <summary>The first half of a read, for callers that have an asynchronous loop of their own: receives what has arrived, with its framing.</summary>
    /// <returns>The number of bytes for <see cref="TryDecode"/>.</returns>
    /// <exception cref="SocketException">The connection broke, or was closed (<see cref="CloseWhen"/>).</exception>
    internal ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation) =>
        _ended ? ValueTask.FromResult(0)
        : _early.IsEmpty ? _socket.ReceiveAsync(buffer, SocketFlags.None, cancellation)
        : ValueTask.FromResult(TakeEarly(buffer.Span));

    /// <summary>The second half of a read: removes the framing in place.</summary>
    /// <param name="received">What was received.</param>
    /// <param name="data">The number of bytes of data at the beginning of <paramref name="received"/>; 0 at the body's end.</param>
    /// <returns>False if there was nothing but framing: receive again.</returns>
    /// <exception cref="HttpIOException">The connection was closed before the body's end, or the framing is wrong.</exception>
    internal bool TryDecode(Span<byte> received, out int data)
    {
        data = 0;
        if (received.IsEmpty && !_ended)
            EndOfConnection();
        else if (!_ended)
            data = Decode(received);
        return data > 0 || _ended;
    }

    /// <summary>
    /// Closes the connection when <paramref name="cancellation"/> is cancelled, which ends a pending receive. A stream has one registration
    /// instead of one for each token.
    /// </summary>
    internal CancellationTokenRegistration CloseWhen(CancellationToken cancellation) => cancellation.UnsafeRegister(
        static state =>
        {
            var body = (ResponseBody)state!;
            body._reusable = false;
            body._socket.Dispose();
        },
        this);

    internal static IOException Broken(SocketException e) => new($"The connection broke: {e.Message}.", e);

    private int TakeEarly(Span<byte> buffer)
    {
        var length = Math.Min(buffer.Length, _early.Length);
        _early.Span[..length].CopyTo(buffer);
        // An empty slice would keep the buffer alive.
        _early = length == _early.Length ? default : _early[length..];
        return length;
    }

    /// <summary>Removes the framing in place.</summary>
    /// <returns>The number of bytes of data at the beginning of <paramref name="read"/>.</returns>
    private int Decode(Span<byte> read)
    {
        if (_chunked)
        {
            var data = _chunks.Decode(read);
            _ended = _chunks.IsEnd;
            return data;
        }

        if (_remaining is not { } remaining)
            return read.Length;
        _reusable &= read.Length <= remaining;
        _remaining = Math.Max(remaining - read.Length, 0);
        _ended = _remaining == 0;
        return (int)Math.Min(remaining, read.Length);
    }

    private void EndOfConnection()
    {
        if (_chunked || _remaining is not null)
            throw new HttpIOException(HttpRequestError.ResponseEnded, "The connection was closed before the response's end.");
        _ended = true;
        _reusable = false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            if (_reusable && EndHasArrived())
                pool.Return(connection);
            else
                _socket.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>
    /// Callers stop reading an event stream at its last event, and the last chunk often arrives in a packet of its own just after it. If it
    /// has arrived, the connection can be used again. This never waits.
    /// </summary>
    private bool EndHasArrived()
    {
        Span<byte> rest = stackalloc byte[256];
        try
        {
            while (!_ended)
            {
                var read = _early.IsEmpty ? _socket.Receive(rest, SocketFlags.None, out _) : TakeEarly(rest);
                if (read == 0 || Decode(rest[..read]) > 0)
                    return false;
            }

            return _reusable && _early.IsEmpty && !_chunks.HasExcess;
        }
        catch (HttpIOException)
        {
            return false;
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Flush() => throw new NotSupportedException();
}
