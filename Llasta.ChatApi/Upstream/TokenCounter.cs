using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Llasta.ChatApi.Contract;
using Llasta.Streaming;

namespace Llasta.ChatApi.Upstream;

/// <summary>The server refused to count tokens.</summary>
/// <param name="problem">Why.</param>
internal sealed class TokenCounterException(ChatProblem problem) : Exception(problem.Detail)
{
    /// <summary>Why.</summary>
    public ChatProblem Problem => problem;
}

/// <summary>
/// The server's own token counter: vLLM's <c>POST /tokenize</c>, or llama.cpp's <c>POST /v1/chat/completions/input_tokens</c>. Remembers
/// which of them the server has.
/// </summary>
internal sealed class TokenCounter(ServerDialect dialect)
{
    /// <summary>A count comes before the list of tokens, which is not needed.</summary>
    private const int MaxAnswerBytes = 256 << 10;

    private static readonly string[] Paths = ["tokenize", "v1/chat/completions/input_tokens"];

    /// <summary>An index into <see cref="Paths"/>; -1: not known yet.</summary>
    private volatile int _path = -1;

    /// <summary>Counts a conversation's tokens.</summary>
    /// <returns>The count, with a window of 0 if the server doesn't give one; null if it has no counter.</returns>
    /// <exception cref="TokenCounterException">The server refused.</exception>
    /// <exception cref="HttpRequestException">The server could not be reached.</exception>
    public async Task<TokenCount?> CountAsync(ModelServer server, string model, TokensRequest request, CancellationToken cancellation)
    {
        var before = _path;
        if (before >= 0)
        {
            var (count, known) = await AskAsync(server, before, model, request, cancellation);
            if (known)
                return count;
            // Another server has taken the address.
            _path = -1;
        }

        if (dialect.Kind is ServerKind.Ollama or ServerKind.OpenAI)
            return null;
        var first = dialect.Kind == ServerKind.LlamaCpp ? 1 : 0;
        foreach (var path in (int[])[first, 1 - first])
        {
            if (path == before)
                continue;
            var (count, known) = await AskAsync(server, path, model, request, cancellation);
            if (!known)
                continue;
            _path = path;
            return count;
        }

        return null;
    }

    private static async Task<(TokenCount? Count, bool Known)> AskAsync(ModelServer server, int path, string model, TokensRequest request, CancellationToken cancellation)
    {
        using var content = new ByteSequenceContent(UpstreamRequest.ForTokens(request, model));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await server.SendAsync(HttpMethod.Post, Paths[path], content, cancellation);
        if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented)
            return (null, false);
        var stream = await response.Content.ReadAsStreamAsync(cancellation);
        if (!response.IsSuccessStatusCode)
            throw new TokenCounterException(server.Errors.FromResponse((int)response.StatusCode, await UpstreamErrors.ReadErrorAsync(stream, cancellation), retryAfter: null));

        var body = await UpstreamErrors.ReadBodyAsync(stream, MaxAnswerBytes, cancellation);
        // llama.cpp has /tokenize with another answer.
        return Read(body.Span) is { } count ? (count, true) : (null, false);
    }

    /// <summary>Stops reading after the count: vLLM lists the tokens after it, and the list of a long conversation is cut off.</summary>
    private static TokenCount? Read(ReadOnlySpan<byte> body)
    {
        int? count = null, window = null;
        var json = new Utf8JsonReader(body, isFinalBlock: false, state: default);
        try
        {
            while ((count is null || window is null) && json.Read())
            {
                if (json is not { CurrentDepth: 1, TokenType: JsonTokenType.PropertyName })
                    continue;
                // ValueTextEquals throws for half of a surrogate pair.
                var isCount = json.ValueSpan.SequenceEqual("count"u8) || json.ValueSpan.SequenceEqual("input_tokens"u8);
                if (!isCount && !json.ValueSpan.SequenceEqual("max_model_len"u8))
                    continue;
                int? number = json.Read() && json.TokenType == JsonTokenType.Number && json.TryGetInt32(out var value) && value >= 0 ? value : null;
                if (!isCount)
                    window ??= number;
                else if ((count = number) is null)
                    return null;
            }
        }
        catch (JsonException)
        {
            return null;
        }

        return count is { } tokens ? new TokenCount(tokens, window ?? 0) : null;
    }
}
