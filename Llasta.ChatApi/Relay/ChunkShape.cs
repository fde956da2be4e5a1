using System.Buffers;

namespace Llasta.ChatApi.Relay;

/// <summary>
/// What the chunks of one stream have in common: all bytes but the token's. A chunk that differs from an earlier one only inside
/// its text means the same, so it needs no parsing: two comparisons find the text.
/// </summary>
internal sealed class ChunkShape
{
    /// <summary>What may end a JSON string, or must not be in one: a text with any of these is parsed.</summary>
    private static readonly SearchValues<byte> Special = SearchValues.Create([(byte)'"', (byte)'\\', .. Enumerable.Range(0, 0x20).Select(control => (byte)control)]);

    private byte[] _chunk = [];
    private int _before;
    private int _after;

    /// <summary>The chunk's text is thinking.</summary>
    public bool IsReasoning { get; private set; }

    /// <summary>Keeps the shape of a chunk that was parsed and brought nothing but this text.</summary>
    /// <param name="chunk">All of it.</param>
    /// <param name="start">Where the text begins, inside its quotes.</param>
    /// <param name="length">Of the text.</param>
    /// <param name="isReasoning">Whether it is thinking.</param>
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
    /// <returns>False for any other chunk, and for a text that is empty or has escapes: parse it.</returns>
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
