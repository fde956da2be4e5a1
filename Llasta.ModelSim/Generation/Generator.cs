using Llasta.ModelSim.Prompts;
using Llasta.ModelSim.Protocol;

namespace Llasta.ModelSim.Generation;

/// <summary>Generates a sequence token by token: one flush per chunk, paced, with the configured fault in its phase.</summary>
internal sealed class Generator(Sequence sequence, CompletionWriter writer)
{
    private readonly FaultInjection _fault = new(sequence, writer);
    private readonly string _text = sequence.Completion.Text;
    private TokenCursor _cursor = new(sequence.Completion, sequence.Options);
    private FaultPhase _phase = FaultPhase.Queued;
    private int _tokens;
    private int _thinkingTokens;
    private int _tokensInPhase;

    // The chunk that is being filled: where its text begins, what its tokens are, how many it holds, and its last token's place.
    private int _chunkStart;
    private TokenKind _chunkKind;
    private int _chunkTokens;
    private (int Start, int End) _lastToken;

    // The last token ends in half a character, which is sent with the other half.
    private bool _holdsHalf;

    private Usage Usage => new(sequence.Request.PromptTokens, _tokens, _thinkingTokens, sequence.CacheTokens.Cached, sequence.CacheTokens.Created);

    public async Task RunAsync()
    {
        await writer.StartAsync();
        sequence.Record.Enter(FaultPhase.Queued);
        if (sequence.Request.ThinkingTokenBudget is not null && !sequence.Head.SeparatesReasoning)
        {
            await RefuseAsync(VllmError.NoReasoningParser);
            return;
        }
        if (await FailsAsync(phaseEnds: true))
            return;
        sequence.EnterQueue();
        await WaitUntilAsync(sequence.QueueEnds);
        sequence.LeaveQueue();
        await WaitUntilAsync(sequence.FirstTokenDue);
        var reason = await GenerateAsync();
        sequence.Close(reason ?? "abort", _tokens);
    }

    /// <summary>The finish reason, or null when the sequence ended without one.</summary>
    private async Task<string?> GenerateAsync()
    {
        if (await EndsEarlyAsync())
            return null;
        sequence.BeginsAnswering();
        writer.Begin(Usage);
        Enter(_cursor.IsThinking ? FaultPhase.Thinking : FaultPhase.Answering);
        var lastFlush = sequence.Elapsed;
        while (true)
        {
            if (await FailsAsync())
                return null;
            if (_tokens == sequence.Request.MaxTokens)
                return await FinishAsync("length");
            if (!_cursor.MoveNext())
            {
                // The end-of-message token counts, and has no text; a stop string ends the text without it.
                _tokens += sequence.Completion.StopText is null ? 1 : 0;
                return await FinishAsync("stop");
            }
            if (_cursor.Kind != _chunkKind)
                SendChunk();
            await WaitUntilAsync(sequence.TokenDue(_tokens));
            if (await EndsEarlyAsync())
                return null;
            Take();
            // The limit's last token is sent with the finish reason.
            if (_chunkTokens == sequence.Options.TokensPerChunk && _tokens < sequence.Request.MaxTokens)
            {
                SendChunk();
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
    }

    private void Take()
    {
        _tokens++;
        if (_cursor.Kind == TokenKind.Tag)
            return;
        if (_chunkTokens++ == 0 && !_holdsHalf)
            _chunkStart = _cursor.Start;
        _chunkKind = _cursor.Kind;
        _lastToken = (_cursor.Start, _cursor.End);
        _holdsHalf = char.IsHighSurrogate(_text[_cursor.End - 1]);
        _tokensInPhase++;
        _thinkingTokens += _cursor.Kind == TokenKind.Thinking ? 1 : 0;
    }

    private async Task<string?> FinishAsync(string reason)
    {
        if (await FailsAsync(phaseEnds: true))
            return null;
        var pending = _chunkTokens > 0 || _holdsHalf;
        var end = _holdsHalf ? _lastToken.Start : _lastToken.End;
        writer.Finish(
            pending && end > _chunkStart ? _text.AsSpan(_chunkStart, end - _chunkStart) : "",
            _holdsHalf ? _text.AsSpan(_lastToken.Start, _lastToken.End - _lastToken.Start) : "",
            pending ? _chunkKind == TokenKind.Thinking : _cursor.IsThinking,
            reason,
            reason == "stop" ? sequence.Completion.StopText : null,
            Usage);
        sequence.Record.Sent(_chunkTokens);
        _chunkTokens = 0;
        Enter(FaultPhase.AfterFinish);
        if (await FailsAsync(phaseEnds: true))
            return null;
        writer.End(Usage, sequence.Times);
        // Before the flush: a client that closes when it reads [DONE] has not aborted anything.
        sequence.Record.Finish();
        await writer.FlushAsync();
        return reason;
    }

    private void SendChunk()
    {
        if (_chunkTokens == 0)
            return;
        var end = _holdsHalf ? _lastToken.Start : _lastToken.End;
        writer.Delta(_text.AsSpan(_chunkStart, Math.Max(0, end - _chunkStart)), _chunkKind == TokenKind.Thinking, Usage);
        sequence.Record.Sent(_chunkTokens);
        (_chunkStart, _chunkTokens) = (Math.Max(_chunkStart, end), 0);
    }

    private async Task RefuseAsync(VllmError error)
    {
        sequence.Record.Fail();
        sequence.Record.Finish();
        writer.Fail(error);
        await writer.FlushAsync();
    }

    private void Enter(FaultPhase phase)
    {
        (_phase, _tokensInPhase) = (phase, 0);
        sequence.Record.Enter(phase);
    }

    /// <summary>Whether the client has left, or the engine has ended and with it the sequence.</summary>
    private async Task<bool> EndsEarlyAsync()
    {
        if (sequence.Gone)
            return true;
        if (!sequence.Interrupted)
            return false;
        SendChunk();
        await _fault.EndWithEngineAsync();
        return true;
    }

    /// <summary>Lets the fault happen if it is due. Returns whether it ended the sequence.</summary>
    private async Task<bool> FailsAsync(bool phaseEnds = false)
    {
        if (!_fault.IsDue(_phase, phaseEnds ? int.MaxValue : _tokensInPhase))
            return false;
        SendChunk();
        return await _fault.EnactAsync(Usage);
    }

    /// <summary>Waits, with a comment after each interval in which nothing else is sent.</summary>
    private async ValueTask WaitUntilAsync(long due)
    {
        while (sequence.KeepAliveDue < due)
        {
            await sequence.UntilAsync(sequence.KeepAliveDue);
            if (sequence.Gone || sequence.Interrupted)
                return;
            writer.Raw(": keep-alive\n\n"u8);
            await writer.FlushAsync();
            sequence.KeptAlive();
        }
        await sequence.UntilAsync(due);
        sequence.KeptAlive();
    }
}
