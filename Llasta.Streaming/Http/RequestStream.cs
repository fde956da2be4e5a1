using System.Buffers;
using System.Net.Sockets;
using System.Text;

namespace Llasta.Streaming.Http;

/// <summary>
/// Sends a request. Head and body leave together, in one packet if they are short, so that the server wakes up once. A long body is not
/// copied as a whole.
/// </summary>
/// <param name="socket">The connection, in non-blocking mode. Closing it ends a write that waits.</param>
/// <param name="bodyLength">The bytes of the request's body.</param>
internal sealed class RequestStream(Socket socket, long bodyLength) : Stream
{
    /// <summary>Enough for most heads.</summary>
    private const int HeadBytes = 1 << 10;

    private const int MaxBuffer = 64 << 10;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(HeadBytes + bodyLength, MaxBuffer));
    private int _filled;
    private bool _keepsReference;

    /// <summary>Adds to the head, which must be complete before the body is written.</summary>
    public void WriteHead(params ReadOnlySpan<string> parts)
    {
        foreach (var part in parts)
        {
            if (part.Length > _buffer.Length - _filled)
                PooledBuffer.Lengthen(ref _buffer, Math.Max(_buffer.Length * 2, _filled + part.Length));
            _filled += Encoding.Latin1.GetBytes(part, _buffer.AsSpan(_filled));
        }
    }

    /// <summary>Writes a part of the body.</summary>
    /// <param name="buffer">The part.</param>
    /// <param name="cancellationToken">Not used: whoever cancels the request closes the socket.</param>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            if (_filled == _buffer.Length)
                await SendAsync();
            var part = Math.Min(buffer.Length, _buffer.Length - _filled);
            buffer[..part].CopyTo(_buffer.AsMemory(_filled));
            _filled += part;
            buffer = buffer[part..];
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Sends what was not sent yet.</summary>
    public async ValueTask EndAsync()
    {
        await SendAsync();
        // An asynchronous send keeps a reference to its buffer for as long as the socket lives, until the next one.
        if (_keepsReference)
            await socket.SendAsync(ReadOnlyMemory<byte>.Empty, SocketFlags.None, CancellationToken.None);
    }

    private async ValueTask SendAsync()
    {
        var rest = _buffer.AsMemory(0, _filled);
        _filled = 0;
        // Only the bytes that the socket's buffer does not take at once are sent asynchronously.
        rest = rest[socket.Send(rest.Span, SocketFlags.None, out _)..];
        while (!rest.IsEmpty)
        {
            _keepsReference = true;
            rest = rest[await socket.SendAsync(rest, SocketFlags.None, CancellationToken.None)..];
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            // Nothing may be written to it any more.
            _buffer = null!;
        }

        base.Dispose(disposing);
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>A blocking send would stop the streams that share the thread.</summary>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
