using System.Net.Sockets;

namespace Llasta.Streaming.Http;

/// <summary>
/// Sends a request. Head and body leave together, in one packet if they are short, so that the server wakes up once. A long body is not
/// copied as a whole.
/// </summary>
/// <param name="socket">The connection, in non-blocking mode.</param>
/// <param name="length">The bytes of the whole request.</param>
internal sealed class RequestStream(Socket socket, long length) : Stream
{
    private const int MaxBuffer = 64 << 10;

    private readonly byte[] _buffer = new byte[Math.Min(length, MaxBuffer)];
    private int _filled;
    private bool _keepsReference;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            if (_filled == _buffer.Length)
                await SendAsync(cancellationToken);
            var part = Math.Min(buffer.Length, _buffer.Length - _filled);
            buffer[..part].CopyTo(_buffer.AsMemory(_filled));
            _filled += part;
            buffer = buffer[part..];
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Sends what was not sent yet.</summary>
    public async ValueTask EndAsync(CancellationToken cancellation)
    {
        await SendAsync(cancellation);
        // An asynchronous send keeps a reference to its buffer for as long as the socket lives, until the next one.
        if (_keepsReference)
            await socket.SendAsync(ReadOnlyMemory<byte>.Empty, SocketFlags.None, cancellation);
    }

    private async ValueTask SendAsync(CancellationToken cancellation)
    {
        var rest = _buffer.AsMemory(0, _filled);
        _filled = 0;
        // Only the bytes that the socket's buffer does not take at once are sent asynchronously.
        rest = rest[socket.Send(rest.Span, SocketFlags.None, out _)..];
        while (!rest.IsEmpty)
        {
            _keepsReference = true;
            rest = rest[await socket.SendAsync(rest, SocketFlags.None, cancellation)..];
        }
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
