using System.ClientModel;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Llasta.ChatApi.Contract;
using Llasta.Streaming;

namespace Llasta.ChatApi.Upstream;

/// <summary>Turns the model server's refusals and the network's failures into problems for the reader.</summary>
/// <param name="key">The configured API key, which never appears in a problem.</param>
internal sealed class UpstreamErrors(string? key)
{
    /// <summary>What to do about an address at which something else answers.</summary>
    internal const string CheckBaseUrl = "The operator has to check that OPENAI_API_BASE_URL points at an OpenAI-compatible server and ends in /v1.";

    /// <summary>What to do about a model that the server doesn't serve.</summary>
    internal const string SetModel = "The operator has to set Chat:Model to a model that it serves, or leave it empty.";

    /// <summary>The longest wait that a server may ask for, in seconds.</summary>
    private const int MaxRetryAfter = 60;

    /// <summary>Errors are shorter; the rest of a longer one is not read.</summary>
    private const int MaxErrorBytes = 256 << 10;

    /// <summary>An error's body usually arrives with its head.</summary>
    private static readonly TimeSpan ErrorTimeout = TimeSpan.FromSeconds(5);

    private readonly Regex? _key = ServerText.KeyPattern(key);

    /// <summary>The server's port is closed.</summary>
    public static ChatProblem RefusesConnections { get; } =
        ChatProblem.Unreachable("The model's server refuses connections: it is still loading the model, or not running.") with { Title = "The model isn't listening yet.", IsStarting = true };

    /// <summary>A time limit has passed.</summary>
    public static ChatProblem NotInTime { get; } = ChatProblem.Unreachable("The model's server did not answer in time.", StatusCodes.Status504GatewayTimeout);

    /// <summary>Reads a body, at most its beginning.</summary>
    /// <param name="body">The body; null is empty.</param>
    /// <param name="maxBytes">Where reading stops.</param>
    /// <param name="cancellation">Cancels reading.</param>
    public static Task<ReadOnlyMemory<byte>> ReadBodyAsync(Stream? body, int maxBytes, CancellationToken cancellation) =>
        ReadAsync(body, maxBytes, static _ => false, cancellation);

    /// <summary>
    /// Reads the error in a response whose status is not 200: what has arrived of it within 5 s. The status tells what to do, so a body that
    /// doesn't end, or breaks, must not keep the reader waiting.
    /// </summary>
    /// <param name="body">The body; null is empty.</param>
    /// <param name="cancellation">Cancels reading.</param>
    public static async Task<ServerError> ReadErrorAsync(Stream? body, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(ErrorTimeout);
        var read = await ReadAsync(body, MaxErrorBytes, e => e is IOException || !cancellation.IsCancellationRequested, timeout.Token);
        return ServerError.Read(read.Span);
    }

