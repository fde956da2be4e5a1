using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Llasta.ChatApi.Relay;

/// <summary>
/// The model's response as the event parser reads it. The parser asks for more exactly when it has handed out everything it
/// had, which is the moment to send: one flush per upstream read, whatever number of tokens the read brought.
/// </summary>
internal sealed class UpstreamBody(Stream upstream, EventStream events, Turn turn) : Stream
{
    /// <summary>A token's chunk has a few hundred bytes. A line without an end is cut here.</summary>
    private const int MaxEventBytes = 1 << 20;

    private int _sinceEvent;

    /// <summary>When upstream last spoke (<see cref="Stopwatch.GetTimestamp"/>).</summary>
    public long ReadAt { get; private set; }

    /// <summary>When the reader's connection last took what was written.</summary>
    public long FlushedAt { get; private set; }

    /// <summary>The parser found a whole event.</summary>
    public void EventSeen() => _sinceEvent = 0;

    /// <exception cref="InvalidDataException">No event ended within 1 MiB.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
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

        FlushedAt = Stopwatch.GetTimestamp();
        turn.BeginWait();
        int read;
        try
        {
            // The token is the turn's, not the parser's: the sweep and the drain cancel through it, too.
            read = await upstream.ReadAsync(buffer, turn.Stop);
        }
        finally
        {
            await turn.EndWaitAsync();
        }

        ReadAt = Stopwatch.GetTimestamp();
        if ((_sinceEvent += read) > MaxEventBytes)
            throw new InvalidDataException("An event of the model's stream is over 1 MiB.");
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            upstream.Dispose();
        base.Dispose(disposing);
    }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Flush() => throw new NotSupportedException();
}
