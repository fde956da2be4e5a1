using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Llasta.ModelSim.Protocol;

/// <summary>JSON strings as pydantic writes them: plain UTF-8, where .NET's writer escapes what lies beyond the basic plane.</summary>
internal static class JsonText
{
    private static readonly SearchValues<char> NeedEscape = SearchValues.Create([.. Enumerable.Range(0, 32).Select(code => (char)code), '"', '\\']);

    /// <summary>JSON's escapes as serde_json writes them: quote, backslash and control characters, nothing else.</summary>
    public static void Escape(IBufferWriter<byte> output, ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            var plain = text.IndexOfAny(NeedEscape);
            if (plain != 0)
            {
                var run = plain < 0 ? text : text[..plain];
                var space = output.GetSpan(run.Length * 3);
                Utf8.FromUtf16(run, space, out _, out var written);
                output.Advance(written);
                text = text[run.Length..];
                continue;
            }
            switch (text[0])
            {
                case '"': output.Write("\\\""u8); break;
                case '\\': output.Write("\\\\"u8); break;
                case '\n': output.Write("\\n"u8); break;
                case '\r': output.Write("\\r"u8); break;
                case '\t': output.Write("\\t"u8); break;
                case '\b': output.Write("\\b"u8); break;
                case '\f': output.Write("\\f"u8); break;
                default:
                    output.Write("\\u00"u8);
                    output.Write([Hex(text[0] >> 4), Hex(text[0] & 15)]);
                    break;
            }
            text = text[1..];
        }
    }

    /// <summary>A JSON string with its quotes, or null.</summary>
    public static string Quoted(string? text)
    {
        if (text is null)
            return "null";
        var buffer = new ArrayBufferWriter<byte>(text.Length + 2);
        buffer.Write("\""u8);
        Escape(buffer, text);
        buffer.Write("\""u8);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static byte Hex(int digit) => (byte)"0123456789abcdef"[digit];
}
