using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Llasta.ChatApi.Contract;
using Llasta.ChatApi.Upstream;
using Llasta.Streaming;

namespace Llasta.ChatApi.Completions;

/// <summary>
/// Reads a chat completion in place and writes its text: a token's JSON string is copied from the read buffer to the write buffer without
/// becoming a .NET string. Servers differ in nearly everything else; what is read here is what any of them sends.
/// </summary>
internal sealed class CompletionReader
{
    private static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdef"u8);

    private readonly StreamPump _pump;
    private readonly CompletionRequest _request;
    private readonly EventReader _events;
    private readonly AnswerWriter _answer;
    private readonly ThinkTags _tags;
    private readonly ChunkReader _chunks;
    private readonly ChunkShape _shape = new();
    private byte[] _cut = [];
    private bool _cutIsReasoning;

    /// <summary>Prepares reading.</summary>
    /// <param name="pump">The pump that reads the stream.</param>
    /// <param name="response">The response to the reader.</param>
    /// <param name="request">What is known of the request.</param>
    public CompletionReader(StreamPump pump, ResponseWriter response, CompletionRequest request)
    {
        _pump = pump;
        _request = request;
        _events = new EventReader(pump);
        _answer = new AnswerWriter(response, request.AllIsText, request.Recorder);
        _tags = new ThinkTags(_answer, request.Mode switch
        {
            TurnMode.ContinueAnswer => TagMode.ContinueAnswer,
            // With a parser, the text that follows a continued thought is the answer's.
            TurnMode.ContinueThought when !request.Dialect.SeparatesReasoning => TagMode.ContinueThought,
            _ => TagMode.Answer,
        });
        _chunks = new ChunkReader(this);
    }

    /// <summary>The <c>finish_reason</c>; null while the model is generating.</summary>
    public string? FinishReason => _chunks.FinishReason;

    /// <summary>The model has ended the answer: a fault after that takes nothing from it.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>The error that the server put into the stream.</summary>
    public ServerError? Error { get; private set; }

    /// <summary>The stream contains something that is not part of a chat completion.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>A part of an answer was read: the server has accepted the request.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>The stream has JSON that is no part of an answer: the server may speak another protocol.</summary>
    public bool HasOther { get; private set; }

    /// <summary>The server said that the stream has ended.</summary>
    public bool HasDoneMarker { get; private set; }

    /// <summary>The "continuation" is a new answer, so this server does not continue.</summary>
    public bool StartedOver { get; private set; }

    /// <summary>It isn't known yet whether this is the answer that was asked for: nothing has come, or a continuation may still turn out to be a new answer.</summary>
    public bool IsUndecided => FirstTokenAt == 0 || _tags.MayStartOver;

    /// <summary>The token counts of the last chunk.</summary>
    public Usage? Usage => _chunks.Usage;

    /// <summary>The time in the server's queue, in milliseconds, if it gives one.</summary>
    public double? QueueMs => _chunks.QueueMs;

    /// <summary>When the first token was read (<see cref="System.Diagnostics.Stopwatch.GetTimestamp"/>); 0 before.</summary>
    public long FirstTokenAt { get; private set; }

    /// <summary>When the last token was read (<see cref="System.Diagnostics.Stopwatch.GetTimestamp"/>); 0 before.</summary>
    public long LastTokenAt { get; private set; }

    /// <summary>How the turn ended, if no error of the request came.</summary>
    public EndState State => FinishReasons.Meaning(FinishReason) switch
    {
        EndState.Length when _answer is { HadReasoning: true, HadText: false } => EndState.ThinkingLimit,
        EndState.Length when Usage is { } usage && (long)usage.PromptTokens + usage.CompletionTokens >= (_request.ContextWindow ?? int.MaxValue) => EndState.WindowFull,
        { } state => state,
        // Some servers send no reason, only the end of the stream.
        null when HasDoneMarker && Error is null && !IsMalformed && FinishReason is null => EndState.Done,
        null => EndState.Truncated,
    };

    /// <summary>Text outside of events, at the end of the stream: a message instead of an answer.</summary>
    public ServerError? Stray => _events.Stray.IsEmpty ? null : ServerError.Read(_events.Stray);

    /// <summary>Processes everything that was read.</summary>
    /// <returns>False at the end of the stream: <c>[DONE]</c>, or an error.</returns>
    /// <exception cref="InvalidDataException">An event is too long.</exception>
    public bool ReadAll()
    {
        while (true)
        {
            while (TryReadToken())
            {
            }

            if (!_events.TryRead(out var kind, out var data))
                return true;
            if (!Read(kind, data))
                return false;
        }
    }

