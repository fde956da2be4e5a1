using System.Buffers;
using System.IO.Pipelines;
using Llasta.ModelSim.Answers;
using Llasta.ModelSim.Wire;

namespace Llasta.ModelSim.Generation;

/// <summary>The fault of one stream: due once, in its phase.</summary>
internal sealed class StreamFault(Turn turn)
{
    private const int EndlessBlock = 4096;
    private static readonly TimeSpan BeforeCut = TimeSpan.FromMilliseconds(25);

    private bool _done = turn.Options.Fault == Fault.None;

    /// <summary>Whether it happens now, that many tokens into that phase.</summary>
    public bool IsDue(FaultPhase phase, int tokens) =>
        !_done && tokens >= turn.Options.FaultAfterTokens && phase == (turn.Options.FaultPhase == FaultPhase.BeforeHeaders ? FaultPhase.Queued : turn.Options.FaultPhase);

    /// <summary>Lets it happen. Returns whether the stream is over by it.</summary>
    public async Task<bool> EnactAsync(ChunkWriter chunks, Usage usage)
    {
        _done = true;
        turn.Record.Fail();
        var output = turn.Context.Response.BodyWriter;
        switch (turn.Options.Fault)
        {
            case Fault.Malformed:
                output.Write("data: {\"id\": chatcmpl, this is no JSON\n\n"u8);
                await output.FlushAsync();
                return false;
            case Fault.TruncatedJson:
                chunks.Head();
                break;
            case Fault.ErrorInStream:
                chunks.Error(VllmError.GenerationFailed);
                chunks.Done();
                break;
            case Fault.Abort:
                chunks.Finish("", thinking: false, turn.Options.ReasoningField, "abort", !turn.Request.IncludeUsage, null);
                if (turn.Request.IncludeUsage)
                    chunks.UsageChunk(usage);
                chunks.Done();
                break;
        }
        if (turn.Options.Fault is not (Fault.Stall or Fault.EndlessLine or Fault.Endless))
            turn.Record.Finish();
        await output.FlushAsync();
        switch (turn.Options.Fault)
        {
            case Fault.Stall:
                await turn.SilenceAsync();
                break;
            case Fault.Cut:
                // What was flushed is on its way to the socket; an abort at this instant would take it along.
                await Task.Delay(BeforeCut);
                turn.Context.Abort();
                break;
            case Fault.EndlessLine:
                output.Write("data: "u8);
                await EndlesslyAsync(usage.CompletionTokens, () => WriteFiller(output));
                break;
            case Fault.Endless:
                await EndlesslyAsync(usage.CompletionTokens, () => chunks.Delta(Answer.Endless, thinking: false, turn.Options.ReasoningField, null));
                break;
        }
        return true;
    }

    private async Task EndlesslyAsync(int token, Action write)
    {
        for (; !turn.Gone && !turn.Stopping; token++)
        {
            await turn.UntilTokenAsync(token);
            write();
            await turn.Context.Response.BodyWriter.FlushAsync();
        }
    }

    private static void WriteFiller(PipeWriter output)
    {
        output.GetSpan(EndlessBlock)[..EndlessBlock].Fill((byte)'x');
        output.Advance(EndlessBlock);
    }
}
