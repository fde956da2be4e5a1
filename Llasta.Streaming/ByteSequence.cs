using System.Buffers;

namespace Llasta.Streaming;

/// <summary>Bytes in several pieces, which are not copied.</summary>
public static class ByteSequence
{
    /// <summary>Joins pieces.</summary>
    /// <param name="pieces">The pieces in their order.</param>
    public static ReadOnlySequence<byte> Of(IEnumerable<ReadOnlyMemory<byte>> pieces)
    {
        ArgumentNullException.ThrowIfNull(pieces);
        Segment? first = null, last = null;
        foreach (var piece in pieces)
        {
            last = new Segment(piece, last);
            first ??= last;
        }

        return first is null ? default : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    /// <summary>Writes all pieces to a stream.</summary>
    public static async Task WriteToAsync(this ReadOnlySequence<byte> bytes, Stream stream, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(stream);
        foreach (var piece in bytes)
            await stream.WriteAsync(piece, cancellation);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? previous)
        {
            Memory = memory;
            if (previous is null)
                return;
            previous.Next = this;
            RunningIndex = previous.RunningIndex + previous.Memory.Length;
        }
    }
}

/// <summary>A request's body in several pieces.</summary>
/// <param name="bytes">The body.</param>
public sealed class ByteSequenceContent(ReadOnlySequence<byte> bytes) : HttpContent
{
    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context, CancellationToken cancellationToken) => bytes.WriteToAsync(stream, cancellationToken);

    /// <inheritdoc/>
    protected override bool TryComputeLength(out long length)
    {
        length = bytes.Length;
        return true;
    }
}
