namespace Llasta.Streaming.Http;

/// <summary>Decodes the chunked transfer coding (RFC 9112, section 7.1) in place, wherever the reads split it.</summary>
internal struct ChunkedDecoder
{
    /// <summary>
    /// The longest line with a chunk's size (leading zeros and extensions included), and the longest trailer. Servers send a few bytes; the
    /// limit is that of .NET's own client.
    /// </summary>
    internal const int MaxFramingBytes = 16 << 10;

    private State _state;
    private long _remaining;
    private int _framing;
    private bool _hasSize;
    private bool _lineHasText;

    private enum State : byte { Size, Extension, SizeEnd, Data, DataEnd, Trailer, End, Broken }

    /// <summary>The last chunk and its trailer have been read.</summary>
    public readonly bool IsEnd => _state == State.End;

    /// <summary>Bytes followed the end of the body.</summary>
    public bool HasExcess { get; private set; }

    /// <summary>Removes the framing: moves the body's data to the beginning of <paramref name="bytes"/>.</summary>
    /// <param name="bytes">The bytes that were read next.</param>
    /// <returns>The number of bytes of data.</returns>
    /// <exception cref="HttpIOException">The bytes are not in the chunked coding. The decoder stays broken.</exception>
    public int Decode(Span<byte> bytes)
    {
        var data = 0;
        var at = 0;
        while (at < bytes.Length && _state != State.End)
        {
            if (_state == State.Data)
            {
                var length = (int)Math.Min(_remaining, bytes.Length - at);
                bytes.Slice(at, length).CopyTo(bytes[data..]);
                data += length;
                at += length;
                _remaining -= length;
                if (_remaining == 0)
                    _state = State.DataEnd;
            }
            else
            {
                ReadFraming(bytes[at++]);
            }
        }

        HasExcess = at < bytes.Length;
        return data;
    }

    private void ReadFraming(byte next)
    {
        if (++_framing > MaxFramingBytes)
            throw Broken($"a chunk's size or the trailer has over {MaxFramingBytes} bytes");
        switch (_state)
        {
            case State.Size when char.IsAsciiHexDigit((char)next) && _remaining <= int.MaxValue:
                _remaining = (_remaining * 16) + HexValue(next);
                _hasSize = true;
                break;
            case State.Size when _hasSize && next is (byte)';' or (byte)' ' or (byte)'\t':
                _state = State.Extension;
                break;
            case State.Size or State.Extension when _hasSize && next is (byte)'\r':
                _state = State.SizeEnd;
                break;
            case State.Size or State.Extension or State.SizeEnd when _hasSize && next is (byte)'\n':
                _state = _remaining == 0 ? State.Trailer : State.Data;
                _hasSize = false;
                _framing = 0;
                break;
            case State.DataEnd when next is (byte)'\n':
                _state = State.Size;
                break;
            case State.Trailer when next is (byte)'\n':
                _state = _lineHasText ? State.Trailer : State.End;
                _lineHasText = false;
                break;
            case State.Trailer when next is not (byte)'\r':
                _lineHasText = true;
                break;
            case State.Extension:
            case State.DataEnd or State.Trailer when next is (byte)'\r':
                break;
            default:
                throw Broken("a chunk has no valid size or end");
        }
    }

    private HttpIOException Broken(string reason)
    {
        _state = State.Broken;
        return new(HttpRequestError.InvalidResponse, $"The response body is not in the chunked coding that its header announced: {reason}.");
    }

    private static int HexValue(byte digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
