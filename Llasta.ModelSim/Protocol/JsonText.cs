using System.Text;

namespace Llasta.ModelSim.Protocol;

/// <summary>JSON as text. Strings are written as pydantic and serde_json write them: plain UTF-8, where .NET's writer escapes what lies beyond the basic plane.</summary>
internal static class JsonText
{
    /// <summary>A JSON string with its quotes: only quotes, backslashes and control characters are escaped.</summary>
    public static string Quoted(ReadOnlySpan<char> text)
    {
        var json = new StringBuilder(text.Length + 2).Append('"');
        foreach (var character in text)
            _ = character switch
            {
                '"' or '\\' => json.Append('\\').Append(character),
                '\n' => json.Append("\\n"),
                '\r' => json.Append("\\r"),
                '\t' => json.Append("\\t"),
                '\b' => json.Append("\\b"),
                '\f' => json.Append("\\f"),
                < ' ' => json.Append($"\\u{(int)character:x4}"),
                _ => json.Append(character),
            };
        return json.Append('"').ToString();
    }

    /// <summary>The JSON string, or <c>null</c>.</summary>
    public static string Quoted(string? text) => text is null ? "null" : Quoted(text.AsSpan());

    /// <summary>Writes all of a response. If the client has left, nothing happens.</summary>
    public static Task WriteJsonAsync(this HttpResponse response, int status, string json)
    {
        (response.StatusCode, response.ContentType, response.ContentLength) = (status, "application/json", Encoding.UTF8.GetByteCount(json));
        return response.WriteAsync(json);
    }
}
