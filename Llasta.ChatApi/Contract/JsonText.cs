using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;

namespace Llasta.ChatApi.Contract;

/// <summary>
/// A JSON string as its sender wrote it: UTF-8 with its escapes. The relay sends texts of up to megabytes on without reading them, so it
/// neither decodes nor copies them.
/// </summary>
[JsonConverter(typeof(Converter))]
public sealed class JsonText
{
    private readonly bool _escaped;

    private JsonText(ReadOnlySequence<byte> raw, bool escaped) => (Raw, _escaped) = (raw, escaped);

    /// <summary>The string without its quotes.</summary>
    internal ReadOnlySequence<byte> Raw { get; }

    /// <summary>The text has no character.</summary>
    public bool IsEmpty => Raw.IsEmpty;

    /// <summary>Writes a text as JSON.</summary>
    public static JsonText Of(string text) => new(new ReadOnlySequence<byte>(JsonEncodedText.Encode(text).EncodedUtf8Bytes.ToArray()), escaped: true);

    /// <summary>The text contains <c>&lt;/think&gt;</c>, at which Qwen3's template cuts a message.</summary>
    internal bool HasThinkEnd =>
        // A letter can be escaped only as \u00XX, so most texts need not be decoded.
        (Finds(Raw, "think"u8) || (_escaped && Finds(Raw, @"\u00"u8))) && ToString().Contains("</think>", StringComparison.Ordinal);

    /// <summary>Decodes the text.</summary>
    public override string ToString()
    {
        if (!_escaped)
            return Encoding.UTF8.GetString(Raw);
        var json = new Utf8JsonReader([(byte)'"', .. Raw.ToArray(), (byte)'"']);
        json.Read();
        return json.GetString()!;
    }

    private static bool Finds(ReadOnlySequence<byte> bytes, ReadOnlySpan<byte> word) =>
        bytes.IsSingleSegment ? bytes.FirstSpan.IndexOf(word) >= 0 : new SequenceReader<byte>(bytes).TryReadTo(out ReadOnlySequence<byte> _, word);

    /// <summary>Tells whether bytes, in whatever pieces, are UTF-8.</summary>
    private static bool IsUtf8(ReadOnlySequence<byte> bytes)
    {
        if (bytes.IsSingleSegment)
            return Utf8.IsValid(bytes.FirstSpan);
        // The character that the end of a piece has cut.
        Span<byte> cut = stackalloc byte[4];
        var held = 0;
        foreach (var piece in bytes)
        {
            var span = piece.Span;
            while (held > 0 && !span.IsEmpty)
            {
                cut[held++] = span[0];
                span = span[1..];
                var status = Rune.DecodeFromUtf8(cut[..held], out _, out _);
                if (status == OperationStatus.InvalidData)
                    return false;
                if (status == OperationStatus.Done)
                    held = 0;
            }

            var tail = 0;
            for (var length = 1; length <= Math.Min(3, span.Length) && tail == 0; length++)
                tail = Rune.DecodeFromUtf8(span[^length..], out _, out _) == OperationStatus.NeedMoreData ? length : 0;
            if (!Utf8.IsValid(span[..^tail]))
                return false;
            span[^tail..].CopyTo(cut[held..]);
            held += tail;
        }

        return held == 0;
    }

    /// <summary>Tells whether the escapes of a JSON string are whole characters: no half of a surrogate pair.</summary>
    private static bool IsWhole(ReadOnlySequence<byte> raw)
    {
        var reader = new SequenceReader<byte>(raw);
        while (reader.TryAdvanceTo((byte)'\\'))
        {
            if (!IsUnit(ref reader, out var unit) || !char.IsSurrogate(unit))
                continue;
            if (!char.IsHighSurrogate(unit) || !reader.IsNext((byte)'\\', advancePast: true) || !IsUnit(ref reader, out var low) || !char.IsLowSurrogate(low))
                return false;
        }

        return true;

        // Behind a backslash: reads one escape.
        static bool IsUnit(ref SequenceReader<byte> reader, out char unit)
        {
            unit = default;
            Span<byte> digits = stackalloc byte[4];
            if (!reader.TryRead(out var kind) || kind != 'u' || !reader.TryCopyTo(digits))
                return false;
            reader.Advance(digits.Length);
            unit = (char)ushort.Parse(digits, System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture);
            return true;
        }
    }

    /// <summary>Reads a text without copying it if the JSON is a sequence.</summary>
    internal sealed class Converter : JsonConverter<JsonText>
    {
        public override JsonText Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.String)
                throw new JsonException();
            var raw = reader.HasValueSequence ? reader.ValueSequence : new ReadOnlySequence<byte>(Find(ref reader));
            if (!IsUtf8(raw) || (reader.ValueIsEscaped && !IsWhole(raw)))
                throw new JsonException();
            return new JsonText(raw, reader.ValueIsEscaped);
        }

        /// <summary>Finds the memory that has the value, or copies it.</summary>
        private static ReadOnlyMemory<byte> Find(ref Utf8JsonReader reader) =>
            reader.Position.GetObject() is ReadOnlySequenceSegment<byte> piece && piece.Memory.Span.Overlaps(reader.ValueSpan, out var at)
                ? piece.Memory.Slice(at, reader.ValueSpan.Length)
                : reader.ValueSpan.ToArray();

        public override void Write(Utf8JsonWriter writer, JsonText value, JsonSerializerOptions options) => throw new NotSupportedException();
    }
}