    /// <summary>Reads the common case: an event that differs from an earlier one only in its token.</summary>
    private bool TryReadToken()
    {
        if (!_events.IsAtEvent || !_shape.TryMatch(_pump.Unread, out var text, out var length)
            || !(_shape.IsReasoning || _tags.Passed || (_tags.PassesPlain && !text.Contains((byte)'<')))
            || _cut.Length > 0 || !Utf8.IsValid(text))
            return false;
        _pump.Take(length);
        Token();
        if (_shape.IsReasoning)
            _answer.Reasoning(text);
        else
            Plain(text);
        return true;
    }

    /// <summary>The stream has ended: processes a last line without a line break.</summary>
    public void ReadRest()
    {
        if (!_events.TryReadRest(out var kind, out var data) || Read(kind, data))
            ReadStray();
    }

    /// <summary>A server that does not stream answers with one JSON document.</summary>
    private void ReadStray()
    {
        if (!HasBegun && !_events.Stray.IsEmpty && _events.Stray.TrimStart(" \t\n"u8).StartsWith("{"u8))
        {
            var stray = _events.Stray;
            _ = ReadJson(ref stray, out _);
        }
    }

    /// <summary>No more chunks follow: writes the text that was held back.</summary>
    public void Complete()
    {
        if (_cut.Length > 0 && State is EndState.Done or EndState.Filtered)
            WriteCut();
        _tags.Complete();
        _answer.Complete(cut: State is not (EndState.Done or EndState.Filtered));
    }

    private bool Read(EventKind kind, ReadOnlySpan<byte> data)
    {
        if (kind == EventKind.Data && IsDone(data))
        {
            HasDoneMarker = true;
            ReadStray();
            return false;
        }

        if (kind == EventKind.Error)
            return Fail(ServerError.Read(data));
        if (data[0] != '{')
            return ReadOther(data);
        if (ReadJson(ref data, out var incomplete))
            return !StartedOver;
        if (incomplete && kind == EventKind.Data)
        {
            _events.Hold(data);
            return true;
        }

        return Error is null && Malformed();
    }

    /// <summary>Data that is no JSON object: a message in plain text, a list of errors, or a broken chunk.</summary>
    private bool ReadOther(ReadOnlySpan<byte> data)
    {
        if (IsNothing(data))
            return true;
        // Google's errors are a list of one; others write [ERROR] before a text.
        var isMessage = data is [(byte)'[', var next, ..] && (next == (byte)'{' ? ServerError.Read(data) is { IsJson: true, Message: not null } : char.IsAsciiLetter((char)next));
        return !isMessage && (data[0] is (byte)'[' or (byte)'"' or (byte)'}' || char.IsAsciiDigit((char)data[0]))
            ? Malformed()
            : Fail(ServerError.Read(data));
    }

    /// <summary>A value without anything, or a word that keeps the connection open.</summary>
    private static bool IsNothing(ReadOnlySpan<byte> data) =>
        data.SequenceEqual("null"u8) || data.SequenceEqual("[]"u8) || data.SequenceEqual("\"\""u8)
        || Ascii.EqualsIgnoreCase(data, "ping"u8) || Ascii.EqualsIgnoreCase(data, "keep-alive"u8) || Ascii.EqualsIgnoreCase(data, "keepalive"u8) || Ascii.EqualsIgnoreCase(data, "heartbeat"u8);

    /// <summary>Reads one or more chunks.</summary>
    /// <param name="data">The JSON objects, one after the other; afterwards, those that were not read.</param>
    /// <param name="incomplete">The last one is not complete.</param>
    /// <returns>False if one is not complete, not JSON, or an error.</returns>
    private bool ReadJson(ref ReadOnlySpan<byte> data, out bool incomplete)
    {
        incomplete = false;
        var whole = data.Length;
        while (true)
        {
            data = data.TrimStart(" \t\r\n"u8);
            // The line break between two events may be missing.
            if (data.StartsWith("data:"u8))
                data = data["data:".Length..].TrimStart(" \t"u8);
            if (data.IsEmpty)
                return true;
            if (IsDone(data))
            {
                HasDoneMarker = true;
                return true;
            }

            switch (_chunks.Read(data, _events.IsJoined, out var consumed))
            {
                case ChunkResult.Chunk:
                    HasBegun = true;
                    IsFinished = FinishReasons.Meaning(FinishReason) is not null;
                    if (consumed == whole && _chunks.PlainText is { } text)
                        _shape.Keep(_events.Opening, data, text, _events.Ending);
                    break;
                case ChunkResult.Error:
                    return Fail(ServerError.Read(data[..consumed]));
                case ChunkResult.Other:
                    HasOther = true;
                    break;
                case ChunkResult.Incomplete:
                    incomplete = true;
                    return false;
                default:
                    return false;
            }

            data = data[consumed..];
        }
    }

