using System.IO.Pipelines;
using Llasta.ModelSim.Tokens;
using Llasta.ModelSim.Wire;

namespace Llasta.ModelSim.Generation;

/// <summary>Streams a turn's completion: one flush per chunk, paced, with the fault that was asked for in its phase.</summary>
internal sealed class StreamedAnswer(Turn turn)
{
    private readonly PipeWriter _output = turn.Context.Response.BodyWriter;
    private readonly ChunkWriter _chunks = new(turn.Context.Response.BodyWriter, turn.Id, turn.Created, turn.Options.Model);
    private readonly StreamFault _fault = new(turn);
    private readonly ReasoningField _field = turn.Options.ReasoningField;
    private int _tokens;
    private int _thinkingTokens;

    private Usage? ChunkUsage => turn.Request.ContinuousUsage ? Usage : null;

    private Usage Usage => new(turn.Request.PromptTokens, _tokens, _thinkingTokens);

    public async Task WriteAsync()
    {
        turn.Context.Response.ContentType = "text/event-stream; charset=utf-8";
        // While a request queues its headers are out and nothing follows.
        await _output.FlushAsync();
        turn.Record.Enter(FaultPhase.Queued);
        if (_fault.IsDue(FaultPhase.Queued, int.MaxValue) && await _fault.EnactAsync(_chunks, Usage))
            return;
        await turn.QueueAsync();
        var reason = turn.Gone ? "abort" : await GenerateAsync();
        turn.Close(reason ?? "abort", _tokens);
    }

    /// <summary>The finish reason, or null where a fault ended the stream.</summary>
    private async Task<string?> GenerateAsync()
    {
        turn.Metrics.FirstToken.Observe(turn.Elapsed);
        _chunks.Role(turn.Role, ChunkUsage);
        var cursor = new TokenCursor(turn.Completion, _field);
        var phase = cursor.IsThinking ? FaultPhase.Thinking : FaultPhase.Answering;
        var inPhase = 0;
        turn.Record.Enter(phase);
        var (from, kind, inChunk) = (0, TokenKind.Tag, 0);
        var finish = "stop";
        var last = turn.Elapsed;

        while (true)
        {
            if (_fault.IsDue(phase, inPhase))
            {
                Send(from, cursor.End, kind, ref inChunk);
                if (await _fault.EnactAsync(_chunks, Usage))
                    return null;
            }
            if (_tokens == turn.Request.MaxTokens)
            {
                finish = "length";
                break;
            }
            if (!cursor.MoveNext())
            {
                // The end-of-message token: it counts, and has no text.
                _tokens++;
                break;
            }
            if (inChunk > 0 && cursor.Kind != kind)
                Send(from, cursor.Start, kind, ref inChunk);
            await turn.UntilTokenAsync(_tokens);
            if (turn.Gone)
                return "abort";
            if (turn.Stopping)
            {
                finish = "abort";
                break;
            }
            _tokens++;
            if (cursor.Kind != TokenKind.Tag)
            {
                if (inChunk++ == 0)
                    (from, kind) = (cursor.Start, cursor.Kind);
                inPhase++;
                _thinkingTokens += cursor.Kind == TokenKind.Thinking ? 1 : 0;
            }
            if (inChunk == turn.Options.TokensPerChunk)
            {
                Send(from, cursor.End, kind, ref inChunk);
                await _output.FlushAsync();
                var now = turn.Elapsed;
                turn.Metrics.InterToken.Observe(now - last);
                last = now;
            }
            if (phase == FaultPhase.Thinking && !cursor.IsThinking)
            {
                if (_fault.IsDue(phase, int.MaxValue) && await _fault.EnactAsync(_chunks, Usage))
                    return null;
                (phase, inPhase) = (FaultPhase.Answering, 0);
                turn.Record.Enter(phase);
            }
        }

        if (_fault.IsDue(phase, int.MaxValue) && await _fault.EnactAsync(_chunks, Usage))
            return null;
        turn.Record.Sent(inChunk);
        await FinishAsync(finish, inChunk > 0 ? (from, cursor.End) : (0, 0), inChunk > 0 ? kind : cursor.IsThinking ? TokenKind.Thinking : TokenKind.Answer);
        return finish;
    }

    private async Task FinishAsync(string reason, (int From, int To) rest, TokenKind kind)
    {
        _chunks.Finish(turn.Completion.Text.AsSpan(rest.From, rest.To - rest.From), kind == TokenKind.Thinking, _field, reason, !turn.Request.IncludeUsage, ChunkUsage);
        turn.Record.Enter(FaultPhase.AfterFinish);
        if (_fault.IsDue(FaultPhase.AfterFinish, int.MaxValue) && await _fault.EnactAsync(_chunks, Usage))
            return;
        if (turn.Request.IncludeUsage)
            _chunks.UsageChunk(Usage);
        _chunks.Done();
        // Before the flush: a client that closes on reading [DONE] has not aborted anything.
        turn.Record.Finish();
        await _output.FlushAsync();
    }

    private void Send(int from, int to, TokenKind kind, ref int tokens)
    {
        if (tokens == 0)
            return;
        _chunks.Delta(turn.Completion.Text.AsSpan(from, to - from), kind == TokenKind.Thinking, _field, ChunkUsage);
        turn.Record.Sent(tokens);
        tokens = 0;
    }
}
