using System.Buffers;

namespace Llasta.ChatApi.Completions;

/// <summary>
/// The bytes that the chunks of one stream have in common: all except the token's text. A chunk that differs from an earlier one only in its
/// text needs no parsing: two comparisons find the text.
/// </summary>
internal sealed class ChunkShape
{
    /// <summary>Bytes that may end a JSON string, or are not allowed in one. A text with any of them is parsed.</summary>
    private static readonly SearchValues<byte> Special = SearchValues.Create([(byte)'"', (byte)'\\', .. Enumerable.Range(0, 0x20).Select(control => (byte)control)]);

    private byte[] _chunk = [];
    private int _before;
    private int _after;

    /// <summary>The chunk's text is thinking.</summary>
    public bool IsReasoning { get; private set; }

    /// <summary>Remembers the shape of a parsed chunk that contained one text and nothing else.</summary>
    /// <param name="chunk">The whole chunk.</param>
    /// <param name="start">The index of the text's first byte, after the quote.</param>
    /// <param name="length">The text's length in bytes.</param>
    /// <param name="isReasoning">Whether the text is thinking.</param>
    public void Keep(ReadOnlySpan<byte> chunk, int start, int length, bool isReasoning)
    {
        _before = start;
        _after = chunk.Length - start - length;
        if (_chunk.Length < _before + _after)
            _chunk = new byte[_before + _after];
        chunk[..start].CopyTo(_chunk);
        chunk[(start + length)..].CopyTo(_chunk.AsSpan(_before));
        IsReasoning = isReasoning;
    }

    /// <summary>Finds the text of a chunk of this shape.</summary>
    /// <returns>False if the chunk has another shape, or its text is empty or has escapes: parse it.</returns>
    public bool TryMatch(ReadOnlySpan<byte> chunk, out ReadOnlySpan<byte> text)
    {
        text = default;
        if (_before == 0 || chunk.Length <= _before + _after
            || !chunk.StartsWith(_chunk.AsSpan(0, _before)) || !chunk.EndsWith(_chunk.AsSpan(_before, _after)))
            return false;
        text = chunk[_before..^_after];
        return !text.ContainsAny(Special);
    }
}
