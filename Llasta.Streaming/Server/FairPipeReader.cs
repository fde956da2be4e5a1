using System.IO.Pipelines;

namespace Llasta.Streaming.Server;

/// <summary>
/// A connection's input that leaves the polling thread once in a while. A client that sends requests or a body as fast as they are read
/// would otherwise keep the thread, because the loop that receives runs the request's code itself and never waits.
/// </summary>
/// <param name="input">What has been received.</param>
internal sealed class FairPipeReader(PipeReader input) : PipeReader
{
    /// <summary>The reads after which the reader yields. A request with its body takes two or three.</summary>
    internal const int ReadsPerYield = 16;

    private int _reads;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var reading = input.ReadAsync(cancellationToken);
        return ++_reads % ReadsPerYield == 0 ? YieldAsync(reading) : reading;
    }

    private static async ValueTask<ReadResult> YieldAsync(ValueTask<ReadResult> reading)
    {
        var result = await reading;
        await Task.Yield();
        return result;
    }

    public override bool TryRead(out ReadResult result) => input.TryRead(out result);

    public override void AdvanceTo(SequencePosition consumed) => input.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => input.AdvanceTo(consumed, examined);

    public override void CancelPendingRead() => input.CancelPendingRead();

    public override void Complete(Exception? exception = null) => input.Complete(exception);
}
