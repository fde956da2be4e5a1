namespace Llasta.Streaming;

/// <summary>
/// Decides who may write to a running stream, and records since when it waits and for whom. Either the relay owns the stream and may
/// write, or the relay waits for upstream and the sweep may take the stream to write a heartbeat.
/// </summary>
/// <param name="response">The response to the reader.</param>
/// <param name="time">Measures idle times.</param>
/// <param name="arrivedAt">When the request arrived (<see cref="TimeProvider.GetTimestamp"/>).</param>
/// <param name="aborted">Cancelled when the reader closes the connection.</param>
public sealed class StreamLease(ResponseWriter response, TimeProvider time, long arrivedAt, CancellationToken aborted) : IDisposable
{
    private const int Owned = 0;
    private const int Waiting = 1;
    private const int Beating = 2;

    private readonly CancellationTokenSource _cancellation = CancellationTokenSource.CreateLinkedTokenSource(aborted);
    private int _state = Owned;
    private long _idleSince = time.GetTimestamp();
    private long _upstreamTimeout;
    private long _quietSince = time.GetTimestamp();
    private long _probedAt;
    private bool _acceptsHeartbeats;
    private volatile bool _flushing;
    private volatile bool _timedOut;

    /// <summary>Measures all times of the stream.</summary>
    internal TimeProvider Time => time;

    /// <summary>When the request arrived (<see cref="TimeProvider.GetTimestamp"/>).</summary>
    public long ArrivedAt => arrivedAt;

    /// <summary>Cancelled when the reader left, the process ends its streams, or one side was idle for too long.</summary>
    public CancellationToken Cancellation => _cancellation.Token;

    /// <summary>The reader closed the connection.</summary>
    public bool ReaderLeft => aborted.IsCancellationRequested;

    /// <summary>The reader took nothing for the idle timeout, so it can't be told how the stream ended.</summary>
    public bool ReaderStalled => _timedOut && _flushing;

    /// <summary>Upstream or the reader did nothing for the idle timeout.</summary>
    public bool TimedOut => _timedOut;

    /// <summary>How long upstream may send nothing from now on; null: the sweep's limit for all streams.</summary>
    public TimeSpan? UpstreamTimeout
    {
        get => Interlocked.Read(ref _upstreamTimeout) is > 0 and var ticks ? TimeSpan.FromTicks(ticks) : null;
        set
        {
            // First, so that the sweep doesn't measure what was waited under the old limit by the new one.
            Volatile.Write(ref _idleSince, time.GetTimestamp());
            Interlocked.Exchange(ref _upstreamTimeout, value?.Ticks ?? 0);
        }
    }

    /// <summary>
    /// Asks whether upstream still exists. Called after each <see cref="ProbeAfter"/> of silence from upstream. If the answer is no, the stream
    /// is ended (<see cref="UpstreamGone"/>).
    /// </summary>
    public Func<CancellationToken, Task<bool>>? ProbeUpstream { get; set; }

    /// <summary>Upstream was silent and did not exist any more when it was probed.</summary>
    public bool UpstreamGone { get; private set; }

    /// <summary>The silence after which upstream is probed.</summary>
    public static TimeSpan ProbeAfter { get; } = TimeSpan.FromSeconds(10);

    /// <summary>Lets the sweep write heartbeats from now on: the response is an event stream.</summary>
    public void AcceptHeartbeats() => _acceptsHeartbeats = true;

    /// <summary>Waits for upstream outside of the pump, for example for the head of its response; meanwhile the sweep may write.</summary>
    /// <param name="wait">What to wait for. It must end when <see cref="Cancellation"/> is cancelled.</param>
    public async Task<T> WaitAsync<T>(Task<T> wait)
    {
        ArgumentNullException.ThrowIfNull(wait);
        BeginWait(flushed: false);
        try
        {
            return await wait;
        }
        finally
        {
            await EndWaitAsync();
        }
    }

    /// <summary>The relay is about to wait for upstream, with everything flushed: the sweep may write.</summary>
    /// <param name="flushed">Something was sent to the reader since the last wait.</param>
    /// <returns>The current time (<see cref="TimeProvider.GetTimestamp"/>).</returns>
    internal long BeginWait(bool flushed)
    {
        var now = time.GetTimestamp();
        _idleSince = now;
        if (flushed)
            _quietSince = now;
        Volatile.Write(ref _state, Waiting);
        return now;
    }

    /// <summary>Upstream sent something: the relay takes the stream back.</summary>
    internal ValueTask EndWaitAsync() =>
        Interlocked.CompareExchange(ref _state, Owned, Waiting) == Waiting ? ValueTask.CompletedTask : AfterHeartbeatAsync();

    /// <summary>The relay is about to wait until the reader takes what was written.</summary>
    internal void BeginFlush()
    {
        _idleSince = time.GetTimestamp();
        _flushing = true;
    }

    /// <summary>The reader took it.</summary>
    internal void EndFlush() => _flushing = false;

    /// <summary>Writes a heartbeat or cancels the stream if it is time to. Called about once a second for all streams; a call may begin while an earlier one still waits.</summary>
    internal async ValueTask SweepAsync(TimeSpan heartbeatInterval, TimeSpan idleTimeout)
    {
        // The limit first: who sets one writes the time since when it counts before it. A stale value delays the effect until the next sweep.
        var limit = _flushing ? idleTimeout : UpstreamTimeout ?? idleTimeout;
        var idle = time.GetElapsedTime(Volatile.Read(ref _idleSince));
        if (idle > limit)
        {
            _timedOut = true;
            await _cancellation.CancelAsync();
            return;
        }

        if (!_flushing && idle > ProbeAfter && ProbeUpstream is { } probe && time.GetElapsedTime(_probedAt) > ProbeAfter)
        {
            _probedAt = time.GetTimestamp();
            if (!await probe(_cancellation.Token) && time.GetElapsedTime(Volatile.Read(ref _idleSince)) > ProbeAfter)
            {
                UpstreamGone = true;
                await _cancellation.CancelAsync();
                return;
            }
        }

        if (!_acceptsHeartbeats || time.GetElapsedTime(Volatile.Read(ref _quietSince)) < heartbeatInterval)
            return;
        if (Interlocked.CompareExchange(ref _state, Beating, Waiting) != Waiting)
            return;
        try
        {
            response.WriteHeartbeat();
            await response.FlushAsync().AsTask().WaitAsync(_cancellation.Token);
            _quietSince = time.GetTimestamp();
        }
        finally
        {
            Volatile.Write(ref _state, Waiting);
        }
    }

    /// <summary>Cancels the stream: the process must end it. It may have ended already.</summary>
    internal void End()
    {
        try
        {
            _cancellation.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended.
        }
    }

    /// <summary>A token arrived while a heartbeat was being written: this takes microseconds, unless the reader is behind.</summary>
    private async ValueTask AfterHeartbeatAsync()
    {
        for (var wait = 1; Interlocked.CompareExchange(ref _state, Owned, Waiting) != Waiting; wait = Math.Min(wait * 2, 1000))
            await Task.Delay(wait, CancellationToken.None);
    }

    /// <summary>Ends the lease; <see cref="Cancellation"/> must not be used afterwards.</summary>
    public void Dispose() => _cancellation.Dispose();
}
