using System.Text;
using System.Text.Json;

namespace Llasta.ModelSim.Protocol;

/// <summary>A field that doesn't fit, as pydantic describes it.</summary>
/// <param name="Type">pydantic's name for the kind.</param>
/// <param name="Path">The field's place, such as <c>body.temperature</c>.</param>
/// <param name="Message">What was expected.</param>
/// <param name="Input">The value, as <see cref="Print(JsonElement)"/> prints it.</param>
/// <param name="Expected">The choices, where there are any.</param>
internal sealed record FieldError(string Type, string Path, string Message, string Input, string? Expected = null)
{
    /// <summary>The value isn't one of the choices.</summary>
    public static FieldError Literal(string path, JsonElement value, params ReadOnlySpan<string> choices)
    {
        var quoted = choices.ToArray().Select(choice => $"'{choice}'").ToArray();
        var expected = quoted.Length == 1 ? quoted[0] : $"{string.Join(", ", quoted[..^1])} or {quoted[^1]}";
        return new("literal_error", path, $"Input should be {expected}", Print(value), expected);
    }

    /// <summary>A value as vLLM shows it: text as it is, containers by their size.</summary>
    public static string Print(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => $"<dict of {value.GetPropertyCount()} items>",
        JsonValueKind.Array => $"<list of {value.GetArrayLength()} items>",
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.True => "True",
        JsonValueKind.False => "False",
        JsonValueKind.Null or JsonValueKind.Undefined => "None",
        _ => value.GetRawText(),
    };

    /// <summary>The description, as Python prints a dictionary.</summary>
    public override string ToString()
    {
        var context = Expected is null ? "" : $", 'ctx': {{'expected': {Quote(Expected)}}}";
        return $"{{'type': '{Type}', 'loc': '{Path}', 'msg': {Quote(Message)}, 'input': {Quote(Input)}{context}}}";
    }

    private static string Quote(string text)
    {
        var quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        var printed = new StringBuilder().Append(quote);
        foreach (var character in text)
            _ = character switch
            {
                '\n' => printed.Append("\\n"),
                '\r' => printed.Append("\\r"),
                '\t' => printed.Append("\\t"),
                '\\' => printed.Append("\\\\"),
                _ when character == quote => printed.Append('\\').Append(character),
                _ => printed.Append(character),
            };
        return printed.Append(quote).ToString();
    }
}
