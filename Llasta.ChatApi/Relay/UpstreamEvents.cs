using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Llasta.ChatApi.Relay;

/// <summary>
/// The model's response as events, whose data is handed out in place. <see cref="FillAsync"/> is called when everything that was
/// read is handed out, which is the moment to send: one flush per upstream read, whatever number of tokens the read brought.
/// </summary>
/// <remarks>
/// The one place where SseParser would have done: its two asynchronous layers per read, and the allocation of one, were a tenth of the
/// relay's own work per token (docs/performance.md). What a model's server can send is less than what SseParser takes: lines end with LF or
/// CRLF, not with a bare CR.
/// </remarks>
internal sealed class UpstreamEvents(Stream upstream, EventStream events, Turn turn)
{
    /// <summary>A token's chunk has a few hundred bytes. A line without an end is cut here.</summary>
    private const int MaxEventBytes = 1 << 20;

    private byte[] _buffer = new byte[2048];
    private int _start;
    private int _end;

    /// <summary>When upstream last spoke (<see cref="Stopwatch.GetTimestamp"/>).</summary>
    public long ReadAt { get; private set; }

    /// <summary>When the reader's connection last took what was written.</summary>
    public long FlushedAt { get; private set; }

    /// <summary>Sends what was written and reads on.</summary>
    /// <returns>False when the response is over.</returns>
    /// <exception cref="InvalidDataException">No event ended within 1 MiB.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> FillAsync()
    {
        var written = events.HasWritten;
        var flush = events.FlushAsync(turn.Stop);
        if (flush.IsCompletedSuccessfully)
        {
            // A ValueTask is to be consumed once, also when it is done.
            _ = flush.Result;
        }
        else
        {
            turn.BeginFlush();
            await flush;
            turn.EndFlush();
        }

        MakeRoom();
        FlushedAt = Stopwatch.GetTimestamp();
        turn.BeginWait(written);
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

    /// <summary>Takes the next whole event with data, if one has been read. An event that the stream's end cuts short is none.</summary>
    /// <param name="data">Valid until the next <see cref="FillAsync"/>.</param>
    public bool TryRead(out ReadOnlySpan<byte> data)
    {
        data = default;
        var found = false;
        var at = _start;
        while (_buffer.AsSpan(at, _end - at).IndexOf((byte)'\n') is >= 0 and var length)
        {
            var line = _buffer.AsSpan(at, length);
            at += length + 1;
            if (line.EndsWith((byte)'\r'))
                line = line[..^1];

            if (line.StartsWith("data:"u8))
            {
                var value = line["data:".Length..];
                if (value.StartsWith((byte)' '))
                    value = value[1..];
                // An event of several lines is one value with line breaks.
                data = found ? (byte[])[.. data, (byte)'\n', .. value] : value;
                found = true;
            }
            else if (line.IsEmpty && found)
            {
                _start = at;
                return true;
            }

            // Comments, and fields that say nothing here, are not kept.
            if (!found)
                _start = at;
        }

        data = default;
        return false;
    }

    /// <summary>Keeps the beginning of an event whose rest is to come.</summary>
    private void MakeRoom()
    {
        var kept = _end - _start;
        if (kept > MaxEventBytes)
            throw new InvalidDataException("An event of the model's stream is over 1 MiB.");
        if (_start > 0)
            _buffer.AsSpan(_start, kept).CopyTo(_buffer);
        _start = 0;
        _end = kept;
        if (kept == _buffer.Length)
            Array.Resize(ref _buffer, _buffer.Length * 2);
    }
}
