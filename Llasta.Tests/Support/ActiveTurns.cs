using System.Diagnostics.Metrics;

namespace Llasta.Tests.Support;

/// <summary>Reads <c>llasta.turns.active</c> of the applications that a test starts after it has made this.</summary>
internal sealed class ActiveTurns : IDisposable
{
    /// <summary>The instruments are made while the services start, and this value flows only into those of this test.</summary>
    private readonly AsyncLocal<bool> _ours = new();

    private readonly MeterListener _listener;
    private long _active;
    private long _begun;

    public ActiveTurns()
    {
        _listener = new MeterListener
        {
            InstrumentPublished = (instrument, me) =>
            {
                if (_ours.Value && instrument.Name == "llasta.turns.active")
                    me.EnableMeasurementEvents(instrument);
            },
        };
        _listener.SetMeasurementEventCallback<long>((_, value, _, _) =>
        {
            Interlocked.Add(ref _active, value);
            if (value > 0)
                Interlocked.Add(ref _begun, value);
        });
        // This publishes the instruments of other tests, which exist already.
        _listener.Start();
        _ours.Value = true;
    }

    /// <summary>The turns that are running.</summary>
    public long Now => Interlocked.Read(ref _active);

    /// <summary>All turns so far.</summary>
    public long Begun => Interlocked.Read(ref _begun);

    public void Dispose() => _listener.Dispose();
}
