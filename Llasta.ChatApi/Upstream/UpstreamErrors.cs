using System.ClientModel;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Llasta.ChatApi.Contract;

namespace Llasta.ChatApi.Upstream;

/// <summary>Turns the model server's refusals and the network's failures into problems for the reader.</summary>
internal static partial class UpstreamErrors
{
    /// <summary>Longer bodies are cut off. Errors and lists of models are shorter; a count of tokens comes before its list of tokens.</summary>
    private const int MaxBody = 256 << 10;

    /// <summary>Reads a body, at most its first 256 KiB.</summary>
    internal static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(Stream? body, CancellationToken cancellation)
    {
        if (body is null)
            return default;
        var buffer = new byte[4096];
        var length = 0;
        while (await body.ReadAsync(buffer.AsMemory(length), cancellation) is > 0 and var read)
        {
            length += read;
            if (length == MaxBody)
                break;
            if (length == buffer.Length)
                Array.Resize(ref buffer, buffer.Length * 2);
        }

        return buffer.AsMemory(0, length);
    }

    /// <summary>Explains a response whose status is not 200. Bodies: <c>vllm/entrypoints/openai</c>; for the overflow also llama.cpp's.</summary>
    internal static ChatProblem FromResponse(int status, ReadOnlyMemory<byte> body, int? retryAfter)
    {
        var error = ErrorBody.Read(body);
        return status switch
        {
            400 when error?.IsContextOverflow == true => ChatProblem.ContextOverflow(error.PromptTokens, error.ContextWindow),
            400 or 422 => ChatProblem.InvalidRequest($"The model's server refused the request{Quote(error)}"),
            401 or 403 => ChatProblem.ModelAuth(),
            404 when error is not null => ChatProblem.ModelNotFound($"The model's server doesn't know the model{Quote(error)} The operator has to set Chat:Model to a model that it serves, or leave it empty."),
            404 or 405 => ChatProblem.ModelNotFound($"The model's address answered {status}. The operator has to check that OPENAI_API_BASE_URL points at an OpenAI-compatible server and ends in /v1."),
            413 => ChatProblem.ContextOverflow(null, null),
            429 => ChatProblem.Busy("The model's server takes no more requests at the moment.", retryAfter ?? 2),
            502 or 503 or 504 => ChatProblem.Unreachable($"The model's server is not available ({status}){Quote(error)}", status == 504 ? 504 : 503),
            >= 500 => ChatProblem.ModelError($"The model's server answered {status}{Quote(error)}"),
            _ => ChatProblem.ModelError($"The model's server answered {status}, which a chat completion never does. The operator has to check that OPENAI_API_BASE_URL points at an OpenAI-compatible server and ends in /v1."),
        };
    }

    /// <summary>Explains the <c>error</c> that vLLM sends inside a stream.</summary>
    internal static ChatProblem FromEvent(ReadOnlySpan<byte> json)
    {
        var error = ErrorBody.Read(json.ToArray());
        return error?.IsContextOverflow == true
            ? ChatProblem.ContextOverflow(error.PromptTokens, error.ContextWindow)
            : ChatProblem.ModelError($"The model's server failed in the middle of the answer{Quote(error)}");
    }

    /// <summary>Explains a failed connection to the model's server.</summary>
    /// <returns>Null for an exception that has another cause.</returns>
    internal static ChatProblem? FromException(Exception e) => e switch
    {
        // The OpenAI package wraps what HttpClient throws.
        ClientResultException { InnerException: { } inner } => FromException(inner),
        AggregateException { InnerException: { } inner } => FromException(inner),
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } =>
            ChatProblem.Unreachable("The model server's name is not known here. The operator has to check OPENAI_API_BASE_URL, and that the model's Service exists."),
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError, InnerException: SocketException { SocketErrorCode: SocketError.ConnectionRefused } } =>
            ChatProblem.Unreachable("The model's server refuses connections: it is still loading the model, or not running.") with { Title = "The model isn't listening yet.", NotListening = true },
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } =>
            ChatProblem.Unreachable("No connection to the model's server can be made. The operator has to check that it runs and that the network lets the chat API through to it."),
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } =>
            ChatProblem.Unreachable("No secure connection to the model's server can be made. The operator has to check its certificate, and whether OPENAI_API_BASE_URL should be http or https."),
        HttpRequestException or IOException or SocketException =>
            ChatProblem.Unreachable("The model's server closed the connection without an answer."),
        OperationCanceledException or TimeoutException =>
            ChatProblem.Unreachable("The model's server did not answer in time.", StatusCodes.Status504GatewayTimeout),
        _ => null,
    };

    private static string Quote(ErrorBody? error) => error?.Message is { Length: > 0 } message
        ? $": {(message.Length > 500 ? message[..500] + "…" : message)}{(message.EndsWith('.') ? "" : ".")}"
        : ".";

    private sealed partial record ErrorBody(string? Message, bool IsContextOverflow, int? PromptTokens, int? ContextWindow)
    {
        /// <returns>Null if the body is not an OpenAI-style error.</returns>
        internal static ErrorBody? Read(ReadOnlyMemory<byte> body)
        {
            try
            {
                using var json = JsonDocument.Parse(body);
                if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("error", out var error))
                    return null;
                // vLLM refuses a key with {"error":"Unauthorized"}: a string.
                if (error.ValueKind != JsonValueKind.Object)
                    return new ErrorBody(error.ValueKind == JsonValueKind.String ? error.GetString() : null, false, null, null);

                var message = Text(error, "message");
                // "max_tokens is too large" also names the window, but a shorter conversation would not help.
                // When the prompt fills the window to the last token, vLLM says that there is no room for output.
                var overflow = (message is not null && NoRoom().IsMatch(message)) || Text(error, "param") is not ("max_tokens" or "max_completion_tokens")
                    && (Text(error, "param") is "input_tokens" or "input_text"
                        || Text(error, "type") == "exceed_context_size_error"
                        || Text(error, "code") == "context_length_exceeded"
                        || (message is not null && Window().IsMatch(message)));
                return new ErrorBody(message, overflow,
                    Number(error, "n_prompt_tokens") ?? Number(message, Prompt()),
                    Number(error, "n_ctx") ?? Number(message, Window()));
            }
            catch (JsonException)
            {
                return null;
            }
        }

        private static string? Text(JsonElement error, string name) =>
            error.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

        private static int? Number(JsonElement error, string name) =>
            error.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : null;

        private static int? Number(string? message, Regex pattern) =>
            message is not null && pattern.Match(message) is { Success: true } match
                && int.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

        // "This model's maximum context length is N tokens. However, you requested 0 output tokens and your prompt contains at
        // least M input tokens", "… you requested K tokens (M in the messages, …": the wording depends on vLLM's version.
        [GeneratedRegex(@"maximum context length is (\d+)", RegexOptions.CultureInvariant)]
        private static partial Regex Window();

        [GeneratedRegex(@"max_tokens must be at least 1, got (?:0|-\d)", RegexOptions.CultureInvariant)]
        private static partial Regex NoRoom();

        [GeneratedRegex(@"(\d+) (?:input tokens|in the messages)", RegexOptions.CultureInvariant)]
        private static partial Regex Prompt();
    }
}
