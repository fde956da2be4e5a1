using System.Buffers;
using Llasta.Streaming;

namespace Llasta.ChatApi.Upstream;

/// <summary>Collects bytes, and refers to long ones that exist already instead of copying them.</summary>
internal sealed class PieceWriter : IBufferWriter<byte>
{
    /// <summary>Copying fewer bytes costs less than another piece.</summary>
    private const int MaxCopied = 1024;

    private readonly ArrayBufferWriter<byte> _copied = new(1024);

    /// <summary>What is shared, and how many copied bytes are before it.</summary>
    private List<(int At, ReadOnlySequence<byte> Bytes)>? _shared;

    /// <summary>Adds bytes that don't change until the sequence has been used.</summary>
    public void WriteShared(ReadOnlySequence<byte> bytes)
    {
        if (bytes.Length > MaxCopied)
        {
            (_shared ??= []).Add((_copied.WrittenCount, bytes));
            return;
        }

        foreach (var piece in bytes)
            _copied.Write(piece.Span);
    }

    public void Advance(int count) => _copied.Advance(count);

    public Memory<byte> GetMemory(int sizeHint = 0) => _copied.GetMemory(sizeHint);

    public Span<byte> GetSpan(int sizeHint = 0) => _copied.GetSpan(sizeHint);

    /// <summary>All bytes, once everything has been written.</summary>
    public ReadOnlySequence<byte> ToSequence() => _shared is null ? new(_copied.WrittenMemory) : ByteSequence.Of(Pieces(_copied.WrittenMemory, _shared));

    private static IEnumerable<ReadOnlyMemory<byte>> Pieces(ReadOnlyMemory<byte> copied, List<(int At, ReadOnlySequence<byte> Bytes)> shared)
    {
        var from = 0;
        foreach (var (at, bytes) in shared)
        {
            yield return copied[from..at];
            from = at;
            foreach (var piece in bytes)
                yield return piece;
        }

        yield return copied[from..];
    }
}
