using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Llasta.ChatApi.Upstream;
using Llasta.Streaming;

namespace Llasta.ChatApi.Completions;

/// <summary>
/// Writes the two kinds of text of an answer, as the insides of JSON strings with upstream's escapes. Half of a character at the end of a
/// piece is held back until the rest comes, so that no cut leaves one behind.
/// </summary>
/// <param name="response">The response to the reader.</param>
/// <param name="allIsText">No thinking was asked for, or an answer is being continued: what the server calls thinking is the answer's text.</param>
/// <param name="recorder">Keeps the answer for telemetry, if it is recorded.</param>
internal sealed class AnswerWriter(ResponseWriter response, bool allIsText, AnswerRecorder? recorder)
{
    /// <summary>A character has at most four bytes, for each of which a server may send a U+FFFD.</summary>
    private const int MaxParts = 4;

    private byte[] _tail = [];
    private bool _tailIsReasoning;
    private bool _lastIsText;

    /// <summary>Some answer text was written.</summary>
    public bool HadText { get; private set; }

    /// <summary>Some thinking was written.</summary>
    public bool HadReasoning { get; private set; }

    /// <summary>Writes answer text.</summary>
    public void Text(ReadOnlySpan<byte> escaped) => Write(escaped, isReasoning: false);

    /// <summary>Writes thinking that the server sent in a field of its own.</summary>
    public void Reasoning(ReadOnlySpan<byte> escaped) => Write(escaped, isReasoning: !allIsText);

    /// <summary>Writes text that was decoded.</summary>
    public void Decoded(string text, bool isReasoning)
    {
        if (text.Length > 0)
            Write(Escape(text), isReasoning);
    }

    /// <summary>Tells the reader that all text so far was thinking.</summary>
    public void AllSoFarIsReasoning()
    {
        if (!HadText)
            return;
        response.Write("event: all-reasoning\ndata: {}\n\n"u8);
        recorder?.AllSoFarIsReasoning();
        (HadText, HadReasoning, _lastIsText) = (false, true, false);
    }

    /// <summary>The answer has ended: writes the text that was held back.</summary>
    /// <param name="cut">The answer is not complete: nothing is written, because the text is a part of a character.</param>
    public void Complete(bool cut)
    {
        if (_tail.Length == 0)
            return;
        if (!cut && _tail[0] != '\\')
            Send(_tail, _tailIsReasoning);
        _tail = [];
    }

    private void Write(ReadOnlySpan<byte> escaped, bool isReasoning)
    {
        if (_tail.Length > 0)
        {
            if (_tailIsReasoning == isReasoning)
            {
                escaped = (byte[])[.. _tail, .. escaped];
                _tail = [];
            }
            else
            {
                Complete(cut: false);
            }
        }

        var tail = TailLength(escaped);
        if (tail > 0)
        {
            _tail = escaped[^tail..].ToArray();
            _tailIsReasoning = isReasoning;
            escaped = escaped[..^tail];
        }

        if (!escaped.IsEmpty)
            Send(escaped, isReasoning);
    }

    private void Send(ReadOnlySpan<byte> escaped, bool isReasoning)
    {
        recorder?.Add(escaped, isReasoning);
        if (isReasoning)
        {
            // A thought in the middle of the answer is kept apart from the one before.
            if (_lastIsText && HadReasoning)
                response.WriteStringEvent("event: reasoning\ndata: \""u8, "\\n\\n"u8);
            HadReasoning = true;
            _lastIsText = false;
            response.WriteStringEvent("event: reasoning\ndata: \""u8, escaped);
        }
        else
        {
            HadText = true;
            _lastIsText = true;
            response.WriteStringEvent("data: \""u8, escaped);
        }
    }

    /// <summary>The length of what may be parts of one character at the end of a text.</summary>
    private static int TailLength(ReadOnlySpan<byte> escaped)
    {
        var rest = escaped;
        for (var i = 0; i < MaxParts && rest.EndsWith("\uFFFD"u8); i++)
            rest = rest[..^3];
        return escaped.Length - rest.Length + EscapedTailLength(rest);
    }

    /// <summary>The length of an escaped U+FFFD, or of the escaped first half of a surrogate pair, at the end of a text.</summary>
    private static int EscapedTailLength(ReadOnlySpan<byte> escaped)
    {
        if (escaped.Length < 6 || escaped[^6] != '\\' || escaped[^5] != 'u')
            return 0;
        var backslashes = escaped[..^5].Length - escaped[..^5].TrimEnd((byte)'\\').Length;
        return backslashes % 2 == 1 && ushort.TryParse(escaped[^4..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
            && (code == 0xFFFD || char.IsHighSurrogate((char)code)) ? 6 : 0;
    }

    /// <summary>Escapes a text for JSON; half of a surrogate pair becomes an escape of its own.</summary>
    private static byte[] Escape(string text)
    {
        var escaped = new List<byte>(text.Length);
        for (var at = 0; at < text.Length;)
        {
            var end = FindLoneSurrogate(text, at);
            escaped.AddRange(JsonEncodedText.Encode(text.AsSpan(at..end), JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes);
            if (end < text.Length)
                escaped.AddRange(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"\\u{(int)text[end]:x4}")));
            at = end + 1;
        }

        return [.. escaped];
    }

    /// <returns>The position of the first half of a surrogate pair that stands alone; the text's length if there is none.</returns>
    private static int FindLoneSurrogate(string text, int from)
    {
        for (var i = from; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (!char.IsHighSurrogate(text[i]) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1]))
                return i;
            i++;
        }

        return text.Length;
    }
}
