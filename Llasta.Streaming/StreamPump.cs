using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Llasta.Streaming;

/// <summary>
/// The step that every stream repeats: flush what was written for the reader, wait, read what upstream sent next. One flush per upstream
/// read, however many tokens the read brings, and never a timer. A slow reader delays the flush, and with it the next read: that is the
/// backpressure.
/// </summary>
/// <param name="upstream">The body of the upstream response.</param>
/// <param name="response">The response to the reader.</param>
/// <param name="lease">Cancels the waiting, and is watched by the sweep.</param>
public sealed class StreamPump(Stream upstream, ResponseWriter response, StreamLease lease)
{
    /// <summary>Holds one token's chunk of about 300 bytes. Most streams never need more, and there are thousands of them.</summary>
    private const int InitialBytes = 1 << 9;

    /// <summary>The buffer of a stream that is behind grows to this size, so that it reads more at a time.</summary>
    private const int BurstBytes = 8 << 10;

    /// <summary>The most bytes that may stay untaken: the longest event.</summary>
    private const int MaxBytes = 1 << 20;

    private byte[] _buffer = new byte[InitialBytes];
    private TimeSlice _slice;
    private int _start;
    private int _end;

    /// <summary>Bytes that were read and not taken yet. Valid until the next <see cref="FlushAndReadAsync"/>.</summary>
    public Span<byte> Unread => _buffer.AsSpan(_start, _end - _start);

    /// <summary>When the last upstream read completed (<see cref="Stopwatch.GetTimestamp"/>).</summary>
    public long ReadAt { get; private set; }

    /// <summary>When the last flush to the reader completed (<see cref="Stopwatch.GetTimestamp"/>).</summary>
    public long FlushedAt { get; private set; }

    /// <summary>Removes the first bytes of <see cref="Unread"/>.</summary>
    /// <param name="count">The number of bytes.</param>
    public void Take(int count) => _start += count;

    /// <summary>Sends what was written to the response (step 6 of README.md), then reads from upstream (step 4).</summary>
    /// <returns>False at the end of the upstream response.</returns>
    /// <exception cref="InvalidDataException">Over 1 MiB was left untaken.</exception>
    /// <exception cref="IOException">The upstream connection broke.</exception>
    /// <exception cref="OperationCanceledException">The lease was cancelled (<see cref="StreamLease.Cancellation"/>).</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> FlushAndReadAsync()
    {
        var written = response.HasUnflushed;
        var flush = response.FlushAsync();
        if (flush.IsCompletedSuccessfully)
        {
            // A ValueTask must be consumed once, even if it has completed.
            _ = flush.Result;
        }
        else
        {
            lease.BeginFlush();
            await flush.AsTask().WaitAsync(lease.Cancellation);
            lease.EndFlush();
            _slice.Reset();
        }

        MakeRoom();
        FlushedAt = lease.BeginWait(written);
        int read;
        bool waited;
        try
        {
            // The lease's token: the sweep and the drain cancel through it as well.
            var reading = upstream.ReadAsync(_buffer.AsMemory(_end), lease.Cancellation);
            waited = !reading.IsCompleted;
            read = await reading;
        }
        finally
        {
            await lease.EndWaitAsync();
        }

        ReadAt = Stopwatch.GetTimestamp();
        if (waited)
        {
            _slice.Reset();
        }
        else if (_slice.IsOver(lease.Time))
        {
            // Upstream sends as fast as its tokens can be relayed: the other streams get their turn.
            await Task.Yield();
            _slice.Reset();
        }

        _end += read;
        return read > 0;
    }

    /// <summary>Moves the untaken bytes to the front, and doubles the buffer if it is full, or, up to the burst size, if the last read filled it.</summary>
    private void MakeRoom()
    {
        var kept = Unread;
        if (kept.Length > MaxBytes)
            throw new InvalidDataException("An event of the upstream stream is over 1 MiB.");
        var next = kept.Length == _buffer.Length || (_end == _buffer.Length && _buffer.Length < BurstBytes) ? new byte[_buffer.Length * 2] : _buffer;
        if (next != _buffer || _start > 0)
            kept.CopyTo(next);
        _buffer = next;
        _start = 0;
        _end = kept.Length;
    }
}
