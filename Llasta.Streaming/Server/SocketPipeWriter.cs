using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace Llasta.Streaming.Server;

/// <summary>
/// A connection's output that sends during the flush. Kestrel's own output hands every flush to a loop on the other side of a pipe, which
/// for a token of 50 bytes costs more than the rest of Kestrel's work (docs/performance.md).
/// </summary>
/// <param name="connection">Closed when it is found to be broken.</param>
internal sealed class SocketPipeWriter(RelayConnection connection) : PipeWriter
{
    private byte[]? _buffer;
    private int _length;

    /// <summary>Sends what the socket didn't take at once; null while the reader isn't behind. Its result tells whether the connection is usable.</summary>
    private Task<bool>? _sending;

    /// <summary>Cancels the waiting for <see cref="_sending"/>.</summary>
    private CancellationTokenSource? _waiting;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _length;

    public override Memory<byte> GetMemory(int sizeHint = 0) => Room(sizeHint).AsMemory(_length);

    public override Span<byte> GetSpan(int sizeHint = 0) => Room(sizeHint).AsSpan(_length);

    public override void Advance(int bytes) => _length += bytes;

    /// <summary>Sends what was written, and waits while the reader is behind. A cancelled wait takes nothing from what is sent.</summary>
    /// <returns>A completed result if the connection is broken.</returns>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (_length > 0)
            Send();
        return _sending is { } sending ? WaitAsync(sending, cancellationToken) : default;
    }

    public override void CancelPendingFlush() => _waiting?.Cancel();

    /// <summary>Does nothing: the connection sends what is left, and closes, when it is disposed.</summary>
    public override void Complete(Exception? exception = null)
    {
    }

    /// <summary>
    /// Sends what the socket takes, unless something waits already, and lets the rest wait. The buffer goes back to the pool, because
    /// thousands of connections wait at the same time.
    /// </summary>
    private void Send()
    {
        var (buffer, length) = (_buffer!, _length);
        (_buffer, _length) = (null, 0);
        var sent = _sending is null ? TrySend(buffer.AsSpan(0, length)) : 0;
        if (sent == length)
            ArrayPool<byte>.Shared.Return(buffer);
        else
            _sending = SendAsync(_sending, buffer, sent, length);
    }

    private int TrySend(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return connection.Socket.Send(bytes, SocketFlags.None, out _);
        }
        catch (ObjectDisposedException)
        {
            // SendAsync reports it.
            return 0;
        }
    }

    private async Task<bool> SendAsync(Task<bool>? before, byte[] buffer, int sent, int length)
    {
        try
        {
            if (before is not null && !await before)
                return false;
            while (sent < length)
                sent += await connection.Socket.SendAsync(buffer.AsMemory(sent, length - sent));
            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            connection.Close();
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask<FlushResult> WaitAsync(Task<bool> sending, CancellationToken cancellation)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _waiting = waiting;
        try
        {
            var usable = await sending.WaitAsync(waiting.Token);
            if (usable && _sending == sending)
                _sending = null;
            return new FlushResult(isCanceled: false, isCompleted: !usable);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new FlushResult(isCanceled: true, isCompleted: false);
        }
        finally
        {
            _waiting = null;
        }
    }

    private byte[] Room(int sizeHint)
    {
        if (_buffer is null)
            return _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(sizeHint, 4096));
        if (_buffer.Length - _length >= Math.Max(sizeHint, 1))
            return _buffer;

        PooledBuffer.Lengthen(ref _buffer, Math.Max(_length + sizeHint, _buffer.Length * 2));
        return _buffer;
    }
}
