using System.Text.Json;
using Llasta.ChatApi.Contract;
using Llasta.ChatApi.Upstream;

namespace Llasta.ChatApi.Completions;

/// <summary>What a JSON object of the stream is.</summary>
internal enum ChunkResult
{
    /// <summary>A chunk of a completion, or a whole completion.</summary>
    Chunk,

    /// <summary>Something without meaning here, like a ping.</summary>
    Other,

    /// <summary>An error.</summary>
    Error,

    /// <summary>The object goes on in the next line.</summary>
    Incomplete,

    /// <summary>This is not JSON, or not a chunk of this turn.</summary>
    Malformed,
}

/// <summary>Where a chunk has its one text.</summary>
internal readonly record struct TextPosition(int Start, int Length, bool IsReasoning);

/// <summary>
/// Reads chunks (<c>vllm/entrypoints/openai/chat_completion/serving.py</c>, and what others send), and passes their texts on. Members of
/// other types than expected are skipped.
/// </summary>
internal sealed class ChunkReader(CompletionReader completion)
{
    private static readonly JsonReaderOptions Options = new() { AllowMultipleValues = true };

    private bool _sawId;
    private bool _hadDelta;
    private bool _hasError;
    private int _texts;
    private TextPosition _text;

    /// <summary>The first finish reason: a server that is told to stop right after the answer sends another one.</summary>
    public string? FinishReason { get; private set; }

    /// <summary>The token counts.</summary>
    public Usage? Usage { get; private set; }

    /// <summary>The time in the server's queue, in milliseconds.</summary>
    public double? QueueMs { get; private set; }

    /// <summary>The position of the last chunk's text, if the chunk has one text and nothing else of importance.</summary>
    public TextPosition? PlainText { get; private set; }

    /// <summary>Reads one JSON object.</summary>
    /// <param name="data">The object, and perhaps more.</param>
    /// <param name="joined">The object came in several lines, and may go on in the next one.</param>
    /// <param name="consumed">The object's length in bytes.</param>
    public ChunkResult Read(ReadOnlySpan<byte> data, bool joined, out int consumed)
    {
        var (usage, reason) = (Usage, FinishReason);
        PlainText = null;
        _texts = 0;
        _hasError = false;
        consumed = 0;
        // An object that goes on in the next line: nothing of it may be written yet.
        if ((joined || data[^1] != '}') && IsIncomplete(data))
            return ChunkResult.Incomplete;
        var json = new Utf8JsonReader(data, Options);
        try
        {
            json.Read();
            var result = ReadObject(ref json);
            consumed = (int)json.BytesConsumed;
            if (result == ChunkResult.Other && IsError(data))
                return ChunkResult.Error;
            if (result == ChunkResult.Chunk && _texts == 1 && FinishReason == reason && usage == Usage)
                PlainText = _text;
            return result;
        }
        catch (JsonException)
        {
            return _texts == 0 && IsIncomplete(data) ? ChunkResult.Incomplete : ChunkResult.Malformed;
        }
        catch (InvalidOperationException)
        {
            // The name of a member, or a value that is compared, has half of a surrogate pair.
            return ChunkResult.Malformed;
        }
    }

    private static bool IsIncomplete(ReadOnlySpan<byte> data)
    {
        var json = new Utf8JsonReader(data, isFinalBlock: false, new JsonReaderState(Options));
        try
        {
            return !json.Read() || !json.TrySkip();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private ChunkResult ReadObject(ref Utf8JsonReader json)
    {
        var hasChoices = false;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("choices"u8))
                hasChoices |= ReadChoices(ref json);
            else if (json.ValueTextEquals("usage"u8))
                ReadUsage(ref json);
            else if (json.ValueTextEquals("metrics"u8))
                ReadMetrics(ref json);
            else if (json.ValueTextEquals("id"u8) && !_sawId)
            {
                if (!ReadId(ref json))
                    return ChunkResult.Malformed;
            }
            else if (json.ValueTextEquals("error"u8) || json.ValueTextEquals("errors"u8))
                _hasError |= ReadPresence(ref json, orEmptyObject: false);
            else
                json.Skip();
        }

        return _hasError ? ChunkResult.Error : hasChoices ? ChunkResult.Chunk : ChunkResult.Other;
    }

    /// <summary>Tells whether an object without an answer is an error, as servers write it: by a member's name, or by the name of its kind.</summary>
    private static bool IsError(ReadOnlySpan<byte> data)
    {
        var json = new Utf8JsonReader(data, Options);
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.ValueSpan;
            if (ServerError.IsName(name) ? ReadPresence(ref json, orEmptyObject: true) : ReadIsFailure(ref json, name))
                return true;
        }

