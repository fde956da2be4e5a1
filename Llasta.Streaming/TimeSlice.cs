namespace Llasta.Streaming;

/// <summary>
/// Limits how long a loop over readable data keeps its thread. All streams share the few threads that poll the sockets, so a loop that
/// finds something to read each time must let the others run. A loop that waits costs nothing: the clock is read only after reads that did
/// not wait.
/// </summary>
/// <remarks>
/// The loop leaves the polling thread by <see cref="Task.Yield"/>, which appends it to the thread pool's global queue. (A forced yield of a
/// completed task would run next on the same pool thread.) It returns to a polling thread as soon as it waits for a socket.
/// </remarks>
internal struct TimeSlice
{
    /// <summary>Long enough for any burst of a well-behaved server. No stream may delay another by more than 50 ms; this is a hundredth of that.</summary>
    internal static readonly TimeSpan Length = TimeSpan.FromMilliseconds(0.5);

    private long _beganAt;
    private bool _running;

    /// <summary>The loop waits, or has yielded.</summary>
    public void Reset() => _running = false;

    /// <summary>Checks the slice after a read that did not wait. The first such read begins the slice.</summary>
    /// <param name="time">Measures the slice.</param>
    /// <returns>True if the loop must yield now.</returns>
    public bool IsOver(TimeProvider time)
    {
        var now = time.GetTimestamp();
        if (_running)
            return time.GetElapsedTime(_beganAt, now) > Length;
        _running = true;
        _beganAt = now;
        return false;
    }
}
