using Llasta.ModelSim.Answers;
using Llasta.ModelSim.Protocol;

namespace Llasta.ModelSim.Generation;

/// <summary>The configured fault of one sequence: it happens once, in its phase.</summary>
internal sealed class FaultInjection(Sequence sequence, CompletionWriter writer)
{
    private static readonly byte[] Filler = [.. Enumerable.Repeat((byte)'x', 4096)];
    private static readonly TimeSpan BeforeCut = TimeSpan.FromMilliseconds(25);

    private bool _done = sequence.Options.Fault == Fault.None;

    /// <summary>Whether it happens now, with that many tokens of that phase sent.</summary>
    public bool IsDue(FaultPhase phase, int tokens) =>
        !_done && tokens >= sequence.Options.FaultAfterTokens && phase == (sequence.Options.FaultPhase == FaultPhase.BeforeHeaders ? FaultPhase.Queued : sequence.Options.FaultPhase);

    /// <summary>Lets it happen. Returns whether the sequence is over.</summary>
    public async Task<bool> EnactAsync(Usage usage)
    {
        _done = true;
        sequence.Record.Fail();
        switch (sequence.Options.Fault)
        {
            case Fault.Malformed:
                writer.Invalid("data: {\"id\": chatcmpl, this is no JSON\n\n"u8);
                await writer.FlushAsync();
                return false;
            case Fault.Stall:
                await writer.FlushAsync();
                await sequence.SilenceAsync();
                return true;
            case Fault.Endless or Fault.EndlessLine:
                await WriteEndlesslyAsync(usage);
                return true;
            case Fault.TruncatedJson:
                writer.HalfAChunk();
                break;
            case Fault.ErrorInStream:
                writer.Fail(VllmError.GenerationFailed);
                break;
            case Fault.Abort:
                writer.Finish("", "", thinking: false, "abort", null, usage);
                writer.End(usage, sequence.Times);
                break;
        }
        sequence.Record.Finish();
        await writer.FlushAsync();
        if (sequence.Options.Fault == Fault.Cut)
        {
            // What was flushed is on its way to the socket; an abort at this instant would discard it.
            await Task.Delay(BeforeCut);
            sequence.Context.Abort();
        }
        return true;
    }

    private async Task WriteEndlesslyAsync(Usage usage)
    {
        // A whole answer without an end is one that never comes.
        if (!sequence.Request.Stream)
        {
            await sequence.SilenceAsync();
            return;
        }
        var inChunks = sequence.Options.Fault == Fault.Endless;
        if (!inChunks)
            writer.Invalid("data: "u8);
        for (var token = usage.CompletionTokens; !sequence.Gone && !sequence.Stopping; token++)
        {
            await sequence.UntilAsync(sequence.TokenDue(token));
            if (inChunks)
                writer.Delta(Answer.Endless, thinking: false, usage);
            else
                writer.Invalid(Filler);
            await writer.FlushAsync();
        }
    }
}
