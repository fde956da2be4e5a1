namespace Llasta.ModelSim.Protocol;

/// <summary>
/// An error as vLLM words it (<c>vllm/entrypoints/serve/utils/error_response.py</c>, <c>vllm/exceptions.py</c>: a validation
/// error's text ends in <c>(parameter=…, value=…)</c>).
/// </summary>
internal sealed record VllmError(int Status, string Type, string Message, string? Param = null)
{
    private const int ErrorsShown = 10;
    private const string ModelNotFound = "model_not_found";

    /// <summary>The Rust front end's sentence, where it has its own.</summary>
    public string? RustMessage { get; init; }

    /// <summary>The Rust front end's code, where it isn't that of the status.</summary>
    public string? RustCode { get; init; }

    private string RustType => Status < 500 ? "invalid_request_error" : "server_error";

    public static VllmError EngineDead { get; } =
        new(500, "InternalServerError", "EngineCore encountered an issue. See stack trace (above) for the root cause.");

    public static VllmError GenerationFailed { get; } = new(500, "InternalServerError", "Internal server error");

    public static VllmError ShuttingDown { get; } = new(500, "InternalServerError", "cannot schedule new futures after shutdown");

    public static VllmError Busy { get; } =
        new(503, "Service Unavailable", "The engine is currently busy and cannot accept new requests. Please try again later or on a different instance.");

    public static VllmError WrongContentType { get; } = WrongBody(
        "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed", null, "Expected request with `Content-Type: application/json`");

    public static VllmError EmptyConversation { get; } = Invalid("Cannot apply chat template to an empty conversation. Provide at least one message.") with
    {
        RustMessage = "messages: Validation error: messages cannot be empty [{\"value\": Array []}]",
    };

    public static VllmError NoToolParser { get; } = Invalid("\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set");

    public static VllmError NoReasoningParser { get; } =
        Invalid("thinking_token_budget is set but reasoning_config is not configured. Please set --reasoning-parser and/or --reasoning-config to use thinking_token_budget.");

    public static VllmError ScaleOutDisabled { get; } =
        new(403, "PermissionDeniedError", "Scale-out endpoints are disabled. Restart vllm serve with --enable-scale-out to enable them.");

    public static VllmError UnknownModel(string model, string served) => new(404, "NotFoundError", $"The model `{model}` does not exist. Valid aliases: {served}.", "model")
    {
        RustMessage = $"The model `{model}` does not exist.",
        RustCode = ModelNotFound,
    };

    public static VllmError NotMultimodal(string model) => Invalid($"{model} is not a multimodal model") with { RustMessage = "unsupported multimodal content: image_url" };

    /// <summary>vLLM does it, the simulator doesn't.</summary>
    public static VllmError NotSimulated(string what) => new(501, "NotImplementedError", $"The simulator doesn't support {what}; no real model is connected.");

    public static VllmError UntrustedHost(string message) => new(403, "PermissionDeniedError", message);

    public static VllmError Invalid(string message, string? param = null, string? value = null) =>
        new(400, "BadRequestError", $"{message}{(param is null ? "" : value is null ? $" (parameter={param})" : $" (parameter={param}, value={value})")}", param);

    public static VllmError Overflow(int window, int promptTokens) => Invalid(
        $"This model's maximum context length is {window} tokens. However, your prompt contains at least {window + 1} input tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input prompt.",
        "input_tokens", $"{window + 1}") with
    {
        RustMessage = $"this model's maximum context length is {window} tokens, but the prompt contains {promptTokens} input tokens",
    };

    public static VllmError TooManyOutputTokens(string param, int requested, int window) => Invalid(
        $"{param}={requested} cannot be greater than max_model_len={window}. Please request fewer output tokens.", param, $"{requested}");

    public static VllmError TooFewOutputTokens(int requested) =>
        Invalid($"max_tokens must be at least 1, got {requested}.", "max_tokens", $"{requested}");

    /// <summary>Fields that FastAPI refuses.</summary>
    public static VllmError Unprocessable(IReadOnlyList<FieldError> errors)
    {
        var first = errors[0];
        var shown = string.Concat(errors.Take(ErrorsShown).Select(error => $"\n  {error}"));
        var rest = errors.Count > ErrorsShown ? $"\n  ...and {errors.Count - ErrorsShown} more errors" : "";
        return WrongBody($"{errors.Count} validation error{(errors.Count == 1 ? "" : "s")}:{shown}{rest}", first.Path,
            $"Failed to deserialize the JSON body into the target type: {first.Path["body".Length..].TrimStart('.')}: {first.Message}");
    }

    /// <param name="position">The character at which the text stops being JSON.</param>
    public static VllmError InvalidJson(long position) => WrongBody(
        $"1 validation error:\n  {{'type': 'json_invalid', 'loc': 'body.{position}', 'msg': 'JSON decode error', 'input': '<dict of 0 items>', 'ctx': {{'error': 'Expecting value'}}}}",
        $"body.{position}", $"Failed to parse the request body as JSON: expected value at line 1 column {position}");

    /// <summary>The body of a response.</summary>
    public string ToJson(FrontEnd frontEnd) => frontEnd == FrontEnd.Python
        ? $$$"""{"error":{"message":{{{JsonText.Quoted(Message)}}},"type":"{{{Type}}}","param":{{{JsonText.Quoted(Param)}}},"code":{{{Status}}}}}"""
        : $$$"""{"error":{"message":{{{JsonText.Quoted(RustMessage ?? Message)}}},"type":"{{{RustType}}}","param":{{{JsonText.Quoted(RustCode == ModelNotFound ? Param : null)}}},"code":"{{{RustCode ?? RustType}}}"}}""";

    /// <summary>The event of a stream, which Python's own <c>json.dumps</c> writes, with spaces.</summary>
    public string ToEvent(FrontEnd frontEnd) => frontEnd == FrontEnd.Python
        ? $$$"""{"error": {"message": {{{JsonText.Quoted(Message)}}}, "type": "{{{Type}}}", "param": {{{JsonText.Quoted(Param)}}}, "code": {{{Status}}}}}"""
        : ToJson(frontEnd);

    public Task WriteAsync(HttpResponse response, FrontEnd frontEnd) => response.WriteJsonAsync(Status, ToJson(frontEnd));

    private static VllmError WrongBody(string message, string? param, string rustMessage) =>
        new(400, "Bad Request", message, param) { RustMessage = rustMessage, RustCode = "json_parse_error" };
}

/// <summary>Ends the handling of a request with that error.</summary>
internal sealed class RequestRejectedException(VllmError error) : Exception(error.Message)
{
    public VllmError Error { get; } = error;
}
