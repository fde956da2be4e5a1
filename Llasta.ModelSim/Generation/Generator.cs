using Llasta.ModelSim.Prompts;
using Llasta.ModelSim.Protocol;

namespace Llasta.ModelSim.Generation;

/// <summary>Generates a sequence token by token: one flush per chunk, paced, with the configured fault in its phase.</summary>
internal sealed class Generator(Sequence sequence)
{
    private readonly CompletionWriter _writer = sequence.Writer;
    private readonly FaultInjection _fault = new(sequence);
    private readonly string _text = sequence.Completion.Text;
    private TokenCursor _cursor = new(sequence.Completion, sequence.Options);
    private FaultPhase _phase = FaultPhase.Queued;
    private int _tokens;
    private int _thinkingTokens;
    private int _tokensInPhase;
    private TimeSpan _lastSent;

    // The chunk that is being filled: what its tokens are, how many it holds, where its text begins, and how far it can be sent. What
    // was taken beyond that is half a character, which is sent with the other half.
    private TokenKind _chunkKind;
    private int _chunkTokens;
    private int _start;
    private int _ready;
    private int _taken;

    private Usage Usage => new(sequence.Request.PromptTokens, _tokens, _thinkingTokens, sequence.CacheTokens.Cached, sequence.CacheTokens.Created);

    public async Task RunAsync()
    {
        await _writer.StartAsync();
        sequence.Record.Enter(FaultPhase.Queued);
        if (sequence.Request.ThinkingTokenBudget is not null && !sequence.Options.HasReasoningParser)
        {
            await _fault.FailAsync(VllmError.NoReasoningParser);
            return;
        }
        if (await FailsAsync(phaseEnds: true))
            return;
        sequence.Metrics.Enqueue();
        await WaitUntilAsync(sequence.Options.QueueDelay);
        sequence.LeaveQueue();
        await WaitUntilAsync(sequence.TokenDue(0));
        sequence.Close(await GenerateAsync() ?? "abort", _tokens);
    }

    /// <summary>The finish reason, or null when the sequence ended without one.</summary>
    private async Task<string?> GenerateAsync()
    {
        if (await EndsEarlyAsync())
            return null;
        sequence.BeginsAnswering();
        _writer.Begin(Usage);
        Enter(_cursor.IsThinking ? FaultPhase.Thinking : FaultPhase.Answering);
        var lastChunk = sequence.Elapsed;
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
                await _writer.FlushAsync();
                sequence.Metrics.InterToken.Observe(sequence.Elapsed - lastChunk);
                lastChunk = sequence.Elapsed;
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
        if (_chunkTokens++ == 0 && _ready == _taken)
            _start = _cursor.Start;
        _chunkKind = _cursor.Kind;
        _taken = _cursor.End;
        _ready = char.IsHighSurrogate(_text[_taken - 1]) ? _cursor.Start : _taken;
        _tokensInPhase++;
        _thinkingTokens += _cursor.Kind == TokenKind.Thinking ? 1 : 0;
    }

    private async Task<string?> FinishAsync(string reason)
    {
        if (await FailsAsync(phaseEnds: true))
            return null;
        var thinking = _chunkTokens > 0 || _ready < _taken ? _chunkKind == TokenKind.Thinking : _cursor.IsThinking;
        _writer.Finish(_text.AsSpan(_start, _ready - _start), _text.AsSpan(_ready, _taken - _ready), thinking, reason, reason == "stop" ? sequence.Completion.StopText : null, Usage);
        sequence.Record.Sent(_chunkTokens);
        _chunkTokens = 0;
        Enter(FaultPhase.AfterFinish);
        if (await FailsAsync(phaseEnds: true))
            return null;
        _writer.End(Usage, sequence.Times);
        // Before the flush: a client that closes when it reads [DONE] has not aborted anything.
        sequence.Record.Finish();
        await _writer.FlushAsync();
        return reason;
    }

    private void SendChunk()
    {
        if (_chunkTokens == 0)
            return;
        _writer.Delta(_text.AsSpan(_start, _ready - _start), _chunkKind == TokenKind.Thinking, Usage);
        sequence.Record.Sent(_chunkTokens);
        (_start, _chunkTokens) = (_ready, 0);
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
    private async Task WaitUntilAsync(TimeSpan due)
    {
        var interval = sequence.Options.KeepAliveInterval;
        for (; interval > TimeSpan.Zero && _lastSent + interval < due; _lastSent = sequence.Elapsed)
        {
            await sequence.UntilAsync(_lastSent + interval);
            if (sequence.Gone || sequence.Interrupted)
                return;
            _writer.Raw(": keep-alive\n\n"u8);
            await _writer.FlushAsync();
        }
        await sequence.UntilAsync(due);
        _lastSent = sequence.Elapsed;
    }
}
