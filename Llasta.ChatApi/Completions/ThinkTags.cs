namespace Llasta.ChatApi.Completions;

/// <summary>What the tags of an answer's text may be.</summary>
internal enum TagMode
{
    /// <summary>A new answer: thinking may come first, between tags.</summary>
    Answer,

    /// <summary>A partial answer is continued: a text that begins with thinking is a new answer instead.</summary>
    ContinueAnswer,

    /// <summary>A partial thought is continued: the text is thinking up to the closing tag.</summary>
    ContinueThought,
}

/// <summary>
/// Finds thinking in the answer's text, as servers without a reasoning parser send it: between tags at the beginning, or before a closing
/// tag alone (the template has opened it). A tag may be split anywhere between pieces. Once nothing of this can follow, pieces are no longer
/// inspected.
/// </summary>
internal sealed class ThinkTags(AnswerWriter answer, TagMode mode)
{
    /// <summary>The tags that models write: Qwen3 and DeepSeek; others; Magistral; Kimi; Seed; MiniMax; gpt-oss; Gemma; Cohere.</summary>
    private static readonly (string Opening, string Closing)[] Tags =
    [
        ("<think>", "</think>"), ("<thinking>", "</thinking>"), ("<thought>", "</thought>"), ("<reasoning>", "</reasoning>"),
        ("[THINK]", "[/THINK]"), ("◁think▷", "◁/think▷"), ("<seed:think>", "</seed:think>"), ("<mm:think>", "</mm:think>"),
        ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"), ("<|channel>thought", "<channel|>"),
        ("<|START_THINKING|>", "<|END_THINKING|>"),
    ];

    /// <summary>Those whose opening one is often a part of the prompt.</summary>
    private static readonly (string Opening, string Closing)[] ClosingAlone =
        [("<think>", "</think>"), ("<thinking>", "</thinking>"), ("<thought>", "</thought>"), ("<|channel>thought", "<channel|>")];

    /// <summary>White space before an opening tag; a text with more of it has begun.</summary>
    private const int MaxBefore = 64;

    private string _held = "";
    private char _before;
    private State _state = mode == TagMode.ContinueThought ? State.Thinking : State.Start;
    private string _closing = Tags[0].Closing;
    private bool _skippedNewlines = mode == TagMode.ContinueThought;
    private bool _mayBeAllThinking = mode == TagMode.Answer;

    private enum State { Start, AfterField, Thinking, AfterThinking, Watching, Answering }

    /// <summary>No tag can follow: write pieces as they are.</summary>
    public bool Passed => _state == State.Answering;

    /// <summary>Nothing is held back, and a piece without a <c>&lt;</c> or an escape can be written as it is.</summary>
    public bool PassesPlain => _state == State.Answering || (_state == State.Watching && _held.Length == 0);

    /// <summary>A new answer had thinking between tags.</summary>
    public bool Found { get; private set; }

    /// <summary>The continuation of an answer begins with an opening tag: it is a new answer.</summary>
    public bool StartedOver { get; private set; }

    /// <summary>The continuation of an answer has begun with nothing but what may be followed by the rest of an opening tag.</summary>
    public bool MayStartOver => mode == TagMode.ContinueAnswer && _state == State.Start && !StartedOver;

    /// <summary>The server sent thinking in a field of its own: the text has no tags, except for a closing one that was left at its beginning.</summary>
    public void SawField()
    {
        _mayBeAllThinking = false;
        if (_state is State.Start && mode == TagMode.Answer)
            _state = State.AfterField;
        else if (_state is State.Watching || mode != TagMode.Answer)
            Complete();
    }

    /// <summary>A piece was written without being inspected (<see cref="PassesPlain"/>).</summary>
    /// <param name="escaped">The inside of its JSON string.</param>
    public void Passing(ReadOnlySpan<byte> escaped)
    {
        if (escaped is [.., var last])
            _before = escaped.EndsWith("\\n"u8) ? '\n' : (char)last;
    }

    /// <summary>Takes the next piece of the text, and writes all of it that can't be part of a tag.</summary>
    public void Write(string text)
    {
        var alone = _held.Length == 0;
        _held += text;
        if (_state is State.Start or State.AfterField)
            Begin();
        if (StartedOver)
            return;
        if (_state == State.Thinking)
            Think();
        if (_state == State.AfterThinking)
            SkipNewlines(State.Answering);
        if (_state == State.Watching)
            Watch(alone);
        if (_state == State.Answering)
            answer.Decoded(Take(_held.Length), isReasoning: false);
    }

    /// <summary>No tag follows, or the stream has ended: writes the text that was held back because it could have become a tag.</summary>
    public void Complete()
    {
        answer.Decoded(Take(_held.Length), isReasoning: _state == State.Thinking);
        _state = State.Answering;
    }

