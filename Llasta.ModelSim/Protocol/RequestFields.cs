using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Llasta.ModelSim.Protocol;

/// <summary>
/// Reads the fields of a request's JSON object as pydantic does in its lax mode, and collects what doesn't fit, so that one
/// answer names it all.
/// </summary>
internal sealed class RequestFields
{
    private readonly string _path;
    private readonly List<FieldError> _errors;

    private RequestFields(JsonElement body, string path, List<FieldError> errors) => (Body, _path, _errors) = (body, path, errors);

    /// <summary>The object itself.</summary>
    public JsonElement Body { get; }

    /// <exception cref="RequestRejectedException">The body isn't JSON, or isn't a JSON object.</exception>
    public static async Task<RequestFields> ReadAsync(HttpRequest request)
    {
        using var buffer = new MemoryStream();
        await request.Body.CopyToAsync(buffer, request.HttpContext.RequestAborted);
        var bytes = buffer.ToArray();
        // vllm/entrypoints/serve/utils/api_utils.py: validate_json_request
        if (!(request.ContentType ?? "").Split(';', 2)[0].Equals("application/json", StringComparison.OrdinalIgnoreCase))
            throw new RequestRejectedException(VllmError.WrongContentType);
        if (bytes.Length == 0)
            throw new RequestRejectedException(VllmError.Unprocessable([new("missing", "body", "Field required", "None")]));
        try
        {
            using var document = JsonDocument.Parse(bytes);
            if (HasHalfCharacter(bytes))
                throw new RequestRejectedException(VllmError.Unprocessable([new("string_unicode", "body", "Input should be a valid string, unable to parse raw data as a unicode string", "<half of a surrogate pair>")]));
            var body = document.RootElement.Clone();
            return body.ValueKind == JsonValueKind.Object
                ? new(body, "body", [])
                : throw new RequestRejectedException(VllmError.Unprocessable([new("model_attributes_type", "body", "Input should be a valid dictionary or object to extract fields from", FieldError.Print(body))]));
        }
        catch (JsonException e)
        {
            throw new RequestRejectedException(VllmError.InvalidJson(Position(bytes, e)));
        }
    }

    /// <summary>Tells whether a name or a string escapes half of a surrogate pair, which no text may contain.</summary>
    private static bool HasHalfCharacter(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read())
            {
                if (reader is { ValueIsEscaped: true, TokenType: JsonTokenType.PropertyName or JsonTokenType.String })
                    reader.GetString();
            }

            return false;
        }
        catch (InvalidOperationException)
        {
            return true;
        }
    }

    /// <summary>Ends the reading with one error for all fields that don't fit.</summary>
    /// <exception cref="RequestRejectedException">There are such fields.</exception>
    public void ThrowIfWrong()
    {
        if (_errors.Count > 0)
            throw new RequestRejectedException(VllmError.Unprocessable(_errors));
    }

    /// <summary>The value, or null where it is missing or null.</summary>
    public JsonElement? Field(string name) => Body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public bool IsTrue(string name) => Field(name) is { ValueKind: JsonValueKind.True };

    public string? Text(string name) => Field(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : Wrong<string>("string_type", name, "Input should be a valid string", value);

    public bool? Flag(string name) => Field(name) is not { } value ? null : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number when value.TryGetInt32(out var number) && number is 0 or 1 => number == 1,
        JsonValueKind.String when value.ValueEquals("true") || value.ValueEquals("false") => value.ValueEquals("true"),
        JsonValueKind.String or JsonValueKind.Number => Wrong<bool?>("bool_parsing", name, "Input should be a valid boolean, unable to interpret input", value),
        _ => Wrong<bool?>("bool_type", name, "Input should be a valid boolean", value),
    };

    public int? Whole(string name) => Field(name) is not { } value ? null : value.ValueKind switch
    {
        JsonValueKind.Number when value.TryGetInt32(out var number) => number,
        JsonValueKind.Number when value.GetDouble() is var number && double.IsInteger(number) => (int)Math.Clamp(number, int.MinValue, int.MaxValue),
        JsonValueKind.Number => Wrong<int?>("int_from_float", name, "Input should be a valid integer, got a number with a fractional part", value),
        JsonValueKind.String when int.TryParse(value.GetString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        JsonValueKind.String => Wrong<int?>("int_parsing", name, "Input should be a valid integer, unable to parse string as an integer", value),
        _ => Wrong<int?>("int_type", name, "Input should be a valid integer", value),
    };

    public double? Real(string name) => Field(name) is not { } value ? null : value.ValueKind switch
    {
        JsonValueKind.Number => value.GetDouble(),
        JsonValueKind.String when double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        JsonValueKind.String => Wrong<double?>("float_parsing", name, "Input should be a valid number, unable to parse string as a number", value),
        _ => Wrong<double?>("float_type", name, "Input should be a valid number", value),
    };

    /// <summary>One of these words, or null.</summary>
    public string? Choice(string name, params string[] choices)
    {
        if (Field(name) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.String && choices.Contains(value.GetString()))
            return value.GetString();
        _errors.Add(FieldError.Literal($"{_path}.{name}", value, choices));
        return null;
    }

    /// <summary>The object of that name, whose errors are collected with these.</summary>
    public RequestFields? Object(string name) => Field(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Object ? new(value, $"{_path}.{name}", _errors)
        : Wrong<RequestFields>("dict_type", name, "Input should be a valid dictionary", value);

    /// <summary>The list's items, each as an object; null where there is no list.</summary>
    public IReadOnlyList<RequestFields>? Objects(string name)
    {
        if (Field(name) is not { } list)
            return null;
        if (list.ValueKind != JsonValueKind.Array)
            return Wrong<IReadOnlyList<RequestFields>>("list_type", name, "Input should be a valid list", list);
        foreach (var (index, item) in list.EnumerateArray().Index())
            if (item.ValueKind != JsonValueKind.Object)
                Wrong<object>("dict_type", $"{name}.{index}", "Input should be a valid dictionary", item);
        return [.. list.EnumerateArray().Select((item, index) => new RequestFields(item, $"{_path}.{name}.{index}", _errors))];
    }

    /// <summary>Collects an error where the field is missing or null.</summary>
    public void Require(string name)
    {
        if (Field(name) is null)
            Missing(name);
    }

    public void Missing(string name) => Wrong<object>("missing", name, "Field required", Body);

    /// <summary>Adds errors whose places are given from here.</summary>
    public void Add(IEnumerable<FieldError> errors) => _errors.AddRange(errors.Select(error => error with { Path = $"{_path}.{error.Path}" }));

    private T? Wrong<T>(string type, string name, string message, JsonElement value)
    {
        _errors.Add(new(type, $"{_path}.{name}", message, FieldError.Print(value)));
        return default;
    }

    private static long Position(byte[] bytes, JsonException e)
    {
        var start = 0;
        for (var line = e.LineNumber ?? 0; line > 0; line--)
            start = Array.IndexOf(bytes, (byte)'\n', start) + 1;
        return Encoding.UTF8.GetCharCount(bytes, 0, start) + (e.BytePositionInLine ?? 0);
    }
}
