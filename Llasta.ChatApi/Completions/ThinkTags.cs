using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Llasta.Streaming;

namespace Llasta.ChatApi.Completions;

/// <summary>
/// Finds thinking in the form <c>&lt;think&gt;…&lt;/think&gt;</c> at the beginning of the answer's text, as servers without a reasoning
/// parser send it. A tag may be split anywhere between chunks. Once the text has begun with anything else, or the thinking has ended,
/// chunks are no longer inspected.
/// </summary>
internal sealed class ThinkTags(ResponseWriter events)
{
    private const string Opening = "<think>";
    private const string Closing = "</think>";

    private readonly StringBuilder _held = new();
    private State _state = State.Start;

    private enum State { Start, Thinking, AfterThinking, Answering }

    /// <summary>No tag can follow: write chunks as they are.</summary>
    public bool Passed => _state == State.Answering;

    /// <summary>Stops looking for tags: the server separates thinking from text, or an answer is being continued.</summary>
    public void Pass() => _state = State.Answering;

    /// <summary>Some thinking was written.</summary>
    public bool HadReasoning { get; private set; }

    /// <summary>Some answer text was written.</summary>
    public bool HadText { get; private set; }

    /// <summary>Takes the next piece of the answer's text, and writes all that can't be part of a tag.</summary>
    public void Write(string text)
    {
        _held.Append(text);
        if (_state == State.Start)
            Begin();
        if (_state == State.Thinking)
            Think();
        if (_state == State.AfterThinking)
            SkipNewlines(State.Answering);
        if (_state == State.Answering)
            WriteText(Take(_held.Length));
    }

    /// <summary>The stream has ended: writes the text that was held back because it could have become a tag.</summary>
    public void Complete()
    {
        if (_state == State.Start)
            WriteText(Take(_held.Length));
        else if (_state == State.Thinking)
            WriteReasoning(Take(_held.Length));
        _state = State.Answering;
    }

    private void Begin()
    {
        var text = _held.ToString();
        var trimmed = text.TrimStart();
        if (trimmed.StartsWith(Opening, StringComparison.Ordinal))
        {
            Take(text.Length - trimmed.Length + Opening.Length);
            _state = State.Thinking;
        }
        else if (!Opening.StartsWith(trimmed, StringComparison.Ordinal))
        {
            _state = State.Answering;
        }
    }

    private void Think()
    {
        if (!HadReasoning)
            SkipNewlines(State.Thinking);
        var text = _held.ToString();
        var end = text.IndexOf(Closing, StringComparison.Ordinal);
        if (end >= 0)
        {
            WriteReasoning(Take(end));
            Take(Closing.Length);
            _state = State.AfterThinking;
            return;
        }

        var certain = text.Length;
        for (var length = Math.Min(text.Length, Closing.Length - 1); length > 0; length--)
        {
            if (Closing.StartsWith(text.AsSpan(text.Length - length), StringComparison.Ordinal))
            {
                certain = text.Length - length;
                break;
            }
        }

        WriteReasoning(Take(certain));
    }

    /// <summary>The template puts newlines after each tag; they are neither thinking nor text.</summary>
    private void SkipNewlines(State then)
    {
        var count = 0;
        while (count < _held.Length && _held[count] is '\n' or '\r')
            count++;
        Take(count);
        if (_held.Length > 0)
            _state = then;
    }

    private string Take(int length)
    {
        var text = _held.ToString(0, length);
        _held.Remove(0, length);
        return text;
    }

    private void WriteText(string text)
    {
        if (text.Length == 0)
            return;
        HadText = true;
        events.WriteText(JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes);
    }

    private void WriteReasoning(string text)
    {
        if (text.Length == 0)
            return;
        HadReasoning = true;
        events.WriteReasoning(JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes);
    }
}
