using System.Buffers;
using Llasta.Streaming;

namespace Llasta.ChatApi.Upstream;

/// <summary>Collects bytes, and refers to long ones that exist already instead of copying them.</summary>
/// <remarks>Disposing it returns the copied bytes' array to its pool. Otherwise it is left to the garbage collector.</remarks>
internal sealed class PieceWriter : IBufferWriter<byte>, IDisposable
{
    /// <summary>Copying fewer bytes costs less than another piece.</summary>
    private const int MaxCopied = 1024;

    private byte[] _copied = ArrayPool<byte>.Shared.Rent(1024);
    private int _copiedBytes;
    private long _sharedBytes;

    /// <summary>What is shared, and how many copied bytes are before it.</summary>
    private List<(int At, ReadOnlySequence<byte> Bytes)>? _shared;

    /// <summary>The number of bytes.</summary>
    public long Length => _copiedBytes + _sharedBytes;

    /// <summary>Adds bytes that don't change until the sequence has been used.</summary>
    public void WriteShared(ReadOnlySequence<byte> bytes)
    {
        if (bytes.Length > MaxCopied)
        {
            (_shared ??= []).Add((_copiedBytes, bytes));
            _sharedBytes += bytes.Length;
            return;
        }

        foreach (var piece in bytes)
            this.Write(piece.Span);
    }

    public void Advance(int count) => _copiedBytes += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        var needed = _copiedBytes + Math.Max(sizeHint, 1);
        if (needed > _copied.Length)
            PooledBuffer.Lengthen(ref _copied, Math.Max(_copied.Length * 2, needed));
        return _copied.AsMemory(_copiedBytes);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>All bytes, once everything has been written. Valid until the writer is disposed.</summary>
    public ReadOnlySequence<byte> ToSequence()
    {
        var copied = _copied.AsMemory(0, _copiedBytes);
        return _shared is null ? new(copied) : ByteSequence.Of(Pieces(copied, _shared));
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_copied);
        // Nothing may be written to it any more.
        _copied = null!;
    }

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
