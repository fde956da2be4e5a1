using System.Text.Json;
using Llasta.ChatApi.Contract;
using Llasta.ChatApi.Upstream;
using Llasta.Streaming;

namespace Llasta.ChatApi.Completions;

/// <summary>
/// Reads the chunks of a chat completion (<c>vllm/entrypoints/openai/chat_completion/serving.py</c>) in place and writes their text: a
/// token's JSON string is copied from the read buffer to the write buffer without becoming a .NET string.
/// </summary>
internal sealed class CompletionReader
{
    private readonly ResponseWriter _events;
    private readonly ThinkTags _tags;
    private readonly ChunkShape _shape = new();
    private bool _hadReasoning;
    private bool _hadText;
    private long _readAt;

    // The position of the text in the chunk that is being read, and the number of its texts.
    private int _texts;
    private int _textStart;
    private int _textLength;
    private bool _textIsReasoning;

    public CompletionReader(ResponseWriter events, bool continues)
    {
        _events = events;
        _tags = new ThinkTags(events);
        if (continues)
            _tags.Pass();
    }

    /// <summary>The <c>finish_reason</c>; null while the model is generating.</summary>
    public string? FinishReason { get; private set; }

    /// <summary>The error that the server put into the stream.</summary>
    public ChatProblem? Error { get; private set; }

    /// <summary>The token counts of the last chunk.</summary>
    public Usage? Usage { get; private set; }

    /// <summary>When the first token was read (<see cref="System.Diagnostics.Stopwatch.GetTimestamp"/>); 0 before.</summary>
    public long FirstTokenAt { get; private set; }

    /// <summary>When the last token was read (<see cref="System.Diagnostics.Stopwatch.GetTimestamp"/>); 0 before.</summary>
    public long LastTokenAt { get; private set; }

    private bool HadText => _hadText || _tags.HadText;

    private bool HadReasoning => _hadReasoning || _tags.HadReasoning;

    /// <summary>How the turn ended, if no error came.</summary>
    public TurnState State => FinishReason switch
    {
        null or "abort" => TurnState.Truncated,
        "length" when HadReasoning && !HadText => TurnState.ThinkingLimit,
        "length" => TurnState.Length,
        _ => TurnState.Done,
    };

    /// <summary>Processes everything that was read.</summary>
    /// <returns>False at the end of the stream: <c>[DONE]</c>, or an error.</returns>
    /// <exception cref="JsonException">The data is not a chunk.</exception>
    /// <exception cref="InvalidOperationException">A member of the chunk is not of its type.</exception>
    public bool ReadAll(StreamPump upstream)
    {
        _readAt = upstream.ReadAt;
        while (upstream.TryReadEvent(out var data))
        {
            if (!Read(data))
                return false;
        }

        return true;
    }

