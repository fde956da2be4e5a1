using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Llasta.ChatApi.Streaming;

/// <summary>
/// A response's body as it comes from the socket, read straight into the caller's buffer. Disposing it while more is to come closes the
/// connection, which is how the other side learns that nobody listens any more.
/// </summary>
/// <param name="connection">The connection, which is this body's from now on.</param>
/// <param name="early">What was read together with the head.</param>
/// <param name="idle">Where the connection goes when the body has ended.</param>
internal sealed class ResponseBody(Connection connection, ReadOnlyMemory<byte> early, IdleConnections idle) : Stream
{
    private readonly Socket _socket = connection.Socket;
    private ReadOnlyMemory<byte> _early = early;
    private ChunkedFraming _chunks;
    private bool _chunked;
    private long? _remaining;
    private bool _ended;
    private bool _reusable;
    private bool _disposed;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;

    /// <summary>Says where the body ends, which its headers tell.</summary>
    /// <param name="chunked">It has the chunked transfer coding.</param>
    /// <param name="length">Its length in bytes; where there is neither, it ends with the connection.</param>
    /// <param name="keepAlive">The server will take another request on the connection.</param>
    public void Begin(bool chunked, long? length, bool keepAlive)
    {
        _chunked = chunked;
        _remaining = length;
        _ended = length == 0;
        _reusable = keepAlive && (length != 0 || _early.IsEmpty);
    }

    /// <returns>0 at the body's end.</returns>
    /// <exception cref="IOException">The connection broke, or closed before the body's end.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            // More than one round only where a read brings nothing but framing.
            while (!_ended && !buffer.IsEmpty)
            {
                var read = _early.IsEmpty ? await _socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken) : TakeEarly(buffer.Span);
                if (read == 0)
                    EndOfConnection();
                else if (Unwrap(buffer.Span[..read]) is > 0 and var data)
                    return data;
            }

            return 0;
        }
        catch (SocketException e)
        {
            throw new IOException($"The connection broke: {e.Message}.", e);
        }
    }

    private int TakeEarly(Span<byte> buffer)
    {
        var length = Math.Min(buffer.Length, _early.Length);
        _early.Span[..length].CopyTo(buffer);
        // The last slice is empty and holds on to nothing.
        _early = length == _early.Length ? default : _early[length..];
        return length;
    }

    /// <returns>How many bytes of data these are; they are the first.</returns>
    private int Unwrap(Span<byte> read)
    {
        if (_chunked)
        {
            var data = _chunks.Unwrap(read);
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
            if (_reusable && EndIsHere())
                idle.Return(connection);
            else
                _socket.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>
    /// A stream is left at its <c>[DONE]</c>, and what ends its body often comes in a packet of its own, just behind. If it is there, the
    /// connection can be used again. Nothing is waited for.
    /// </summary>
    private bool EndIsHere()
    {
        Span<byte> rest = stackalloc byte[16];
        try
        {
            while (!_ended)
            {
                var read = _early.IsEmpty ? _socket.Receive(rest, SocketFlags.None, out _) : TakeEarly(rest);
                if (read == 0 || Unwrap(rest[..read]) > 0)
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