    /// <param name="body">The body.</param>
    /// <param name="maxBytes">Where reading stops.</param>
    /// <param name="isEnd">Whether the failure of a read is the end of the body.</param>
    /// <param name="cancellation">Cancels reading.</param>
    private static async Task<ReadOnlyMemory<byte>> ReadAsync(Stream? body, int maxBytes, Func<Exception, bool> isEnd, CancellationToken cancellation)
    {
        if (body is null)
            return default;
        var buffer = new byte[Math.Min(4096, maxBytes)];
        var length = 0;
        try
        {
            while (await body.ReadAsync(buffer.AsMemory(length), cancellation) is > 0 and var read)
            {
                length += read;
                if (length == maxBytes)
                    break;
                if (length == buffer.Length)
                    Array.Resize(ref buffer, Math.Min(buffer.Length * 2, maxBytes));
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException && isEnd(e))
        {
            // What came before it is used.
        }

        if (length > RequestBody.MaxInline)
            await Task.Yield();
        return buffer.AsMemory(0, length);
    }

    /// <summary>Explains a response whose status is not 200.</summary>
    /// <param name="status">The status.</param>
    /// <param name="error">The body.</param>
    /// <param name="retryAfter">The server's <c>Retry-After</c>, in seconds.</param>
    public ChatProblem FromResponse(int status, ServerError error, int? retryAfter) => Explain(status, error, retryAfter) ?? status switch
    {
        404 or 405 => ChatProblem.ModelNotFound($"The model's address answered {status}{(error.IsHtml ? "." : Quote(error))} {CheckBaseUrl}"),
        >= 400 when status >= 500 || error is { IsHtml: false, Message: not null } => ChatProblem.ModelError($"The model's server answered {status}{Quote(error)}"),
        _ => ChatProblem.ModelError($"The model's server answered {status}, which a chat completion never does. {CheckBaseUrl}"),
    };

    /// <summary>Explains an error that is the first event of a response with status 200, as if it had come before the stream.</summary>
    public ChatProblem FromFirstEvent(ServerError error) =>
        Explain(error.Status ?? StatusCodes.Status500InternalServerError, error, retryAfter: null) ?? ChatProblem.ModelError($"The model's server reported an error{Quote(error)}");

    /// <summary>Explains an error by its status, which may be that of a response or of an event.</summary>
    /// <returns>Null for a status that needs other words for a response than for an event.</returns>
    private ChatProblem? Explain(int status, ServerError error, int? retryAfter)
    {
        var wait = Math.Min(retryAfter ?? ChatProblem.UsualRetryAfter, MaxRetryAfter);
        // Some servers answer 400 to everything, and name the kind in the body.
        if (status is 400 or 422 && (error.Status is 401 or 403 || (error.Status == 404 && error.IsAboutModel)))
            status = error.Status.Value;
        return status switch
        {
            // Also with 413, 422 or 500: servers disagree about the status of an overflow. With these it is another limit.
            not (401 or 402 or 403 or 429 or 529) when error.IsContextOverflow => ChatProblem.ContextOverflow(error.PromptTokens, error.ContextWindow),
            413 => ChatProblem.ContextOverflow(null, null),
            400 or 422 => ChatProblem.InvalidRequest($"The model's server refused the request{Quote(error)}"),
            401 or 403 => ChatProblem.ModelAuth(),
            404 when error is { IsJson: true, Message: not null, IsUnknownPath: false } => ChatProblem.ModelNotFound($"The model's server doesn't know the model{Quote(error)} {SetModel}"),
            // 529: Anthropic, and who imitates it.
            429 or 529 => ChatProblem.Busy($"The model's server takes no more requests at the moment{Quote(error)}", wait),
            409 or 425 or 503 when error.IsLoading => ChatProblem.Unreachable($"The model's server is loading the model{Quote(error)}") with { IsStarting = true },
            503 when error.IsBusy => ChatProblem.Busy($"The model's server is busy{Quote(error)}", wait),
            // 520 to 526: Cloudflare has no connection to the server.
            408 or 425 or 502 or 503 or 504 or (>= 520 and <= 526) => ChatProblem.Unreachable($"The model's server is not available ({status}){Quote(error)}", status == 504 ? 504 : 503) with { RetryAfter = wait },
            _ => null,
        };
    }

    /// <summary>Explains an error in the middle of an answer that is the request's own.</summary>
    public ChatProblem FromEvent(ServerError error) => error.IsContextOverflow
        ? ChatProblem.ContextOverflow(error.PromptTokens, error.ContextWindow)
        : ChatProblem.ModelError($"The model's server failed in the middle of the answer{Quote(error)}");

    /// <summary>Explains a response with status 200 that is no answer.</summary>
    public ChatProblem NoAnswer(ServerError error) => error.IsHtml || error.Message is null
        ? ChatProblem.ModelError($"The model's server answered with something other than a chat completion. {CheckBaseUrl}")
        : ChatProblem.ModelError($"The model's server answered with something other than a chat completion{Quote(error)} {CheckBaseUrl}");

    /// <summary>Explains a failed connection to the model's server.</summary>
    /// <returns>Null for an exception that has another cause.</returns>
    public static ChatProblem? FromException(Exception e) => e switch
    {
        // The OpenAI package wraps what HttpClient throws.
        ClientResultException { InnerException: { } inner } => FromException(inner),
        HttpRequestException { InnerException: SocketException { SocketErrorCode: SocketError.TooManyOpenSockets } } => ChatProblem.OutOfDescriptors(),
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } =>
            ChatProblem.Unreachable("The model server's name is not known here. The operator has to check OPENAI_API_BASE_URL, and that the model's Service exists."),
        HttpRequestException { HttpRequestError: HttpRequestError.ProxyTunnelError } =>
            ChatProblem.Unreachable("The proxy in front of the model's server can't be used. The operator has to check HTTPS_PROXY, or exclude the model's host with NO_PROXY."),
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError, InnerException: SocketException { SocketErrorCode: SocketError.ConnectionRefused } } =>
            RefusesConnections,
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } =>
            ChatProblem.Unreachable("No connection to the model's server can be made. The operator has to check that it runs and that the network lets the chat API through to it."),
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } =>
            ChatProblem.Unreachable("No secure connection to the model's server can be made. The operator has to check its certificate, and whether OPENAI_API_BASE_URL should be http or https."),
        HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse } =>
            ChatProblem.ModelError($"The model's server answered with something other than HTTP. {CheckBaseUrl}"),
        HttpRequestException or IOException =>
            ChatProblem.Unreachable("The model's server closed the connection without an answer."),
        OperationCanceledException => NotInTime,
        _ => null,
    };

    /// <summary>The server's own words, fit to be shown; null if it has none.</summary>
    public string? Words(ServerError error) => error.Message is { } message && Clean(message) is { Length: > 0 } shown ? shown : null;

    /// <summary>Makes any other text of the server fit to be shown.</summary>
    public string Clean(string text) => ServerText.Clean(text, _key);

    private string Quote(ServerError error) => Words(error) is { } words
        ? $": {words}{(words[^1] is '.' or '!' or '?' or '…' or '。' ? "" : ".")}"
        : ".";
}