        return false;
    }

    /// <param name="json">The reader, at the member's name.</param>
    /// <param name="orEmptyObject">An object without members counts.</param>
    /// <returns>True if the member is there and neither null, false, 0 nor empty.</returns>
    private static bool ReadPresence(ref Utf8JsonReader json, bool orEmptyObject)
    {
        json.Read();
        var present = json.TokenType switch
        {
            JsonTokenType.Null or JsonTokenType.False => false,
            JsonTokenType.String => !json.ValueSpan.IsEmpty,
            JsonTokenType.Number => !json.ValueSpan.SequenceEqual("0"u8),
            _ => true,
        };
        if (json.TokenType is not (JsonTokenType.StartArray or JsonTokenType.StartObject))
            return present;
        var isObject = json.TokenType == JsonTokenType.StartObject;
        var depth = json.CurrentDepth;
        json.Read();
        if (json.CurrentDepth == depth)
            return isObject && orEmptyObject;
        while (json.CurrentDepth > depth)
            json.Read();
        return true;
    }

    /// <returns>True if the member is one that names a kind, and that is an error.</returns>
    private static bool ReadIsFailure(ref Utf8JsonReader json, ReadOnlySpan<byte> name)
    {
        var isKind = name.SequenceEqual("type"u8) || name.SequenceEqual("object"u8) || name.SequenceEqual("status"u8) || name.SequenceEqual("event"u8);
        json.Read();
        if (isKind && json.TokenType == JsonTokenType.String)
            return json.ValueSpan.SequenceEqual("error"u8) || json.ValueSpan.SequenceEqual("failed"u8);
        json.Skip();
        return false;
    }

    private bool ReadId(ref Utf8JsonReader json)
    {
        _sawId = true;
        json.Read();
        if (json.TokenType == JsonTokenType.String && !json.ValueIsEscaped && json.ValueSpan.Length <= 128)
            return completion.IsOurs(json.ValueSpan);
        json.Skip();
        return true;
    }

    private bool ReadChoices(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartArray)
        {
            json.Skip();
            return json.TokenType == JsonTokenType.Null;
        }

        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType == JsonTokenType.StartObject)
                ReadChoice(ref json);
            else
                json.Skip();
        }

        return true;
    }

    private void ReadChoice(ref Utf8JsonReader json)
    {
        // One answer was asked for; a server that sends more numbers them. The number is usually the first member.
        bool? first = null, hasDelta = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("index"u8))
                first = ReadIsFirst(ref json);
            else if (!(first ??= FindIsFirst(json)))
                json.Skip();
            else if (json.ValueTextEquals("delta"u8))
                _hadDelta |= ReadDelta(ref json);
            // Perplexity repeats the whole answer so far beside each delta, others at the end.
            else if ((json.ValueTextEquals("message"u8) || json.ValueTextEquals("text"u8)) && (_hadDelta || (hasDelta ??= FindDelta(json))))
                json.Skip();
            else if (json.ValueTextEquals("message"u8))
                ReadDelta(ref json);
            else if (json.ValueTextEquals("text"u8))
                ReadText(ref json, isReasoning: false);
            else if (json.ValueTextEquals("finish_reason"u8) || json.ValueTextEquals("finishReason"u8))
                ReadFinishReason(ref json);
            // OpenRouter's, when a provider fails in mid-answer.
            else if (json.ValueTextEquals("error"u8))
                _hasError |= ReadPresence(ref json, orEmptyObject: false);
            else
                json.Skip();
        }
    }

    /// <summary>Looks for the index in the rest of a choice: nothing of the choice may be written before it is known.</summary>
    /// <param name="json">A copy of the reader, at the name of a member.</param>
    private static bool FindIsFirst(Utf8JsonReader json)
    {
        do
        {
            if (json.ValueTextEquals("index"u8))
                return ReadIsFirst(ref json);
            json.Skip();
        }
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName);

        return true;
    }

    /// <summary>Looks for a delta with text in the rest of a choice.</summary>
    /// <param name="json">A copy of the reader, at the name of a member.</param>
    private static bool FindDelta(Utf8JsonReader json)
    {
        do
        {
            var isDelta = json.ValueTextEquals("delta"u8);
            json.Read();
            if (!isDelta || json.TokenType != JsonTokenType.StartObject)
            {
                json.Skip();
                continue;
            }

            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var isContent = json.ValueTextEquals("content"u8);
                json.Read();
                if (isContent && (json.TokenType == JsonTokenType.StartArray || (json.TokenType == JsonTokenType.String && !json.ValueSpan.IsEmpty)))
                    return true;
                json.Skip();
            }
        }
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName);
        return false;
    }

    /// <returns>True if the index is 0, or no number.</returns>
    private static bool ReadIsFirst(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType == JsonTokenType.Number && json.TryGetInt32(out var index))
            return index == 0;
        json.Skip();
        return true;
    }

    private void ReadFinishReason(ref Utf8JsonReader json)
    {
        json.Read();
        // Some servers send "" with every chunk.
        if (json.TokenType != JsonTokenType.String || json.ValueSpan.IsEmpty || json.ValueSpan.Length > 64)
        {
            json.Skip();
            return;
        }

        if (FinishReason is not null)
            return;
        var reason = ServerText.Unescape(ServerText.Decode(json.ValueSpan));
        // White space and control characters would be quoted as "".
        if (ServerText.Clean(reason, key: null).Length > 0 && !FinishReasons.IsNone(reason))
            FinishReason = reason;
    }

    /// <returns>True if there was any text of the answer.</returns>
    private bool ReadDelta(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return false;
        }

        // vLLM 0.12 to 0.15 sends the same thinking under both names, and routers add a third.
        var (any, reasoned) = (false, false);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("content"u8) || json.ValueTextEquals("refusal"u8))
                any |= ReadText(ref json, isReasoning: false);
            else if (json.ValueTextEquals("reasoning"u8) || json.ValueTextEquals("reasoning_content"u8) || json.ValueTextEquals("reasoning_text"u8) || json.ValueTextEquals("reasoning_details"u8) || json.ValueTextEquals("thinking"u8) || json.ValueTextEquals("thinking_blocks"u8))
            {
                if (reasoned)
                    json.Skip();
                else
                    reasoned = ReadText(ref json, isReasoning: true);
            }
            else
                json.Skip();
        }

        return any;
    }

    /// <summary>Reads a text: a string, or in parts: an array of strings and of objects that have one.</summary>
    /// <returns>True if there was any.</returns>
    private bool ReadText(ref Utf8JsonReader json, bool isReasoning)
    {
        json.Read();
        return ReadTextValue(ref json, isReasoning);
    }

    private bool ReadTextValue(ref Utf8JsonReader json, bool isReasoning)
    {
        switch (json.TokenType)
        {
            case JsonTokenType.String when json.ValueSpan.IsEmpty:
                return false;
            case JsonTokenType.String:
                _texts++;
                _text = new TextPosition((int)json.TokenStartIndex + 1, json.ValueSpan.Length, isReasoning);
                if (isReasoning)
                    completion.Reasoning(json.ValueSpan);
                else
                    completion.Text(json.ValueSpan);
                return true;
            case JsonTokenType.StartArray:
                var any = false;
                while (json.Read() && json.TokenType != JsonTokenType.EndArray)
                    any |= ReadTextValue(ref json, isReasoning);
                // Parts are never a shape.
                _texts = 2;
                return any;
            case JsonTokenType.StartObject:
                return ReadPart(ref json, isReasoning);
            default:
                json.Skip();
                return false;
        }
    }

    /// <summary>
    /// A part: <c>{"type":"text","text":"…"}</c>, Mistral's <c>{"type":"thinking","thinking":[…]}</c>, or <c>{"type":"reasoning","text":"…"}</c>.
    /// </summary>
    private bool ReadPart(ref Utf8JsonReader json, bool isReasoning)
    {
        isReasoning |= IsThought(json);
        var any = false;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("text"u8) || json.ValueTextEquals("content"u8) || json.ValueTextEquals("summary"u8) || json.ValueTextEquals("refusal"u8))
                any |= ReadText(ref json, isReasoning);
            else if (json.ValueTextEquals("thinking"u8) || json.ValueTextEquals("reasoning"u8) || json.ValueTextEquals("reasoning_content"u8))
                any |= ReadText(ref json, isReasoning: true);
            else
                json.Skip();
        }

        _texts = 2;
        return any;
    }

    /// <param name="json">A copy of the reader, at the beginning of a part.</param>
    /// <returns>True if the part's type says that it is thinking.</returns>
    private static bool IsThought(Utf8JsonReader json)
    {
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isType = json.ValueTextEquals("type"u8);
            json.Read();
            if (isType && json.TokenType == JsonTokenType.String)
                return json.ValueSpan.IndexOf("think"u8) >= 0 || json.ValueSpan.IndexOf("reason"u8) >= 0;
            // Nothing that is nested is looked through twice.
            if (json.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
                return false;
        }

        return false;
    }

    private void ReadUsage(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return;
        }

        int? prompt = null, completionTokens = null, reasoning = null, cached = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("prompt_tokens"u8))
                prompt = Count(ref json);
            else if (json.ValueTextEquals("completion_tokens"u8))
                completionTokens = Count(ref json);
            else if (json.ValueTextEquals("completion_tokens_details"u8))
                reasoning = ReadDetail(ref json, "reasoning_tokens"u8);
            else if (json.ValueTextEquals("prompt_tokens_details"u8))
                cached = ReadDetail(ref json, "cached_tokens"u8);
            else
                json.Skip();
        }

        if (prompt is not null || completionTokens is not null)
            Usage = new Usage(prompt ?? 0, completionTokens ?? 0, reasoning, cached);
    }

    private void ReadMetrics(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return;
        }

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("queue_time_ms"u8) && json.Read() && json.TokenType == JsonTokenType.Number && json.TryGetDouble(out var milliseconds) && milliseconds is >= 0 and <= double.MaxValue)
                QueueMs = Math.Round(milliseconds, 3);
            else
                json.Skip();
        }
    }

    private static int? ReadDetail(ref Utf8JsonReader json, ReadOnlySpan<byte> name)
    {
        json.Read();
        int? count = null;
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return null;
        }

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals(name))
                count = Count(ref json);
            else
                json.Skip();
        }

        return count;
    }

    /// <returns>A count of tokens; null if it is no whole number of 0 or more.</returns>
    private static int? Count(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType == JsonTokenType.Number && json.TryGetDouble(out var count) && count is >= 0 and <= int.MaxValue)
            return (int)count;
        json.Skip();
        return null;
    }
}
