using Llasta.ModelSim.Answers;
using Llasta.ModelSim.Protocol;

namespace Llasta.ModelSim.Generation;

/// <summary>The configured fault of one sequence, which happens once, in its phase; and the end of the engine, which looks like one.</summary>
internal sealed class FaultInjection(Sequence sequence)
{
    private static readonly byte[] Filler = [.. Enumerable.Repeat((byte)'x', 4096)];
    private static readonly TimeSpan BeforeReset = TimeSpan.FromMilliseconds(25);

    private readonly CompletionWriter _writer = sequence.Writer;
    private readonly ModelSimOptions _options = sequence.Options;
    private bool _done = sequence.Options.Fault == Fault.None;

    /// <summary>Whether it happens now, with that many tokens of that phase sent.</summary>
    public bool IsDue(FaultPhase phase, int tokens) =>
        !_done && tokens >= _options.FaultAfterTokens && phase == (_options.FaultPhase == FaultPhase.BeforeHeaders ? FaultPhase.Queued : _options.FaultPhase);

    /// <summary>Lets it happen. Returns whether the sequence is over.</summary>
    public async Task<bool> EnactAsync(Usage usage)
    {
        _done = true;
        sequence.Record.Fail();
        if (_options.Fault == Fault.Malformed)
            _writer.Raw("data: {\"id\": chatcmpl, this is no JSON\n\n"u8);
        if (_options.Fault == Fault.TruncatedJson)
            _writer.HalfAChunk();
        if (_options.Fault == Fault.Abort)
        {
            _writer.Finish("", "", thinking: false, "abort", null, usage);
            _writer.End(usage, sequence.Times);
        }
        await (_options.Fault switch
        {
            Fault.Malformed => _writer.FlushAsync(),
            Fault.Stall => StallAsync(),
            Fault.Endless or Fault.EndlessLine => WriteEndlesslyAsync(usage),
            Fault.Cut => ResetAsync(),
            Fault.EngineDeath => DieAsync(),
            Fault.ErrorInStream => FailAsync(VllmError.GenerationFailed),
            _ => FinishAsync(),
        });
        return _options.Fault != Fault.Malformed;
    }

    /// <summary>Ends the sequence as the engine's end does; does nothing while the engine runs.</summary>
    public async Task EndWithEngineAsync()
    {
        if (!sequence.Interrupted || sequence.Gone)
            return;
        sequence.Record.Fail();
        await (sequence.EngineIsSilent ? sequence.SilenceAsync() : DieAsync());
    }

    /// <summary>Ends the sequence with an error.</summary>
    public Task FailAsync(VllmError error)
    {
        sequence.Record.Fail();
        _writer.Fail(error);
        return FinishAsync();
    }

    private Task DieAsync() => _options.FrontEnd == FrontEnd.Rust ? ResetAsync() : FailAsync(VllmError.EngineDead);

    private Task FinishAsync()
    {
        sequence.Record.Finish();
        return _writer.FlushAsync();
    }

    private async Task ResetAsync()
    {
        await FinishAsync();
        // What was flushed is on its way to the socket; a reset at this instant would discard it.
        await Task.Delay(BeforeReset);
        sequence.Context.Abort();
    }

    private async Task StallAsync()
    {
        await _writer.FlushAsync();
        await sequence.StallAsync();
        await EndWithEngineAsync();
    }

    private async Task WriteEndlesslyAsync(Usage usage)
    {
        // A whole answer without an end is one that never comes.
        if (!sequence.Request.Stream)
            await sequence.StallAsync();
        var inChunks = _options.Fault == Fault.Endless;
        if (!inChunks)
            _writer.Raw("data: "u8);
        for (var token = usage.CompletionTokens; !sequence.Gone && !sequence.Interrupted; token++)
        {
            await sequence.UntilAsync(sequence.TokenDue(token));
            if (inChunks)
                _writer.Delta(Answer.Endless, thinking: false, usage);
            else
                _writer.Raw(Filler);
            await _writer.FlushAsync();
        }
        await EndWithEngineAsync();
    }
}
