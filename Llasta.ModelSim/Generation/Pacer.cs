using System.Threading.Tasks.Sources;

namespace Llasta.ModelSim.Generation;

/// <summary>
/// Wakes all streams from one timer: thousands of paced streams cost one queue, not a timer each.
/// Times are timestamps of the <see cref="TimeProvider"/>; the grain is a millisecond, and a stream that is late catches up.
/// </summary>
internal sealed class Pacer : IDisposable
{
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private readonly PriorityQueue<(PacedStream Stream, short Version), long> _queue = new();
    private long _next = long.MaxValue;

    public Pacer(TimeProvider time)
    {
        _time = time;
        _timer = time.CreateTimer(static pacer => ((Pacer)pacer!).WakeDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public long Now => _time.GetTimestamp();

    public void Enqueue(PacedStream stream, short version, long due)
    {
        lock (_lock)
        {
            _queue.Enqueue((stream, version), due);
            if (due < _next)
                Arm(due);
        }
    }

    public void Dispose() => _timer.Dispose();

    private void WakeDue()
    {
        var due = new List<(PacedStream Stream, short Version)>();
        lock (_lock)
        {
            var now = Now;
            while (_queue.TryPeek(out _, out var at) && at <= now)
                due.Add(_queue.Dequeue());
            _next = long.MaxValue;
            if (_queue.TryPeek(out _, out var next))
                Arm(next);
        }
        foreach (var (stream, version) in due)
            stream.Wake(version);
    }

    private void Arm(long due)
    {
        _next = due;
        // The timer truncates to milliseconds: rounding up keeps it from firing early, again and again.
        var milliseconds = Math.Ceiling(_time.GetElapsedTime(Now, due).TotalMilliseconds);
        _timer.Change(TimeSpan.FromMilliseconds(Math.Max(1, milliseconds)), Timeout.InfiniteTimeSpan);
    }
}

/// <summary>One stream's seat at the pacer: it waits for one time at a time, and can be released for good.</summary>
internal sealed class PacedStream(Pacer pacer) : IValueTaskSource
{
    private readonly Lock _lock = new();

    // A continuation must not run on the pacer's loop: one slow stream would hold up all the others.
    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };
    private bool _waiting;
    private bool _released;

    /// <summary>Completes at that timestamp (<see cref="long.MaxValue"/>: never), or at once when it has passed or the stream was released.</summary>
    public ValueTask UntilAsync(long due)
    {
        if (due <= pacer.Now)
            return default;
        short version;
        lock (_lock)
        {
            if (_released)
                return default;
            _source.Reset();
            _waiting = true;
            version = _source.Version;
        }
        if (due != long.MaxValue)
            pacer.Enqueue(this, version, due);
        return new(this, version);
    }

    /// <summary>Ends the wait of that version, if it is still the current one.</summary>
    public void Wake(short version) => Complete(version, release: false);

    /// <summary>Ends the current wait and all later ones.</summary>
    public void Release() => Complete(null, release: true);

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private void Complete(short? version, bool release)
    {
        lock (_lock)
        {
            _released |= release;
            if (!_waiting || (version is { } wanted && wanted != _source.Version))
                return;
            _waiting = false;
        }
        _source.SetResult(true);
    }
}
