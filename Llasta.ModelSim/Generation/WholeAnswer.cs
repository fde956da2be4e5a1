using System.Buffers;
using System.Text.Json;
using Llasta.ModelSim.Wire;

namespace Llasta.ModelSim.Generation;

/// <summary>Answers a turn in one JSON document, after the time that its tokens would have taken.</summary>
internal sealed class WholeAnswer(Turn turn)
{
    private const int EndlessBlock = 4096;

    private readonly StreamFault _fault = new(turn);

    public async Task WriteAsync()
    {
        if (_fault.IsDue(FaultPhase.Queued, int.MaxValue))
        {
            await FailAsync([]);
            return;
        }
        await turn.QueueAsync();
        var (body, reason, tokens) = Generate();
        if (!turn.Gone)
            await AnswerAsync(body, tokens);
        turn.Close(turn.Gone ? "abort" : reason, tokens);
    }

    private async Task AnswerAsync(byte[] body, int tokens)
    {
        turn.Metrics.FirstToken.Observe(turn.Elapsed);
        if (turn.Request.EnableThinking)
        {
            turn.Record.Enter(FaultPhase.Thinking);
            if (_fault.IsDue(FaultPhase.Thinking, int.MaxValue))
            {
                await FailAsync(body);
                return;
            }
        }
        else
            turn.Record.Enter(FaultPhase.Answering);
        await turn.UntilTokenAsync(tokens);
        if (turn.Gone)
            return;
        turn.Record.Enter(FaultPhase.Answering);
        if (_fault.IsDue(FaultPhase.Answering, int.MaxValue) || _fault.IsDue(FaultPhase.AfterFinish, int.MaxValue))
        {
            await FailAsync(body);
            return;
        }
        turn.Record.Sent(tokens);
        turn.Record.Enter(FaultPhase.AfterFinish);
        turn.Record.Finish();
        await turn.Context.Response.WriteJsonAsync(200, body);
    }

    private (byte[] Body, string Reason, int Tokens) Generate()
    {
        var cursor = new TokenCursor(turn.Completion, turn.Options.ReasoningField);
        var (tokens, thinkingTokens, thinkingFrom, thinkingTo, answerFrom) = (0, 0, 0, 0, -1);
        var finished = false;
        while (tokens < turn.Request.MaxTokens && !finished)
        {
            tokens++;
            if (!cursor.MoveNext())
                finished = true;
            else if (cursor.Kind == TokenKind.Thinking)
            {
                thinkingTokens++;
                thinkingFrom = thinkingTo == 0 ? cursor.Start : thinkingFrom;
                thinkingTo = cursor.End;
            }
            else if (cursor.Kind == TokenKind.Answer && answerFrom < 0)
                answerFrom = cursor.Start;
        }
        var reason = turn.Stopping || turn.Options.Fault == Fault.Abort ? "abort" : finished ? "stop" : "length";
        var text = turn.Completion.Text;
        var thinking = thinkingTokens > 0 ? text[thinkingFrom..thinkingTo] : null;
        var answer = answerFrom >= 0 ? text[answerFrom..cursor.End] : null;
        if (turn.Options.ReasoningField == ReasoningField.Tags)
            (thinking, answer) = (null, thinking + answer);
        return (Write(thinking, answer, reason, new(turn.Request.PromptTokens, tokens, thinkingTokens)), reason, tokens);
    }

    private byte[] Write(string? thinking, string? answer, string reason, Usage usage)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("id"u8, turn.Id);
        json.WriteString("object"u8, "chat.completion"u8);
        json.WriteNumber("created"u8, turn.Created);
        json.WriteString("model"u8, turn.Options.Model);
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, 0);
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, turn.Role);
        WriteText(json, "content"u8, answer);
        json.WriteNull("refusal"u8);
        json.WriteNull("annotations"u8);
        json.WriteNull("audio"u8);
        json.WriteNull("function_call"u8);
        json.WriteStartArray("tool_calls"u8);
        json.WriteEndArray();
        if (turn.Options.ReasoningField != ReasoningField.ReasoningContent)
            WriteText(json, "reasoning"u8, thinking);
        if (turn.Options.ReasoningField is ReasoningField.ReasoningContent or ReasoningField.Both)
            WriteText(json, "reasoning_content"u8, thinking);
        json.WriteEndObject();
        json.WriteNull("logprobs"u8);
        json.WriteString("finish_reason"u8, reason);
        json.WriteNull("stop_reason"u8);
        json.WriteNull("token_ids"u8);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteNull("service_tier"u8);
        json.WriteString("system_fingerprint"u8, ChunkWriter.Fingerprint);
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, usage.PromptTokens);
        json.WriteNumber("total_tokens"u8, usage.PromptTokens + usage.CompletionTokens);
        json.WriteNumber("completion_tokens"u8, usage.CompletionTokens);
        json.WriteNull("prompt_tokens_details"u8);
        json.WriteStartObject("completion_tokens_details"u8);
        json.WriteNumber("reasoning_tokens"u8, usage.ReasoningTokens);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteNull("prompt_logprobs"u8);
        json.WriteNull("prompt_token_ids"u8);
        json.WriteNull("prompt_text"u8);
        json.WriteNull("kv_transfer_params"u8);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteText(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? text)
    {
        json.WritePropertyName(name);
        if (text is null)
            json.WriteNullValue();
        else
            json.WriteRawValue(JsonText.Quoted(text));
    }

    private async Task FailAsync(byte[] body)
    {
        var response = turn.Context.Response;
        turn.Record.Fail();
        switch (turn.Options.Fault)
        {
            case Fault.Stall:
                await turn.SilenceAsync();
                return;
            case Fault.Endless or Fault.EndlessLine:
                await WriteEndlesslyAsync(response);
                return;
        }
        turn.Record.Finish();
        response.ContentType = "application/json";
        switch (turn.Options.Fault)
        {
            case Fault.Cut:
                turn.Context.Abort();
                break;
            case Fault.ErrorInStream:
                await VllmError.GenerationFailed.WriteAsync(response);
                break;
            case Fault.Malformed:
                await response.BodyWriter.WriteAsync("this is no JSON"u8.ToArray());
                break;
            case Fault.TruncatedJson:
                await response.BodyWriter.WriteAsync(body.AsMemory(0, body.Length / 2));
                break;
            case Fault.Abort:
                await response.WriteJsonAsync(200, body);
                break;
        }
    }

    private async Task WriteEndlesslyAsync(HttpResponse response)
    {
        response.ContentType = "application/json";
        var block = new byte[EndlessBlock];
        block.AsSpan().Fill((byte)' ');
        for (var i = 0; !turn.Gone && !turn.Stopping; i++)
        {
            await turn.UntilTokenAsync(i);
            await response.BodyWriter.WriteAsync(block);
        }
    }
}