    private bool Read(ReadOnlySpan<byte> data)
    {
        if (_shape.TryMatch(data, out var text))
        {
            if (_shape.IsReasoning)
                WriteReasoning(text);
            else
                WriteText(text);
            return true;
        }

        if (data.SequenceEqual("[DONE]"u8))
            return false;

        var usage = Usage;
        _texts = 0;
        var json = new Utf8JsonReader(data);
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
            throw new JsonException("A chunk is not an object.");
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("choices"u8))
                ReadChoices(ref json);
            else if (json.ValueTextEquals("usage"u8))
                ReadUsage(ref json);
            else if (json.ValueTextEquals("error"u8) && Next(ref json) != JsonTokenType.Null)
                return Fail(UpstreamErrors.FromEvent(data));
            else
                json.Skip();
        }

        if (_texts == 1 && FinishReason is null && usage == Usage)
            _shape.Keep(data, _textStart, _textLength, _textIsReasoning);
        return true;
    }

    /// <summary>No more chunks follow: writes the text that was held back.</summary>
    public void Complete() => _tags.Complete();

    private bool Fail(ChatProblem error)
    {
        Error = error;
        return false;
    }

    private void ReadChoices(ref Utf8JsonReader json)
    {
        if (Next(ref json) == JsonTokenType.Null)
            return;
        Expect(json.TokenType == JsonTokenType.StartArray);
        while (Next(ref json) == JsonTokenType.StartObject)
        {
            while (Next(ref json) == JsonTokenType.PropertyName)
            {
                if (json.ValueTextEquals("delta"u8))
                    ReadDelta(ref json);
                else if (json.ValueTextEquals("finish_reason"u8))
                    ReadFinishReason(ref json);
                else
                    json.Skip();
            }
        }
    }

    /// <summary>The first reason counts: a server that is told to stop right after the answer sends "abort" as well.</summary>
    private void ReadFinishReason(ref Utf8JsonReader json)
    {
        if (Next(ref json) != JsonTokenType.Null)
            FinishReason ??= json.GetString();
    }

    private void ReadDelta(ref Utf8JsonReader json)
    {
        if (Next(ref json) == JsonTokenType.Null)
            return;
        Expect(json.TokenType == JsonTokenType.StartObject);
        // vLLM 0.12 to 0.15 sends the same thinking under both names.
        var reasoned = false;
        while (Next(ref json) == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("content"u8))
            {
                if (Next(ref json) != JsonTokenType.Null)
                    ReadText(ref json);
            }
            else if (json.ValueTextEquals("reasoning"u8) || json.ValueTextEquals("reasoning_content"u8))
            {
                if (Next(ref json) != JsonTokenType.Null && !reasoned)
                    reasoned = ReadReasoning(ref json);
            }
            else
            {
                json.Skip();
            }
        }
    }

    private void ReadText(ref Utf8JsonReader json)
    {
        Expect(json.TokenType == JsonTokenType.String);
        if (json.ValueSpan.IsEmpty)
            return;
        if (_tags.Passed)
        {
            Locate(ref json, isReasoning: false);
            WriteText(json.ValueSpan);
        }
        else
        {
            Token();
            _tags.Write(json.GetString()!);
        }
    }

    private bool ReadReasoning(ref Utf8JsonReader json)
    {
        Expect(json.TokenType == JsonTokenType.String);
        if (json.ValueSpan.IsEmpty)
            return false;
        Locate(ref json, isReasoning: true);
        WriteReasoning(json.ValueSpan);
        return true;
    }

    private void Locate(ref Utf8JsonReader json, bool isReasoning)
    {
        _texts++;
        _textStart = (int)json.TokenStartIndex + 1;
        _textLength = json.ValueSpan.Length;
        _textIsReasoning = isReasoning;
    }

    private void WriteText(ReadOnlySpan<byte> escaped)
    {
        Token();
        _hadText = true;
        _events.WriteText(escaped);
    }

    private void WriteReasoning(ReadOnlySpan<byte> escaped)
    {
        Token();
        _tags.Pass();
        _hadReasoning = true;
        _events.WriteReasoning(escaped);
    }

    private void Token()
    {
        LastTokenAt = _readAt;
        if (FirstTokenAt == 0)
            FirstTokenAt = LastTokenAt;
    }

    private void ReadUsage(ref Utf8JsonReader json)
    {
        if (Next(ref json) == JsonTokenType.Null)
            return;
        Expect(json.TokenType == JsonTokenType.StartObject);
        int prompt = 0, completion = 0;
        int? reasoning = null;
        while (Next(ref json) == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("prompt_tokens"u8))
                prompt = Count(ref json) ?? 0;
            else if (json.ValueTextEquals("completion_tokens"u8))
                completion = Count(ref json) ?? 0;
            else if (json.ValueTextEquals("completion_tokens_details"u8))
                reasoning = ReadReasoningTokens(ref json);
            else
                json.Skip();
        }

        Usage = new Usage(prompt, completion, reasoning);
    }

    private static int? ReadReasoningTokens(ref Utf8JsonReader json)
    {
        if (Next(ref json) == JsonTokenType.Null)
            return null;
        Expect(json.TokenType == JsonTokenType.StartObject);
        int? reasoning = null;
        while (Next(ref json) == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("reasoning_tokens"u8))
                reasoning = Count(ref json);
            else
                json.Skip();
        }

        return reasoning;
    }

    private static int? Count(ref Utf8JsonReader json) =>
        Next(ref json) == JsonTokenType.Number && json.TryGetInt32(out var count) ? count : null;

    private static JsonTokenType Next(ref Utf8JsonReader json)
    {
        json.Read();
        return json.TokenType;
    }

    private static void Expect(bool condition)
    {
        if (!condition)
            throw new JsonException("A member of a chunk is not of its type.");
    }
}
