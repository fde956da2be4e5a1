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
                at += ReadFraming(bytes[at..]);
            }
        }

        HasExcess = at < bytes.Length;
        return data;
    }

    /// <summary>Reads framing, at the most up to the next data or the end of the body.</summary>
    /// <returns>The number of bytes read.</returns>
    private int ReadFraming(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        do
        {
            if (++_framing > MaxFramingBytes)
                throw Broken($"a chunk's size or the trailer has over {MaxFramingBytes} bytes");
            Read(bytes[at++]);
        }
        while (at < bytes.Length && _state is not (State.Data or State.End));
        return at;
    }

    private void Read(byte next)
    {
        switch (_state)
        {
            case State.Size:
                var digit = HexValue(next);
                if (digit >= 0 && _remaining <= int.MaxValue)
                {
                    _remaining = (_remaining * 16) + digit;
                    _hasSize = true;
                }
                else if (digit < 0 && _hasSize)
                {
                    EndSize(next);
                }
                else
                {
                    throw Broken("a chunk has no valid size");
                }

                break;
            case State.Extension or State.SizeEnd:
                EndSize(next);
                break;
            case State.DataEnd:
                if (next == '\n')
                    _state = State.Size;
                else if (next != '\r')
                    throw Broken("a chunk has no valid end");
                break;
            case State.Trailer:
                if (next == '\n')
                {
                    _state = _lineHasText ? State.Trailer : State.End;
                    _lineHasText = false;
                }
                else
                {
                    _lineHasText |= next != '\r';
                }

                break;
            default:
                throw Broken("it was read on after a fault");
        }
    }

    /// <summary>Reads what may follow a chunk's size: an extension, and a line break, with which the data begins.</summary>
    private void EndSize(byte next)
    {
        if (next == '\n')
        {
            _state = _remaining == 0 ? State.Trailer : State.Data;
            _hasSize = false;
            _framing = 0;
        }
        else if (_state == State.SizeEnd)
        {
            throw Broken("a carriage return stands alone after a chunk's size");
        }
        else if (next == '\r')
        {
            _state = State.SizeEnd;
        }
        else if (_state == State.Size)
        {
            _state = next is (byte)';' or (byte)' ' or (byte)'\t' ? State.Extension : throw Broken("a chunk has no valid size");
        }
    }

    private HttpIOException Broken(string reason)
    {
        _state = State.Broken;
        return new(HttpRequestError.InvalidResponse, $"The response body is not in the chunked coding that its header announced: {reason}.");
    }

    /// <summary>The value of a hexadecimal digit; -1 if it is none.</summary>
    private static int HexValue(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => -1,
    };
}
