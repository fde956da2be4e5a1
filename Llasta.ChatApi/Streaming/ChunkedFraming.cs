namespace Llasta.ChatApi.Streaming;

/// <summary>Takes the chunked transfer coding (RFC 9112, section 7.1) off a body as it is read, in place and across any split.</summary>
internal struct ChunkedFraming
{
    private State _state;
    private long _remaining;
    private bool _hasSize;
    private bool _lineHasText;

    private enum State : byte { Size, Extension, Data, DataEnd, Trailer, End, Broken }

    /// <summary>The last chunk and its trailer have been read.</summary>
    public readonly bool IsEnd => _state == State.End;

    /// <summary>Something followed it.</summary>
    public bool HasExcess { get; private set; }

    /// <summary>Moves the data among these bytes to their beginning.</summary>
    /// <param name="bytes">What was read next.</param>
    /// <returns>How many bytes of data there are.</returns>
    /// <exception cref="HttpIOException">This is not the chunked coding, and nothing that follows will be.</exception>
    public int Unwrap(Span<byte> bytes)
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
                Frame(bytes[at++]);
            }
        }

        HasExcess = at < bytes.Length;
        return data;
    }

    private void Frame(byte next)
    {
        switch (_state)
        {
            case State.Size when char.IsAsciiHexDigit((char)next) && _remaining <= int.MaxValue:
                _remaining = (_remaining * 16) + HexValue(next);
                _hasSize = true;
                break;
            case State.Size when _hasSize && next is (byte)';' or (byte)' ' or (byte)'\t':
                _state = State.Extension;
                break;
            case State.Size or State.Extension when _hasSize && next is (byte)'\n':
                _state = _remaining == 0 ? State.Trailer : State.Data;
                _hasSize = false;
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
            case State.Size or State.DataEnd or State.Trailer when next is (byte)'\r':
                break;
            default:
                _state = State.Broken;
                throw new HttpIOException(HttpRequestError.InvalidResponse, "The body is not in the chunked coding that its header promised.");
        }
    }

    private static int HexValue(byte digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
