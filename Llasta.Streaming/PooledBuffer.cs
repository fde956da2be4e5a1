using System.Buffers;

namespace Llasta.Streaming;

/// <summary>Buffers of <see cref="ArrayPool{T}.Shared"/>.</summary>
public static class PooledBuffer
{
    /// <summary>Replaces a buffer with a longer one that begins with the same bytes.</summary>
    /// <param name="buffer">The buffer; it is returned to the pool.</param>
    /// <param name="length">The least number of bytes.</param>
    public static void Lengthen(ref byte[] buffer, int length)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        var longer = ArrayPool<byte>.Shared.Rent(length);
        buffer.CopyTo(longer, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = longer;
    }
}
