using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Llasta.ChatApi.Contract;

namespace Llasta.ChatApi.Relay;

/// <summary>
/// Writes messages as the GenAI conventions want them on a span (<c>gen_ai.input.messages</c>, <c>gen_ai.output.messages</c>), for the
/// dashboard of a developer.
/// </summary>
internal static class RecordedMessages
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes a conversation.</summary>
    public static string Input(IReadOnlyList<ChatMessage> messages) => Write(json =>
    {
        foreach (var message in messages)
            WriteMessage(json, message.Role!, message.Reasoning?.ToString(), message.Content!.ToString(), finishReason: null);
    });

    /// <summary>Writes an answer.</summary>
    public static string Output(string reasoning, string text, string finishReason) => Write(json => WriteMessage(json, "assistant", reasoning, text, finishReason));

    private static void WriteMessage(Utf8JsonWriter json, string role, string? reasoning, string text, string? finishReason)
    {
        json.WriteStartObject();
        json.WriteString("role"u8, role);
        json.WriteStartArray("parts"u8);
        if (!string.IsNullOrEmpty(reasoning))
            WritePart(json, "reasoning"u8, reasoning);
        if (text.Length > 0)
            WritePart(json, "text"u8, text);
        json.WriteEndArray();
        if (finishReason is not null)
            json.WriteString("finish_reason"u8, finishReason);
        json.WriteEndObject();
    }

    private static void WritePart(Utf8JsonWriter json, ReadOnlySpan<byte> type, string content)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, type);
        json.WriteString("content"u8, content);
        json.WriteEndObject();
    }

    private static string Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartArray();
            write(json);
            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
