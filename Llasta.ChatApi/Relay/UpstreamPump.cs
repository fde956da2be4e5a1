using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Llasta.ChatApi.Relay;

/// <summary>
/// The step that moves every stream: send what was written for the reader, wait, read what upstream sent next. One flush per upstream
/// read, whatever number of tokens the read brought, and never a timer. A slow reader holds up the flush, and with it the next read.
/// </summary>
/// <param name="upstream">The response's body.</param>
/// <param name="events">The reader's side.</param>
/// <param name="turn">What stops it, and what the sweep watches.</param>
internal sealed class UpstreamPump(Stream upstream, EventStream events, Turn turn)
{
    /// <summary>One token's chunk, which has about 300 bytes: most streams wait for no more, by the thousand.</summary>
    private const int InitialBytes = 1 << 9;

    /// <summary>A stream that is behind reads more at a time, up to so much.</summary>
    private const int BurstBytes = 8 << 10;

    /// <summary>What isn't taken is kept up to here, for what is longer than all before.</summary>
    private const int MaxBytes = 1 << 20;

    private byte[] _buffer = new byte[InitialBytes];
    private int _start;
    private int _end;

    /// <summary>What was read and not taken yet. Valid until the next <see cref="NextAsync"/>.</summary>
    public Span<byte> Unread => _buffer.AsSpan(_start, _end - _start);

    /// <summary>When upstream last spoke (<see cref="Stopwatch.GetTimestamp"/>).</summary>
    public long ReadAt { get; private set; }

    /// <summary>When the reader's connection last took what was written; likewise.</summary>
    public long FlushedAt { get; private set; }

    /// <summary>Takes the first bytes of <see cref="Unread"/>.</summary>
    public void Take(int count) => _start += count;

    /// <summary>Sends what was written and reads on.</summary>
    /// <returns>False when the response is over.</returns>
    /// <exception cref="InvalidDataException">Over 1 MiB was left untaken.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> NextAsync()
    {
        var written = events.HasWritten;
        var flush = events.FlushAsync();
        if (flush.IsCompletedSuccessfully)
        {
            // A ValueTask is to be consumed once, also when it is done.
            _ = flush.Result;
        }
        else
        {
            turn.BeginFlush();
            await flush.AsTask().WaitAsync(turn.Stop);
            turn.EndFlush();
        }

        MakeRoom();
        FlushedAt = turn.BeginWait(written);
        int read;
        try
        {
            // The turn's token: the sweep and the drain cancel through it, too.
            read = await upstream.ReadAsync(_buffer.AsMemory(_end), turn.Stop);
        }
        finally
        {
            await turn.EndWaitAsync();
        }

        ReadAt = Stopwatch.GetTimestamp();
        _end += read;
        return read > 0;
    }

    /// <summary>Moves what is kept to the front, and takes a larger buffer when the last read filled this one.</summary>
    private void MakeRoom()
    {
        var kept = Unread;
        if (kept.Length > MaxBytes)
            throw new InvalidDataException("An event of the model's stream is over 1 MiB.");
        var next = kept.Length == _buffer.Length || (_end == _buffer.Length && _buffer.Length < BurstBytes) ? new byte[_buffer.Length * 2] : _buffer;
        if (next != _buffer || _start > 0)
            kept.CopyTo(next);
        _buffer = next;
        _start = 0;
        _end = kept.Length;
    }
}
