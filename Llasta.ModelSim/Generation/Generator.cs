using Llasta.ModelSim.Protocol;

namespace Llasta.ModelSim.Generation;

/// <summary>Generates a sequence token by token: one flush per chunk, paced, with the configured fault in its phase.</summary>
internal sealed class Generator(Sequence sequence, CompletionWriter writer)
{
    private readonly FaultInjection _fault = new(sequence, writer);
    private TokenCursor _cursor = new(sequence.Completion, sequence.Options.ReasoningField);
    private FaultPhase _phase = FaultPhase.Queued;
    private int _tokens;
    private int _thinkingTokens;
    private int _tokensInPhase;

    // The chunk that is being filled: where its text begins, what its tokens are, and how many it holds.
    private int _chunkStart;
    private TokenKind _chunkKind;
    private int _chunkTokens;

    private Usage Usage => new(sequence.Request.PromptTokens, _tokens, _thinkingTokens);

    public async Task RunAsync()
    {
        await writer.StartAsync();
        sequence.Record.Enter(FaultPhase.Queued);
        if (await FailsAsync(phaseEnds: true))
            return;
        await sequence.QueueAsync();
        var reason = sequence.Gone ? "abort" : await GenerateAsync();
        sequence.Close(reason ?? "abort", _tokens);
    }

    /// <summary>The finish reason, or null when a fault ended the sequence.</summary>
    private async Task<string?> GenerateAsync()
    {
        sequence.Metrics.FirstToken.Observe(sequence.Elapsed);
        writer.Begin(Usage);
        Enter(_cursor.IsThinking ? FaultPhase.Thinking : FaultPhase.Answering);
        var lastFlush = sequence.Elapsed;
        string? finish = null;
        while (finish is null)
        {
            if (await FailsAsync())
                return null;
            if (_tokens == sequence.Request.MaxTokens)
            {
                finish = "length";
                break;
            }
            if (!_cursor.MoveNext())
            {
                // The end-of-message token: it counts, and has no text.
                _tokens++;
                finish = "stop";
                break;
            }
            if (_cursor.Kind != _chunkKind)
                SendChunk(_cursor.Start);
            await sequence.UntilTokenAsync(_tokens);
            if (sequence.Gone)
                return "abort";
            if (sequence.Stopping)
            {
                finish = "abort";
                break;
            }
            Take();
            if (_chunkTokens == sequence.Options.TokensPerChunk)
            {
                SendChunk(_cursor.End);
                await writer.FlushAsync();
                var now = sequence.Elapsed;
                sequence.Metrics.InterToken.Observe(now - lastFlush);
                lastFlush = now;
            }
            if (_phase == FaultPhase.Thinking && !_cursor.IsThinking)
            {
                if (await FailsAsync(phaseEnds: true))
                    return null;
                Enter(FaultPhase.Answering);
            }
        }
        if (await FailsAsync(phaseEnds: true))
            return null;
        await FinishAsync(finish);
        return finish;
    }

    private void Take()
    {
        _tokens++;
        if (_cursor.Kind == TokenKind.Tag)
            return;
        if (_chunkTokens++ == 0)
            (_chunkStart, _chunkKind) = (_cursor.Start, _cursor.Kind);
        _tokensInPhase++;
        _thinkingTokens += _cursor.Kind == TokenKind.Thinking ? 1 : 0;
    }

    private async Task FinishAsync(string reason)
    {
        var rest = _chunkTokens > 0 ? sequence.Completion.Text[_chunkStart.._cursor.End] : "";
        var thinking = _chunkTokens > 0 ? _chunkKind == TokenKind.Thinking : _cursor.IsThinking;
        writer.Finish(rest, thinking, reason, Usage);
        sequence.Record.Sent(_chunkTokens);
        Enter(FaultPhase.AfterFinish);
        if (await FailsAsync(phaseEnds: true))
            return;
        writer.End(Usage);
        // Before the flush: a client that closes when it reads [DONE] has not aborted anything.
        sequence.Record.Finish();
        await writer.FlushAsync();
    }

    private void Enter(FaultPhase phase)
    {
        (_phase, _tokensInPhase) = (phase, 0);
        sequence.Record.Enter(phase);
    }

    /// <summary>Lets the fault happen if it is due. Returns whether it ended the sequence.</summary>
    private async Task<bool> FailsAsync(bool phaseEnds = false)
    {
        if (!_fault.IsDue(_phase, phaseEnds ? int.MaxValue : _tokensInPhase))
            return false;
        SendChunk(_cursor.End);
        return await _fault.EnactAsync(Usage);
    }

    private void SendChunk(int end)
    {
        if (_chunkTokens == 0)
            return;
        writer.Delta(sequence.Completion.Text.AsSpan(_chunkStart, end - _chunkStart), _chunkKind == TokenKind.Thinking, Usage);
        sequence.Record.Sent(_chunkTokens);
        _chunkTokens = 0;
    }
}