    /// <summary>Only a short text is looked at: a line may hold hundreds of thousands of objects.</summary>
    private static bool IsDone(ReadOnlySpan<byte> data) => data.Length <= 32 && Ascii.EqualsIgnoreCase(data.Trim(" \""u8), "[DONE]"u8);

    private bool Malformed()
    {
        IsMalformed = true;
        return false;
    }

    private bool Fail(ServerError error)
    {
        Error ??= error;
        return false;
    }

    /// <summary>A piece of answer text, as its JSON string's inside.</summary>
    internal void Text(ReadOnlySpan<byte> escaped)
    {
        if (escaped.IsEmpty || StartedOver)
            return;
        if (_request.Mode == TurnMode.ContinueThought && FirstTokenAt == 0 && !_request.Dialect.ShowedReasoning)
        {
            // The thought goes on, or it was at its end and this is the answer. A new answer will show which.
            StartedOver = true;
            return;
        }

        Token();
        escaped = Whole(escaped, isReasoning: false);
        if (escaped.IsEmpty)
            return;
        if (_tags.Passed || (_tags.PassesPlain && !escaped.ContainsAny((byte)'<', (byte)'\\')))
        {
            Plain(escaped);
            return;
        }

        _tags.Write(ServerText.Unescape(ServerText.Decode(escaped)));
        StartedOver |= _tags.StartedOver;
        if (_tags.Found)
            _request.Dialect.SawReasoningTags();
    }

    /// <summary>A piece of answer text that can't be a part of a tag.</summary>
    private void Plain(ReadOnlySpan<byte> escaped)
    {
        if (!_tags.Passed)
            _tags.Passing(escaped);
        _answer.Text(escaped);
    }

    /// <summary>A piece of thinking in a field of its own.</summary>
    internal void Reasoning(ReadOnlySpan<byte> escaped)
    {
        if (escaped.IsEmpty || StartedOver)
            return;
        if (_request.Mode == TurnMode.ContinueAnswer && IsUndecided && !_request.Dialect.ContinuesForCertain)
        {
            StartedOver = true;
            return;
        }

        Token();
        _tags.SawField();
        _request.Dialect.SawReasoningField();
        _answer.Reasoning(Whole(escaped, isReasoning: true));
    }

    /// <summary>JSON is UTF-8, but not every proxy and model server knows, and some send the bytes of one character in two pieces.</summary>
    /// <returns>Valid UTF-8: without the beginning of a character at the end, which is joined to the next piece.</returns>
    private ReadOnlySpan<byte> Whole(ReadOnlySpan<byte> escaped, bool isReasoning)
    {
        if (_cut.Length > 0 && _cutIsReasoning != isReasoning)
            WriteCut();
        if (_cut.Length > 0)
            escaped = (byte[])[.. _cut, .. escaped];
        _cut = [];
        if (Utf8.IsValid(escaped))
            return escaped;
        for (var length = 1; length <= Math.Min(3, escaped.Length); length++)
        {
            if (Rune.DecodeFromUtf8(escaped[^length..], out _, out _) != OperationStatus.NeedMoreData || !Utf8.IsValid(escaped[..^length]))
                continue;
            (_cut, _cutIsReasoning) = (escaped[^length..].ToArray(), isReasoning);
            return escaped[..^length];
        }

        return Encoding.UTF8.GetBytes(ServerText.Decode(escaped));
    }

    /// <summary>No rest has come, so the bytes are Latin-1.</summary>
    private void WriteCut()
    {
        var text = Encoding.Latin1.GetString(_cut);
        _cut = [];
        if (_cutIsReasoning)
            _answer.Decoded(text, isReasoning: true);
        else
            _tags.Write(text);
    }

    /// <summary>The id of the response, from its first chunk.</summary>
    /// <returns>False if the server names its responses after our ids, and this is another request's. Ids of another form are another server's.</returns>
    internal bool IsOurs(ReadOnlySpan<byte> id)
    {
        // vLLM.
        var prefix = "chatcmpl-"u8;
        if (!id.StartsWith(prefix))
            return true;
        var name = id[prefix.Length..];
        if (Ascii.Equals(name, _request.TurnId))
        {
            _request.Dialect.SawEchoedId();
            return true;
        }

        return name.Length != _request.TurnId.Length || name.ContainsAnyExcept(HexDigits) || !_request.Dialect.EchoesIds;
    }

    private void Token()
    {
        LastTokenAt = _pump.ReadAt;
        if (FirstTokenAt == 0)
            FirstTokenAt = LastTokenAt;
    }
}
