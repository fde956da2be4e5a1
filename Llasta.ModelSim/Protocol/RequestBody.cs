using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Llasta.ModelSim.Protocol;

/// <summary>Reads a JSON body and its fields; what doesn't fit is refused in the words of FastAPI and pydantic.</summary>
internal static class RequestBody
{
    /// <exception cref="RequestRejectedException">Not JSON, or no JSON object.</exception>
    public static async Task<JsonElement> ReadAsync(HttpRequest request)
    {
        var bytes = await ReadBytesAsync(request);
        // vllm/entrypoints/serve/utils/api_utils.py: validate_json_request
        var mediaType = (request.ContentType ?? "").Split(';', 2)[0];
        if (!mediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase))
            throw new RequestRejectedException(new(400, "Bad Request",
                "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed [\"Unsupported Media Type: Only 'application/json' is allowed\"]"));
        if (bytes.Length == 0)
            throw Refused("{'type': 'missing', 'loc': ('body',), 'msg': 'Field required', 'input': None}");
        JsonElement body;
        try
        {
            using var document = JsonDocument.Parse(bytes);
            body = document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw Refused(string.Create(CultureInfo.InvariantCulture, $"{{'type': 'json_invalid', 'loc': ('body', {e.BytePositionInLine ?? 0}), 'msg': 'JSON decode error', 'input': {{}}, 'ctx': {{'error': 'Expecting value'}}}}"));
        }
        return body.ValueKind == JsonValueKind.Object
            ? body
            : throw Refused($"{{'type': 'model_attributes_type', 'loc': ('body',), 'msg': 'Input should be a valid dictionary or object to extract fields from', 'input': {Python(body)}}}");
    }

    public static JsonElement? Field(this JsonElement owner, string name) =>
        owner.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public static string? Text(this JsonElement owner, string name, string at = "") => owner.Field(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value => value.GetString(),
        { } value => throw Wrong("string_type", at, name, "Input should be a valid string", value),
    };

    public static bool? Flag(this JsonElement owner, string name, string at = "") => owner.Field(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } value => throw Wrong("bool_parsing", at, name, "Input should be a valid boolean, unable to interpret input", value),
    };

    public static int? Whole(this JsonElement owner, string name) => owner.Field(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } value when value.TryGetInt32(out var number) => number,
        { ValueKind: JsonValueKind.Number } value => throw Wrong("int_from_float", "", name, "Input should be a valid integer, got a number with a fractional part", value),
        { ValueKind: JsonValueKind.String } value => throw Wrong("int_parsing", "", name, "Input should be a valid integer, unable to parse string as an integer", value),
        { } value => throw Wrong("int_type", "", name, "Input should be a valid integer", value),
    };

    public static double? Real(this JsonElement owner, string name) => owner.Field(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } value => value.GetDouble(),
        { } value => throw Wrong("float_type", "", name, "Input should be a valid number", value),
    };

    public static JsonElement? Dictionary(this JsonElement owner, string name) => owner.Field(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Object } value => value,
        { } value => throw Wrong("dict_type", "", name, "Input should be a valid dictionary", value),
    };

    public static JsonElement? List(this JsonElement owner, string name) => owner.Field(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } value => value,
        { } value => throw Wrong("list_type", "", name, "Input should be a valid list", value),
    };

    public static RequestRejectedException Missing(JsonElement owner, string at, string name) =>
        Wrong("missing", at, name, "Field required", owner);

    public static RequestRejectedException Wrong(string type, string at, string name, string message, JsonElement input) =>
        Refused($"{{'type': '{type}', 'loc': ('body', {at}'{name}'), 'msg': '{message}', 'input': {Python(input)}}}");

    private static RequestRejectedException Refused(string error) => new(VllmError.Unprocessable(error));

    private static async Task<byte[]> ReadBytesAsync(HttpRequest request)
    {
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(request.HttpContext.RequestAborted);
            if (read.IsCompleted)
            {
                var bytes = read.Buffer.ToArray();
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return bytes;
            }
            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>pydantic echoes its input as Python prints it.</summary>
    private static string Python(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "{" + string.Join(", ", value.EnumerateObject().Select(member => $"{Python(member.Name)}: {Python(member.Value)}")) + "}",
        JsonValueKind.Array => "[" + string.Join(", ", value.EnumerateArray().Select(Python)) + "]",
        JsonValueKind.String => Python(value.GetString()!),
        JsonValueKind.True => "True",
        JsonValueKind.False => "False",
        JsonValueKind.Null => "None",
        _ => value.GetRawText(),
    };

    private static string Python(string text)
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
