using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Llasta.Streaming.Server;

/// <summary>
/// A connection's output that sends during the flush. Kestrel's own output hands every flush to a loop on the other side of a pipe, which
/// for a token of 50 bytes costs more than the rest of Kestrel's work (docs/performance.md).
/// </summary>
/// <param name="socket">The connection's socket.</param>
/// <param name="queue">
/// Kestrel's own output. It takes what the socket doesn't take at once (the reader is behind) and reports broken connections. Its flush must
/// complete only when it is empty, so that nothing overtakes it: <see cref="RelayServer.AddRelayServer"/> sets that.
/// </param>
internal sealed class SocketPipeWriter(Socket socket, PipeWriter queue) : PipeWriter
{
    private byte[]? _buffer;
    private int _length;
    private bool _queued;

    /// <summary>Middleware that replaces input and output of connections over sockets.</summary>
    internal static ConnectionDelegate Middleware(ConnectionDelegate next) => context =>
    {
        if (context.Features.Get<IConnectionSocketFeature>()?.Socket is { } socket)
        {
            socket.Blocking = false;
            context.Transport = new Transport(new FairPipeReader(context.Transport.Input), new SocketPipeWriter(socket, context.Transport.Output));
        }

        return next(context);
    };

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _length;

    public override Memory<byte> GetMemory(int sizeHint = 0) => Room(sizeHint).AsMemory(_length);

    public override Span<byte> GetSpan(int sizeHint = 0) => Room(sizeHint).AsSpan(_length);

    public override void Advance(int bytes) => _length += bytes;

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (_length > 0)
            Send();
        return _queued ? FlushQueueAsync(cancellationToken) : default;
    }

    public override void CancelPendingFlush() => queue.CancelPendingFlush();

    public override void Complete(Exception? exception = null)
    {
        if (_length > 0)
            Send();
        queue.Complete(exception);
    }

    /// <summary>
    /// Sends what the socket takes, unless something is queued already, and queues the rest. The buffer goes back to the pool, because
    /// thousands of connections wait at the same time.
    /// </summary>
    private void Send()
    {
        var sent = _queued ? 0 : TrySend();
        if (sent < _length)
        {
            _queued = true;
            queue.Write(_buffer.AsSpan(sent, _length - sent));
        }

        ArrayPool<byte>.Shared.Return(_buffer!);
        _buffer = null;
        _length = 0;
    }

    private int TrySend()
    {
        try
        {
            return socket.Send(_buffer.AsSpan(0, _length), SocketFlags.None, out _);
        }
        catch (ObjectDisposedException)
        {
            // The connection has just been closed; Kestrel's own output reports it.
            return 0;
        }
    }

    private async ValueTask<FlushResult> FlushQueueAsync(CancellationToken cancellation)
    {
        var result = await queue.FlushAsync(cancellation);
        // After a cancelled flush the queue may still hold something.
        _queued = result.IsCanceled;
        return result;
    }

    private byte[] Room(int sizeHint)
    {
        if (_buffer is null)
            return _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(sizeHint, 4096));
        if (_buffer.Length - _length >= Math.Max(sizeHint, 1))
            return _buffer;

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_length + sizeHint, _buffer.Length * 2));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        return _buffer = larger;
    }

    private sealed record Transport(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
