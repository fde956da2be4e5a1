using System.Globalization;
using System.Text;
using System.Text.Json;
using Llasta.ModelSim.Prompts;

namespace Llasta.ModelSim.Protocol;

/// <summary>Reads a request's <c>messages</c>.</summary>
internal static class RequestMessages
{
    public static IReadOnlyList<Message> ReadList(JsonElement list)
    {
        var messages = new List<Message>(list.GetArrayLength());
        foreach (var item in list.EnumerateArray())
        {
            var at = $"'messages', {messages.Count}, ";
            if (item.ValueKind != JsonValueKind.Object)
                throw RequestBody.Wrong("dict_type", "'messages', ", messages.Count.ToString(CultureInfo.InvariantCulture), "Input should be a valid dictionary", item);
            var role = item.Text("role", at) ?? throw RequestBody.Missing(item, at, "role");
            messages.Add(new(role, ReadContent(item, at), item.Text("reasoning", at) ?? item.Text("reasoning_content", at)));
        }
        return messages;
    }

    private static string ReadContent(JsonElement message, string at)
    {
        if (message.Field("content") is not { ValueKind: JsonValueKind.Array } parts)
            return message.Text("content", at) ?? "";
        var text = new StringBuilder();
        foreach (var part in parts.EnumerateArray())
            if (part.ValueKind == JsonValueKind.Object && part.Text("text", at) is { } piece)
                text.Append(text.Length == 0 ? "" : "\n").Append(piece);
        return text.ToString();
    }
}
