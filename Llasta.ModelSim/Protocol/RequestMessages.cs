using System.Text.Json;
using Llasta.ModelSim.Prompts;

namespace Llasta.ModelSim.Protocol;

/// <summary>Reads a request's <c>messages</c>.</summary>
internal static class RequestMessages
{
    /// <summary>The message types that vLLM tries one after the other, in order, with their roles.</summary>
    private static readonly (string Type, string Role)[] Types =
    [
        ("ChatCompletionDeveloperMessageParam", "developer"), ("ChatCompletionSystemMessageParam", "system"), ("ChatCompletionUserMessageParam", "user"),
        ("ChatCompletionAssistantMessageParam", "assistant"), ("ChatCompletionToolMessageParam", "tool"),
    ];

    /// <summary>The messages; null where the field is missing. What doesn't fit is collected in <paramref name="body"/>.</summary>
    /// <exception cref="RequestRejectedException">A part of a message isn't text.</exception>
    public static IReadOnlyList<Message>? Read(RequestFields body, string model) => body.Objects("messages")?.Select(item => ReadOne(item, model)).ToList();

    private static Message ReadOne(RequestFields item, string model)
    {
        if (item.Body.ValueKind != JsonValueKind.Object)
            return new("", "", null);
        var role = item.Text("role");
        item.Require("role");
        return new(role ?? "", ReadContent(item, role, model), item.Text("reasoning") ?? item.Text("reasoning_content"));
    }

    private static string ReadContent(RequestFields message, string? role, string model)
    {
        if (!message.Body.TryGetProperty("content", out var content) || (content.ValueKind == JsonValueKind.Null && role == "assistant"))
            return "";
        if (content.ValueKind == JsonValueKind.String)
            return content.GetString()!;
        if (content.ValueKind == JsonValueKind.Array)
            return content.EnumerateArray().Select(TextOf).Aggregate("", (text, part) => text.Length == 0 ? part : $"{text}\n{part}");
        message.Add(WrongContent(content, role));
        return "";

        string TextOf(JsonElement part) =>
            part.ValueKind == JsonValueKind.String ? part.GetString()!
            : part.ValueKind == JsonValueKind.Object && part.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String ? text.GetString()!
            : throw new RequestRejectedException(VllmError.NotMultimodal(model));
    }

    /// <summary>Every type's complaints about the content, as a union of pydantic's has them.</summary>
    private static IEnumerable<FieldError> WrongContent(JsonElement content, string? role)
    {
        var input = FieldError.Print(content);
        foreach (var (type, expected) in Types)
        {
            if (expected != "assistant" || content.ValueKind != JsonValueKind.Null)
            {
                yield return new("string_type", $"{type}.content", "Input should be a valid string", input);
                yield return new("iterable_type", $"{type}.content", "Input should be iterable", input);
            }
            if (role != expected)
                yield return FieldError.Literal($"{type}.role", JsonElement.Parse(JsonText.Quoted(role ?? "None")), expected);
        }
        // Seven more complaints of the types that follow; vLLM shows ten and counts the others.
        for (var rest = 0; rest < 7; rest++)
            yield return new("missing", $"other.{rest}", "Field required", input);
    }
}
