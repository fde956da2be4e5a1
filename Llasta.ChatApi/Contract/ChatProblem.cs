using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Llasta.Streaming;

namespace Llasta.ChatApi.Contract;

/// <summary>An error as RFC 9457 gives it, with a stable code for the program and a sentence for the person.</summary>
/// <param name="Code">One of <see cref="ProblemCodes"/>.</param>
/// <param name="Status">The HTTP status; also set when the problem is an event of a response with status 200.</param>
/// <param name="Title">What happened, in a few words.</param>
/// <param name="Detail">What happened and what to do, in a sentence.</param>
/// <param name="Retryable">Whether the same request may succeed later.</param>
public sealed record ChatProblem(string Code, int Status, string Title, string Detail, bool Retryable = false)
{
    /// <summary>The pause before the same request is sent again, in seconds, unless the server behind this one asks for another.</summary>
    internal const int UsualRetryAfter = 2;

    /// <summary>The code as a URI.</summary>
    public string Type => $"urn:llasta:problem:{Code}";

    /// <summary>With <c>context-overflow</c>: a lower bound of the prompt's tokens, if the server gave one. vLLM stops counting at the limit.</summary>
    public int? PromptTokens { get; init; }

    /// <summary>With <c>context-overflow</c>: the model's context window in tokens, if the server gave it.</summary>
    public int? ContextWindow { get; init; }

    /// <summary>The model's server refuses connections or loads the model: it is starting, or not running.</summary>
    [JsonIgnore]
    internal bool IsStarting { get; init; }

    /// <summary>The HTTP status with which the model's server refused the turn; for the log.</summary>
    [JsonIgnore]
    internal int? ServerStatus { get; init; }

    /// <summary>Sent as <c>Retry-After</c>, in seconds.</summary>
    [JsonIgnore]
    public int? RetryAfter { get; init; }

    /// <summary>The request breaks the contract.</summary>
    /// <param name="detail">What is wrong and how to correct it.</param>
    /// <param name="status">400; 408 for a body that does not arrive; 415 for another content type.</param>
    public static ChatProblem InvalidRequest(string detail, int status = StatusCodes.Status400BadRequest) =>
        new(ProblemCodes.InvalidRequest, status, "The request can't be understood.", detail);

    /// <summary>The request's body is over the limit.</summary>
    /// <param name="maxBodyBytes">The limit, in bytes.</param>
    public static ChatProblem TooLarge(int maxBodyBytes) =>
        new(ProblemCodes.TooLarge, StatusCodes.Status413PayloadTooLarge, "The conversation is too large to send.",
            string.Create(CultureInfo.InvariantCulture, $"The request is over {maxBodyBytes:N0} bytes. Shorten the message or reset the conversation; the operator can raise Chat:MaxBodyBytes."));

    internal static ChatProblem ForbiddenOrigin(string detail) =>
        new(ProblemCodes.ForbiddenOrigin, StatusCodes.Status403Forbidden, "This address may not use the chat.", detail);

    internal static ChatProblem Busy(string detail, int retryAfter = UsualRetryAfter) =>
        new(ProblemCodes.Busy, StatusCodes.Status503ServiceUnavailable, "The server is busy.", detail, Retryable: true) { RetryAfter = retryAfter };

    /// <summary>A server behind this one does not answer.</summary>
    /// <param name="detail">What happened and what to do.</param>
    /// <param name="status">503, or 504 for a time-out.</param>
    public static ChatProblem Unreachable(string detail, int status = StatusCodes.Status503ServiceUnavailable) =>
        new(ProblemCodes.Unreachable, status, "The model can't be reached.", detail, Retryable: true) { RetryAfter = UsualRetryAfter };

    /// <summary>This process has no file descriptor for a connection to a server behind it.</summary>
    public static ChatProblem OutOfDescriptors() =>
        Busy("This server has no file descriptor left for another connection. The page retries automatically; the operator has to raise the process's limit (ulimit -n), or run more replicas.");

    /// <summary>This process is stopping.</summary>
    public static ChatProblem ShuttingDown() =>
        new(ProblemCodes.Unreachable, StatusCodes.Status503ServiceUnavailable, "This server is restarting.", "The server is being restarted; send the message again in a moment.", Retryable: true) { RetryAfter = 0 };

    /// <summary>A turn that isn't sent to the model.</summary>
    /// <param name="refusal">Why.</param>
    public static ChatProblem Of(StreamRefusal refusal) => refusal switch
    {
        StreamRefusal.Draining => ShuttingDown(),
        StreamRefusal.ClientFull => Busy("This server has reached its limit of concurrent answers for your network address. The page retries automatically."),
        _ => Busy("The chat API has reached its limit of concurrent answers. The page retries automatically."),
    };

    internal static ChatProblem ModelAuth() =>
        new(ProblemCodes.ModelAuth, StatusCodes.Status502BadGateway, "The model's server refused the key.",
            "The model's server refused the chat API's key. The operator has to set OPENAI_API_KEY to the key that the server was started with (vLLM: --api-key or VLLM_API_KEY).");

    internal static ChatProblem ModelNotFound(string detail) =>
        new(ProblemCodes.ModelNotFound, StatusCodes.Status502BadGateway, "The model's server doesn't serve this model.", detail);

    internal static ChatProblem ModelError(string detail) =>
        new(ProblemCodes.ModelError, StatusCodes.Status502BadGateway, "The model's server failed.", detail, Retryable: true);

    internal static ChatProblem ContextOverflow(int? promptTokens, int? contextWindow) =>
        new(ProblemCodes.ContextOverflow, StatusCodes.Status400BadRequest, "The conversation doesn't fit the model's context window.",
            promptTokens is { } p && contextWindow is { } w
                ? string.Create(CultureInfo.InvariantCulture, $"The conversation needs at least {p:N0} tokens and the model's window has {w:N0}. Drop the oldest turns, or reset.")
                : "The conversation is longer than the model's window. Drop the oldest turns, or reset.")
        { PromptTokens = promptTokens, ContextWindow = contextWindow };

    internal static ChatProblem NotSupported() =>
        new(ProblemCodes.NotSupported, StatusCodes.Status501NotImplemented, "The model's server doesn't count tokens.", "The model's server has no /tokenize (vLLM has one); nothing needs to be done.");

    /// <summary>Answers a request with this problem.</summary>
    public async Task WriteAsync(HttpContext http)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(this, ContractJson.Default.ChatProblem);
        http.Response.StatusCode = Status;
        http.Response.ContentType = "application/problem+json";
        http.Response.ContentLength = body.Length;
        if (RetryAfter is { } seconds)
            http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }
}
