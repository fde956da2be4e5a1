using Llasta.ModelSim.Answers;
using Llasta.ModelSim.Protocol;

namespace Llasta.ModelSim.Generation;

/// <summary>The configured fault of one sequence, which happens once, in its phase; and the end of the engine, which looks like one.</summary>
internal sealed class FaultInjection(Sequence sequence, CompletionWriter writer)
{
    private static readonly byte[] Filler = [.. Enumerable.Repeat((byte)'x', 4096)];
    private static readonly TimeSpan BeforeReset = TimeSpan.FromMilliseconds(25);

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
                writer.Raw("data: {\"id\": chatcmpl, this is no JSON\n\n"u8);
                await writer.FlushAsync();
                return false;
            case Fault.Stall:
                await writer.FlushAsync();
                await sequence.StallAsync();
                await EndWithEngineAsync();
                break;
            case Fault.Endless or Fault.EndlessLine:
                await WriteEndlesslyAsync(usage);
                await EndWithEngineAsync();
                break;
            case Fault.Cut:
                await ResetAsync();
                break;
            case Fault.EngineDeath:
                await DieAsync();
                break;
            case Fault.TruncatedJson:
                writer.HalfAChunk();
                await FinishAsync();
                break;
            case Fault.ErrorInStream:
                writer.Fail(VllmError.GenerationFailed);
                await FinishAsync();
                break;
            case Fault.Abort:
                writer.Finish("", "", thinking: false, "abort", null, usage);
                writer.End(usage, sequence.Times);
                await FinishAsync();
                break;
            default:
                await FinishAsync();
                break;
        }
        return true;
    }

    /// <summary>Ends the sequence as the engine's end does; does nothing while the engine runs.</summary>
    public async Task EndWithEngineAsync()
    {
        if (!sequence.Interrupted || sequence.Gone)
            return;
        sequence.Record.Fail();
        if (sequence.EngineIsSilent)
            await sequence.SilenceAsync();
        else
            await DieAsync();
    }

    private Task DieAsync()
    {
        if (sequence.Options.FrontEnd == FrontEnd.Rust)
            return ResetAsync();
        writer.Fail(VllmError.EngineDead);
        return FinishAsync();
    }

    private Task FinishAsync()
    {
        sequence.Record.Finish();
        return writer.FlushAsync();
    }

    private async Task ResetAsync()
    {
        await FinishAsync();
        // What was flushed is on its way to the socket; a reset at this instant would discard it.
        await Task.Delay(BeforeReset);
        sequence.Context.Abort();
    }

    private async Task WriteEndlesslyAsync(Usage usage)
    {
        // A whole answer without an end is one that never comes.
        if (!sequence.Request.Stream)
        {
            await sequence.StallAsync();
            return;
        }
        var inChunks = sequence.Options.Fault == Fault.Endless;
        if (!inChunks)
            writer.Raw("data: "u8);
        for (var token = usage.CompletionTokens; !sequence.Gone && !sequence.Interrupted; token++)
        {
            await sequence.UntilAsync(sequence.TokenDue(token));
            if (inChunks)
                writer.Delta(Answer.Endless, thinking: false, usage);
            else
                writer.Raw(Filler);
            await writer.FlushAsync();
        }
    }
}
