using System.Buffers;

namespace Llasta.ChatApi.Completions;

/// <summary>
/// The bytes that the chunks of one stream have in common: all except the token's text. An event that differs from an earlier one only in its
/// text needs neither a search for its end nor parsing: two comparisons find the text.
/// </summary>
internal sealed class ChunkShape
{
    /// <summary>Bytes that may end a JSON string, or are not allowed in one. A text with any of them but the quote at its end is parsed.</summary>
    private static readonly SearchValues<byte> Special = SearchValues.Create([(byte)'"', (byte)'\\', .. Enumerable.Range(0, 0x20).Select(control => (byte)control)]);

    private byte[] _event = [];
    private int _before;
    private int _length;

    /// <summary>The chunk's text is thinking.</summary>
    public bool IsReasoning { get; private set; }

    /// <summary>Remembers the shape of an event whose chunk contained one text and nothing else.</summary>
    /// <param name="opening">What the event has before the chunk.</param>
    /// <param name="chunk">The whole chunk.</param>
    /// <param name="text">Where the chunk has its text.</param>
    /// <param name="ending">What the event has after the chunk.</param>
    public void Keep(ReadOnlySpan<byte> opening, ReadOnlySpan<byte> chunk, TextPosition text, ReadOnlySpan<byte> ending)
    {
        var after = chunk[(text.Start + text.Length)..];
        _before = opening.Length + text.Start;
        _length = _before + after.Length + ending.Length;
        if (_event.Length < _length)
            _event = new byte[_length];
        opening.CopyTo(_event);
        chunk[..text.Start].CopyTo(_event.AsSpan(opening.Length));
        after.CopyTo(_event.AsSpan(_before));
        ending.CopyTo(_event.AsSpan(_before + after.Length));
        IsReasoning = text.IsReasoning;
    }

    /// <summary>Finds the text of an event of this shape.</summary>
    /// <param name="unread">The bytes that the event begins with.</param>
    /// <param name="text">The token's text.</param>
    /// <param name="length">The event's length.</param>
    /// <returns>False if the event has another shape, is not complete, or its text has escapes: parse it.</returns>
    public bool TryMatch(ReadOnlySpan<byte> unread, out ReadOnlySpan<byte> text, out int length)
    {
        text = default;
        length = 0;
        if (_before == 0 || !unread.StartsWith(_event.AsSpan(0, _before)))
            return false;
        var end = unread[_before..].IndexOfAny(Special);
        if (end <= 0 || !unread[(_before + end)..].StartsWith(_event.AsSpan(_before.._length)))
            return false;
        text = unread.Slice(_before, end);
        length = _length + end;
        return true;
    }
}
