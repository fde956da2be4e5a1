using System.Diagnostics;
using System.Net.Sockets;
using Llasta.Streaming.Http;

namespace Llasta.Streaming;

/// <summary>
/// The step that every stream repeats: flush what was written for the reader, wait, read what upstream sent next. One flush per upstream
/// read, however many tokens the read brings, and never a timer. A slow reader delays the flush, and with it the next read: that is the
/// backpressure.
/// </summary>
/// <param name="upstream">The body of the upstream response.</param>
/// <param name="response">The response to the reader.</param>
/// <param name="lease">Cancels the waiting, and is watched by the sweep.</param>
/// <param name="initialBytes">The first size of the buffer. It should hold what upstream usually sends at a time, and not more: there are thousands of streams.</param>
public sealed class StreamPump(Stream upstream, ResponseWriter response, StreamLease lease, int initialBytes)
{
    /// <summary>The buffer of a stream that is behind grows to this size, so that it reads more at a time.</summary>
    private const int BurstBytes = 8 << 10;

    /// <summary>The most bytes that may stay untaken: the longest event.</summary>
    private const int MaxBytes = 1 << 20;

    // The library's own body is received and decoded here: each asynchronous layer on the way costs a tenth of the pump's work.
    private readonly ResponseBody? _body = upstream as ResponseBody;
    private byte[] _buffer = new byte[initialBytes];
    private TimeSlice _slice;
    private int _start;
    private int _end;

    /// <summary>Bytes that were read and not taken yet. Valid until the next read.</summary>
    public Span<byte> Unread => _buffer.AsSpan(_start, _end - _start);

    /// <summary>When the last upstream read completed (<see cref="Stopwatch.GetTimestamp"/>).</summary>
    public long ReadAt { get; private set; }

    /// <summary>When the last flush to the reader completed (<see cref="Stopwatch.GetTimestamp"/>).</summary>
    public long FlushedAt { get; private set; }

    /// <summary>Removes the first bytes of <see cref="Unread"/>.</summary>
    /// <param name="count">The number of bytes.</param>
    public void Take(int count) => _start += count;

    /// <summary>
    /// Repeats steps 6, 4 and 5 of README.md: sends what was written to the response, reads from upstream, and lets the endpoint do its work.
    /// What the last piece of work writes is not sent yet.
    /// </summary>
    /// <param name="work">Takes bytes and writes to the response, after each read. Returns false when it needs no more.</param>
    /// <returns>True at the end of the upstream response, false if <paramref name="work"/> has ended the reading.</returns>
    /// <exception cref="InvalidDataException">Over 1 MiB was left untaken.</exception>
    /// <exception cref="IOException">The upstream connection broke.</exception>
    /// <exception cref="OperationCanceledException">The lease was cancelled (<see cref="StreamLease.Cancellation"/>).</exception>
    public async Task<bool> RunAsync(Func<bool> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        await using var closing = _body?.CloseWhen(lease.Cancellation) ?? default;
        try
        {
            while (true)
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
                try
                {
                    // Repeats only when a read brings nothing but framing.
                    do
                    {
                        var reading = Read();
                        if (!reading.IsCompleted)
                        {
                            _slice.Reset();
                        }
                        else if (_slice.IsOver(lease.Time))
                        {
                            // Upstream sends as fast as its tokens can be relayed: the other streams get their turn.
                            await Task.Yield();
                            _slice.Reset();
                        }

                        read = await reading;
                    }
                    while (_body is not null && !_body.TryDecode(_buffer.AsSpan(_end, read), out read));
                }
                finally
                {
                    await lease.EndWaitAsync();
                }

                ReadAt = Stopwatch.GetTimestamp();
                if (read == 0)
                    return true;
                _end += read;
                if (!work())
                    return false;
                if (_body is { HasEnded: true })
                    return true;
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException && lease.Cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException("The stream was cancelled.", e, lease.Cancellation);
        }
        catch (SocketException e)
        {
            throw ResponseBody.Broken(e);
        }
    }

    private ValueTask<int> Read()
    {
        var room = _buffer.AsMemory(_end);
        return _body is null ? upstream.ReadAsync(room, lease.Cancellation) : _body.ReceiveAsync(room, CancellationToken.None);
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
