using System.Text;
using Llasta.ChatApi.Upstream;

namespace Llasta.ChatApi.Completions;

/// <summary>Keeps an answer for the telemetry of a developer. Production never has one.</summary>
internal sealed class AnswerRecorder
{
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _reasoning = new();

    /// <summary>The answer so far.</summary>
    public string Text => _text.ToString();

    /// <summary>The thinking so far.</summary>
    public string Reasoning => _reasoning.ToString();

    /// <summary>Adds a piece: the inside of a JSON string.</summary>
    public void Add(ReadOnlySpan<byte> escaped, bool isReasoning) =>
        (isReasoning ? _reasoning : _text).Append(ServerText.Unescape(ServerText.Decode(escaped)));

    /// <summary>All text so far was thinking.</summary>
    public void AllSoFarIsReasoning()
    {
        _reasoning.Append(_text);
        _text.Clear();
    }
}