    private void Begin()
    {
        var text = _held;
        var trimmed = text.TrimStart();
        var before = text.Length - trimmed.Length;
        var undecided = before <= MaxBefore && trimmed.Length == 0;
        foreach (var (opening, closing) in Tags)
        {
            var tag = _state == State.AfterField ? closing : opening;
            // Other words are also the names of an answer's own elements.
            var comparison = tag.Contains("think", StringComparison.OrdinalIgnoreCase) ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
            if (trimmed.StartsWith(tag, comparison))
            {
                Take(before + tag.Length);
                StartedOver = mode == TagMode.ContinueAnswer;
                Found = mode == TagMode.Answer && _state == State.Start;
                _closing = closing;
                _state = _state == State.AfterField ? State.AfterThinking : State.Thinking;
                return;
            }

            undecided |= before <= MaxBefore && trimmed.Length > 0 && tag.StartsWith(trimmed, comparison);
        }

        if (!undecided)
            _state = _mayBeAllThinking ? State.Watching : State.Answering;
    }

    private void Think()
    {
        if (!_skippedNewlines)
            _skippedNewlines = SkipNewlines(State.Thinking);
        var text = _held;
        var end = text.IndexOf(_closing, StringComparison.OrdinalIgnoreCase);
        if (end >= 0)
        {
            answer.Decoded(Take(end), isReasoning: true);
            Take(_closing.Length);
            _state = State.AfterThinking;
            return;
        }

        answer.Decoded(Take(text.Length - PrefixAtEnd(text, _closing)), isReasoning: true);
    }

    /// <summary>
    /// A closing tag without an opening one ends thinking that began with the answer, but only where it stands as models write it
    /// (<see cref="FindClosing"/>). Elsewhere the text is about the tag, and so it is from an opening one at the beginning or the end of a line.
    /// </summary>
    private void Watch(bool alone)
    {
        var text = _held;
        var prefix = 0;
        foreach (var (opening, closing) in ClosingAlone)
        {
            var at = FindClosing(text, closing, alone, out var isUndecided);
            if (ShowsOpening(at < 0 ? text : text[..at], opening))
            {
                Complete();
                return;
            }

            if (at >= 0)
            {
                answer.Decoded(Take(at), isReasoning: false);
                if (isUndecided)
                    return;
                answer.AllSoFarIsReasoning();
                Found = true;
                Take(closing.Length);
                _state = State.AfterThinking;
                SkipNewlines(State.Answering);
                return;
            }

            prefix = Math.Max(prefix, Math.Max(PrefixAtEnd(text, closing), text.EndsWith(opening, StringComparison.Ordinal) ? opening.Length : PrefixAtEnd(text, opening)));
        }

        answer.Decoded(Take(text.Length - prefix), isReasoning: false);
    }

    /// <summary>Finds a closing tag on a line of its own, at the end of a line, or in a piece of its own that isn't in quotes.</summary>
    /// <param name="text">What is held.</param>
    /// <param name="closing">The tag.</param>
    /// <param name="alone">The text is one piece.</param>
    /// <param name="isUndecided">The next character decides whether the tag stands so.</param>
    /// <returns>The tag's position; -1 if there is none.</returns>
    private int FindClosing(string text, string closing, bool alone, out bool isUndecided)
    {
        isUndecided = false;
        for (var at = text.IndexOf(closing, StringComparison.Ordinal); at >= 0; at = text.IndexOf(closing, at + closing.Length, StringComparison.Ordinal))
        {
            var after = at + closing.Length;
            var before = CharBefore(text, at);
            var standsAlone = before == '\n' || (at == 0 && alone && before is not ('`' or '"' or '\''));
            isUndecided = !standsAlone && after == text.Length;
            if (standsAlone || isUndecided || text[after] is '\n' or '\r')
                return at;
        }

        return -1;
    }

    private bool ShowsOpening(string text, string opening)
    {
        for (var at = text.IndexOf(opening, StringComparison.Ordinal); at >= 0; at = text.IndexOf(opening, at + opening.Length, StringComparison.Ordinal))
        {
            var after = at + opening.Length;
            if (CharBefore(text, at) == '\n' || (after < text.Length && text[after] == '\n'))
                return true;
        }

        return false;
    }

    private char CharBefore(string text, int at) => at == 0 ? _before : text[at - 1];

    /// <summary>The number of characters at the end of a text that may be the beginning of a tag.</summary>
    private static int PrefixAtEnd(string text, string tag)
    {
        for (var length = Math.Min(text.Length, tag.Length - 1); length > 0; length--)
        {
            if (tag.StartsWith(text.AsSpan(text.Length - length), StringComparison.OrdinalIgnoreCase))
                return length;
        }

        return 0;
    }

    /// <summary>Templates put newlines after each tag; they are neither thinking nor text.</summary>
    /// <returns>True once another character has come.</returns>
    private bool SkipNewlines(State then)
    {
        var count = 0;
        while (count < _held.Length && _held[count] is '\n' or '\r')
            count++;
        Take(count);
        if (_held.Length == 0)
            return false;
        _state = then;
        return true;
    }

    private string Take(int length)
    {
        var text = _held[..length];
        _held = _held[length..];
        if (length > 0)
            _before = text[^1];
        return text;
    }
}
