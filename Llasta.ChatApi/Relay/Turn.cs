namespace Llasta.ChatApi.Relay;

/// <summary>
/// A running turn as the sweep sees it: since when it waits, and for whom. Either the relay owns the turn and may write, or it
/// waits for upstream and the sweep may take the turn for the length of a heartbeat.
/// </summary>
internal sealed class Turn(EventStream events, TimeProvider time, CancellationToken aborted, CancellationToken endStreams) : IDisposable
{
    private const int Owned = 0;
    private const int Waiting = 1;
    private const int Beating = 2;

    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(aborted, endStreams);
    private int _state = Owned;
    private long _idleSince = time.GetTimestamp();
    private long _quietSince = time.GetTimestamp();
    private bool _started;
    private volatile bool _flushing;
    private volatile bool _timedOut;

    /// <summary>Cancelled when the reader left, the process ends its streams, or one side was idle for too long.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>The reader closed the connection: Stop was pressed, or the page is gone.</summary>
    public bool ReaderLeft => aborted.IsCancellationRequested;

    /// <summary>The reader took nothing for <see cref="ChatOptions.IdleTimeout"/>: there is nobody to tell the end to.</summary>
    public bool ReaderStalled => _timedOut && _flushing;

    /// <summary>One side did nothing for <see cref="ChatOptions.IdleTimeout"/>.</summary>
    public bool TimedOut => _timedOut;

    /// <summary>From here on the page may be sent heartbeats.</summary>
    public void Started() => _started = true;

    /// <summary>The relay is about to wait for upstream, with everything flushed: the sweep may write.</summary>
    /// <param name="flushed">The reader was sent something since the last wait.</param>
    /// <returns>When that was (<see cref="TimeProvider.GetTimestamp"/>).</returns>
    public long BeginWait(bool flushed)
    {
        var now = time.GetTimestamp();
        _idleSince = now;
        if (flushed)
            _quietSince = now;
        Volatile.Write(ref _state, Waiting);
        return now;
    }

    /// <summary>Upstream spoke: the relay takes the turn back.</summary>
    public ValueTask EndWaitAsync() =>
        Interlocked.CompareExchange(ref _state, Owned, Waiting) == Waiting ? ValueTask.CompletedTask : AfterHeartbeatAsync();

    /// <summary>The relay is about to wait for the reader to take what was written.</summary>
    public void BeginFlush()
    {
        _idleSince = time.GetTimestamp();
        _flushing = true;
    }

    /// <summary>The reader took it.</summary>
    public void EndFlush() => _flushing = false;

    /// <summary>Called about once a second, for every turn, by one thread.</summary>
    public async ValueTask SweepAsync(TimeSpan heartbeatInterval, TimeSpan idleTimeout)
    {
        // A torn or stale timestamp costs a sweep's delay; nothing else hangs on it.
        if (time.GetElapsedTime(Volatile.Read(ref _idleSince)) > idleTimeout)
        {
            _timedOut = true;
            await _stop.CancelAsync();
            return;
        }

        if (!_started || time.GetElapsedTime(Volatile.Read(ref _quietSince)) < heartbeatInterval)
            return;
        if (Interlocked.CompareExchange(ref _state, Beating, Waiting) != Waiting)
            return;
        try
        {
            events.WriteHeartbeat();
            await events.FlushAsync().AsTask().WaitAsync(_stop.Token);
            _quietSince = time.GetTimestamp();
        }
        finally
        {
            Volatile.Write(ref _state, Waiting);
        }
    }

    /// <summary>A token came while a heartbeat was being written: a matter of microseconds, unless the reader is behind.</summary>
    private async ValueTask AfterHeartbeatAsync()
    {
        for (var wait = 1; Interlocked.CompareExchange(ref _state, Owned, Waiting) != Waiting; wait = Math.Min(wait * 2, 1000))
            await Task.Delay(wait, CancellationToken.None);
    }

    public void Dispose() => _stop.Dispose();
}
