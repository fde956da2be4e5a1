using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Llasta.Tests.Support;

/// <summary>A recorded request and its answer (<c>Recordings/README.md</c>).</summary>
internal sealed partial record Recording(int Status, string ContentType, string Body)
{
    private static readonly string Root = Repository.PathOf("Llasta.Tests/Recordings");

    /// <summary>The names of a server's recorded pairs.</summary>
    public static IEnumerable<string> Names(string server) => Directory.EnumerateFiles(Path.Combine(Root, server), "*.request.json")
        .Select(file => Path.GetFileName(file)[..^".request.json".Length]).Order(StringComparer.Ordinal);

    /// <summary>The recorded answer.</summary>
    public static Recording Answer(string server, string name)
    {
        var text = File.ReadAllText(Path.Combine(Root, server, $"{name}.response"));
        var end = text.IndexOf("\n\n", StringComparison.Ordinal);
        var head = text[..end].Split('\n');
        var contentType = head.Select(line => line.Split(": ", 2)).FirstOrDefault(line => line[0] == "content-type")?[1] ?? "";
        return new(int.Parse(head[0].Split(' ')[1], CultureInfo.InvariantCulture), contentType, text[(end + 2)..]);
    }

    /// <summary>The recorded request.</summary>
    public static HttpRequestMessage Request(string server, string name)
    {
        var text = File.ReadAllText(Path.Combine(Root, server, $"{name}.request.json"));
        var recorded = JsonNode.Parse(Repeated.Replace(text, match => string.Concat(Enumerable.Repeat("word ", int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)))))!;
        var request = new HttpRequestMessage(new((string)recorded["method"]!), (string)recorded["path"]!);
        if (recorded["body"] is { } body)
        {
            request.Content = new StringContent(body.GetValueKind() == JsonValueKind.String ? (string)body! : body.ToJsonString(), Encoding.UTF8);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }
        foreach (var (header, value) in recorded["headers"]?.AsObject() ?? [])
        {
            if (header == "content-type")
                request.Content!.Headers.ContentType = MediaTypeHeaderValue.Parse((string)value!);
            else
                request.Headers.TryAddWithoutValidation(header, (string)value!);
        }
        return request;
    }

    public static async Task<Recording> ReadAsync(HttpResponseMessage response) =>
        new((int)response.StatusCode, response.Content.Headers.ContentType?.ToString() ?? "", await response.Content.ReadAsStringAsync(Chatbot.Cancelled));

    /// <summary>Everything but texts, ids, times and counts: status, content type, and the body's members in order with their kinds.</summary>
    public string Form()
    {
        var form = new StringBuilder().AppendLine(CultureInfo.InvariantCulture, $"{Status} {ContentType.Replace("; charset=utf-8", "", StringComparison.OrdinalIgnoreCase)}");
        if (ContentType.StartsWith("application/json", StringComparison.Ordinal))
        {
            var body = JsonElement.Parse(Body);
            form.AppendLine(FormOf(body));
            // Every word of an error counts.
            if (body.TryGetProperty("error", out var error))
                form.AppendLine(error.GetRawText());
        }
        else if (ContentType.StartsWith("text/event-stream", StringComparison.Ordinal))
            AppendEvents(form);
        else
            form.AppendLine(Body);
        return form.ToString();
    }

    private void AppendEvents(StringBuilder form)
    {
        var last = "";
        foreach (var item in Body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var next = item;
            if (item.StartsWith("data: {", StringComparison.Ordinal))
            {
                var chunk = JsonElement.Parse(item["data: ".Length..]);
                next = chunk.TryGetProperty("error", out _) ? item : FormOf(chunk) + FinishReason(chunk);
            }
            if (next != last)
                form.AppendLine(next);
            last = next;
        }
    }

    private static string FinishReason(JsonElement chunk) =>
        chunk.TryGetProperty("choices", out var choices) && choices.GetArrayLength() > 0 && choices[0].TryGetProperty("finish_reason", out var reason) && reason.ValueKind == JsonValueKind.String
            ? " finish=" + reason.GetString()
            : "";

    private static string FormOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => $"{{{string.Join(",", value.EnumerateObject().Select(member => $"{member.Name}:{FormOf(member.Value)}"))}}}",
        JsonValueKind.Array => value.GetArrayLength() == 0 ? "[]" : $"[{FormOf(value[0])}]",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        var kind => kind.ToString().ToLowerInvariant(),
    };

    [GeneratedRegex(@"\{\{word × (\d+)\}\}")]
    private static partial Regex Repeated { get; }
}
