using System.Text;
using Llasta.Streaming;

namespace Llasta.ChatApi.Completions;

/// <summary>What a piece of the model's stream is.</summary>
internal enum EventKind
{
    /// <summary>The value of a <c>data:</c> line, or of several that are one value.</summary>
    Data,

    /// <summary>The data of an event that is named as an error, or the value of an <c>error:</c> line.</summary>
    Error,

    /// <summary>A <c>data:</c> value that the end of its event has left incomplete.</summary>
    Incomplete,
}

/// <summary>
/// Reads the model's event stream leniently, and returns the data in place. By the standard, an event ends with an empty line, and its data
/// lines are one value; there are servers that separate events with one line break. So each data line is returned at once; the caller
/// gives an incomplete one back (<see cref="Hold"/>), and the next one is joined to it.
/// </summary>
/// <remarks>
/// SseParser would read standard streams only; its two asynchronous layers and one allocation per read cost a tenth of the relay's CPU time
/// per token (docs/performance.md).
/// </remarks>
internal sealed class EventReader(StreamPump pump)
{
    /// <summary>The longest value of several lines, and the longest text outside of events.</summary>
    private const int MaxHeld = 1 << 20;

    /// <summary>
    /// The most bytes that are given back within one value. The caller parses a value again with each of its lines, which for one of 300
    /// lines and 12 KB is half of this.
    /// </summary>
    private const int MaxGivenBack = 4 << 20;

    // Most streams never have any: one object less to touch for each token.
    private Held? _held;
    private Held? _stray;
    private int _scanned;
    private int _opening;
    private int _givenBack;
    private bool _afterCarriageReturn;
    private bool _isError;

    /// <summary>
    /// The next bytes are the beginning of an event that depends on nothing before it, and they have not been looked at. (A line that has not
    /// ended must not be scanned from its beginning at each read.)
    /// </summary>
    public bool IsAtEvent => _scanned == 0 && !_isError && _held is not { IsEmpty: false };

    /// <summary>What stood before the last data, if there was one space at the most.</summary>
    public ReadOnlySpan<byte> Opening => "data: "u8[..Math.Min(_opening, "data: ".Length)];

    /// <summary>The line breaks that end an event, like the one that ended the last line.</summary>
    public ReadOnlySpan<byte> Ending => _afterCarriageReturn ? "\r\n\r\n"u8 : "\n\n"u8;

    /// <summary>The last piece came in several lines.</summary>
    public bool IsJoined { get; private set; }

    /// <summary>Text that is in no field: a whole JSON answer, an HTML page, a proxy's message.</summary>
    public ReadOnlySpan<byte> Stray => _stray is null ? [] : _stray.Bytes;

    /// <summary>Takes the next piece, if one has been read.</summary>
    /// <param name="kind">What it is.</param>
    /// <param name="data">Its bytes; valid until the next call or the next read.</param>
    /// <exception cref="InvalidDataException">A value of several lines is over 1 MiB.</exception>
    public bool TryRead(out EventKind kind, out ReadOnlySpan<byte> data)
    {
        while (TryReadLine(out var line))
        {
            if (TryReadField(line, out kind, out data))
                return true;
        }

        kind = default;
        data = default;
        return false;
    }

    /// <summary>Takes what follows the last line break, once the stream has ended.</summary>
    public bool TryReadRest(out EventKind kind, out ReadOnlySpan<byte> data)
    {
        var rest = pump.Unread;
        pump.Take(rest.Length);
        kind = default;
        data = default;
        return !rest.IsEmpty && TryReadField(rest, out kind, out data) && kind != EventKind.Incomplete;
    }

    /// <summary>Gives back a value that is not complete: the next data line of the event is joined to it.</summary>
    /// <exception cref="InvalidDataException">The value has too many lines.</exception>
    public void Hold(ReadOnlySpan<byte> incomplete)
    {
        if ((_givenBack += incomplete.Length) > MaxGivenBack)
            throw new InvalidDataException("An event of the model's stream has too many lines.");
        (_held ??= new Held()).Set(incomplete);
    }

    private bool TryReadLine(out ReadOnlySpan<byte> line)
    {
        var unread = pump.Unread;
        // A line that has not ended is scanned from where the last scan ended.
        var end = unread[_scanned..].IndexOfAny((byte)'\n', (byte)'\r');
        if (end < 0)
        {
            _scanned = unread.Length;
            line = default;
            return false;
        }

        end += _scanned;
        _scanned = 0;
        line = unread[..end];
        pump.Take(end + 1);
        if (end == 0 && _afterCarriageReturn && unread[0] == '\n')
        {
            // The second half of CRLF.
            _afterCarriageReturn = false;
            return TryReadLine(out line);
        }

        _afterCarriageReturn = unread[end] == '\r';
        return true;
    }

