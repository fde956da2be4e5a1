using Llasta.Streaming;

namespace Llasta.ChatApi.Completions;

/// <summary>The two events that carry the answer. Their text is the inside of a JSON string, with upstream's escapes.</summary>
internal static class AnswerEvents
{
    /// <summary>Writes answer text.</summary>
    public static void WriteText(this ResponseWriter response, ReadOnlySpan<byte> escaped) => response.WriteStringEvent("data: \""u8, escaped);

    /// <summary>Writes thinking.</summary>
    public static void WriteReasoning(this ResponseWriter response, ReadOnlySpan<byte> escaped) => response.WriteStringEvent("event: reasoning\ndata: \""u8, escaped);
}
