using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Llasta.ModelSim.Protocol;

/// <summary>
/// An error as vLLM words it (<c>vllm/entrypoints/serve/utils/error_response.py</c>, <c>server_utils.py</c>,
/// <c>vllm/exceptions.py</c>: a validation error's text ends in <c>(parameter=…, value=…)</c>).
/// </summary>
internal sealed record VllmError(int Status, string Type, string Message, string? Param = null)
{
    private static readonly JsonWriterOptions AsPydantic = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static VllmError EngineDead { get; } =
        new(500, "InternalServerError", "EngineCore encountered an issue. See stack trace (above) for the root cause.");

    public static VllmError GenerationFailed { get; } = new(500, "InternalServerError", "Internal server error");

    public static VllmError UnknownModel(string model) => new(404, "NotFoundError", $"The model `{model}` does not exist.", "model");

    public static VllmError Invalid(string message) => new(400, "BadRequestError", message);

    public static VllmError Invalid(string message, string param) => new(400, "BadRequestError", $"{message} (parameter={param})", param);

    public static VllmError Invalid(string message, string param, long value) =>
        new(400, "BadRequestError", string.Create(CultureInfo.InvariantCulture, $"{message} (parameter={param}, value={value})"), param);

    /// <summary>What FastAPI itself refuses: not JSON, a field of the wrong type, a wrong Content-Type. Takes Python-like descriptions.</summary>
    public static VllmError Unprocessable(params ReadOnlySpan<string> errors)
    {
        var lines = string.Concat(errors.ToArray().Select(error => $"\n  {error}"));
        return new(400, "Bad Request", $"{errors.Length} validation error{(errors.Length == 1 ? "" : "s")}:{lines} [{string.Join(", ", errors)}]");
    }

    public static VllmError Overflow(int window, int outputTokens) => Invalid(
        string.Create(CultureInfo.InvariantCulture, $"This model's maximum context length is {window} tokens. However, you requested {outputTokens} output tokens and your prompt contains at least {window - outputTokens + 1} input tokens, for a total of at least {window + 1} tokens. Please reduce the length of the input prompt or the number of requested output tokens."),
        "input_tokens", window - outputTokens + 1);

    /// <summary>The check before tokenizing: so many characters can't fit whatever the tokens are.</summary>
    public static VllmError OverflowByLength(int window, int outputTokens, int characters, long mostCharacters) => Invalid(
        string.Create(CultureInfo.InvariantCulture, $"This model's maximum context length is {window} tokens. However, you requested {outputTokens} output tokens and your prompt contains {characters} characters (more than {mostCharacters} characters, which is the upper bound for {window - outputTokens} input tokens). Please reduce the length of the input prompt or the number of requested output tokens."),
        "input_text", characters);

    public static VllmError TooManyOutputTokens(string param, int requested, int window) => Invalid(
        string.Create(CultureInfo.InvariantCulture, $"{param}={requested} cannot be greater than max_model_len=max_total_tokens={window}. Please request fewer output tokens."),
        param, requested);

    /// <summary>The body, the same before a stream and inside one.</summary>
    public ReadOnlySpan<byte> ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var json = new Utf8JsonWriter(buffer, AsPydantic);
        json.WriteStartObject();
        json.WriteStartObject("error"u8);
        json.WritePropertyName("message"u8);
        json.WriteRawValue(JsonText.Quoted(Message));
        json.WriteString("type"u8, Type);
        json.WriteString("param"u8, Param);
        json.WriteNumber("code"u8, Status);
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan;
    }

    public Task WriteAsync(HttpResponse response) => response.WriteJsonAsync(Status, ToJson());
}

/// <summary>Ends the handling of a request with that error.</summary>
internal sealed class RequestRejectedException(VllmError error) : Exception(error.Message)
{
    public VllmError Error { get; } = error;
}

internal static class JsonResponse
{
    public static Task WriteJsonAsync(this HttpResponse response, int status, ReadOnlySpan<byte> body)
    {
        response.StatusCode = status;
        response.ContentType = "application/json";
        response.ContentLength = body.Length;
        response.BodyWriter.Write(body);
        return response.BodyWriter.FlushAsync(response.HttpContext.RequestAborted).AsTask();
    }

    public static Task WriteJsonAsync(this HttpResponse response, int status, Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            write(json);
        return response.WriteJsonAsync(status, buffer.WrittenSpan);
    }
}