    /// <summary>Skips byte order marks and white space in any order, so that none is left to be skipped.</summary>
    private static ReadOnlySpan<byte> SkipBefore(ReadOnlySpan<byte> line)
    {
        int length;
        do
        {
            length = line.Length;
            line = SkipByteOrderMarks(line.TrimStart(" \t"u8));
        }
        while (line.Length < length);
        return line;
    }

    private static ReadOnlySpan<byte> SkipByteOrderMarks(ReadOnlySpan<byte> text)
    {
        while (text.StartsWith("\uFEFF"u8))
            text = text["\uFEFF"u8.Length..];
        return text;
    }

    private bool TryReadField(ReadOnlySpan<byte> line, out EventKind kind, out ReadOnlySpan<byte> data)
    {
        kind = default;
        data = default;
        if (line.StartsWith("data:"u8))
        {
            data = Value(line["data:".Length..]);
            _opening = line.Length - data.Length;
            IsJoined = false;
            if (_held is { IsEmpty: false })
            {
                IsJoined = true;
                _held.Append("\n"u8, MaxHeld);
                _held.Append(data, MaxHeld);
                data = _held.Take();
            }
            else
            {
                _givenBack = 0;
            }

            kind = _isError ? EventKind.Error : EventKind.Data;
            return !data.IsEmpty;
        }

        if (line.IsEmpty)
        {
            _isError = false;
            kind = EventKind.Incomplete;
            data = _held is null ? [] : _held.Take();
            return !data.IsEmpty;
        }

        if (line.StartsWith("event:"u8))
        {
            var name = Value(line["event:".Length..]);
            // Many servers name each event so.
            _isError = !name.SequenceEqual("message"u8) && IsError(name);
        }
        else if (line.StartsWith("error:"u8))
        {
            kind = EventKind.Error;
            data = Value(line["error:".Length..]);
            return !data.IsEmpty;
        }
        else if (line.StartsWith("\uFEFF"u8) || line.TrimStart(" \t"u8).StartsWith("data:"u8))
        {
            // A stream may begin with a byte order mark, and so may each of the pieces that a server joins. Others indent their lines.
            return TryReadField(SkipBefore(line), out kind, out data);
        }
        else if (line[0] != ':' && !line.StartsWith("id:"u8) && !line.StartsWith("retry:"u8))
        {
            _stray ??= new Held();
            _stray.Append(line, MaxHeld);
            _stray.Append("\n"u8, MaxHeld);
        }

        return false;
    }

    private static bool IsError(ReadOnlySpan<byte> name) => Contains(name, "error"u8) || Contains(name, "exception"u8) || Contains(name, "fail"u8);

    /// <summary>Looks for a word, in whatever case.</summary>
    private static bool Contains(ReadOnlySpan<byte> name, ReadOnlySpan<byte> word)
    {
        for (var at = 0; at <= name.Length - word.Length; at++)
        {
            if (Ascii.EqualsIgnoreCase(name.Slice(at, word.Length), word))
                return true;
        }

        return false;
    }

    private static ReadOnlySpan<byte> Value(ReadOnlySpan<byte> value) =>
        value is [(byte)' ', > (byte)' ' and < 0xEF, .., > (byte)' '] ? value[1..] : SkipByteOrderMarks(value.Trim(" \t"u8));

    /// <summary>Bytes that are kept across reads.</summary>
    private sealed class Held
    {
        private byte[] _bytes = [];
        private int _length;

        public bool IsEmpty => _length == 0;

        public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

        public void Set(ReadOnlySpan<byte> bytes)
        {
            // The bytes may be this one's own, or the end of them: Take() leaves them in place.
            if (bytes.Overlaps(_bytes))
            {
                bytes.CopyTo(_bytes);
                _length = bytes.Length;
                return;
            }

            _length = 0;
            Append(bytes, int.MaxValue);
        }

        public void Append(ReadOnlySpan<byte> bytes, int max)
        {
            if (_length + bytes.Length > max)
                throw new InvalidDataException("An event of the model's stream is over 1 MiB.");
            if (_bytes.Length < _length + bytes.Length)
                Array.Resize(ref _bytes, Math.Max(_length + bytes.Length, _bytes.Length * 2));
            bytes.CopyTo(_bytes.AsSpan(_length));
            _length += bytes.Length;
        }

        /// <summary>Empties it; the bytes stay valid until the next change.</summary>
        public ReadOnlySpan<byte> Take()
        {
            var bytes = Bytes;
            _length = 0;
            return bytes;
        }
    }
}
