using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Llasta.ChatApi.Contract;
using Microsoft.Extensions.Options;

namespace Llasta.ChatApi.Upstream;

/// <summary>Counts a conversation's tokens with vLLM's <c>POST /tokenize</c>.</summary>
internal sealed class TokenCounter(ModelServer server, ModelDirectory directory, IOptions<ChatOptions> options)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Asks the server for the count.</summary>
    /// <returns>The count, or the problem to answer with: <c>not-supported</c> if the server has no such endpoint.</returns>
    public async Task<(TokenCount? Count, ChatProblem? Problem)> CountAsync(TokensRequest request, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(options.Value.ConnectTimeout + AnswerTimeout);
        try
        {
            var (model, problem) = await directory.GetAsync(timeout.Token);
            if (model is null)
                return (null, problem);

            using var content = new ByteArrayContent(UpstreamRequest.ForTokenize(request, model.Name));
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var response = await server.SendAsync(HttpMethod.Post, "tokenize", content, timeout.Token);
            if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented)
                return (null, ChatProblem.NotSupported());
            var body = await UpstreamErrors.ReadBodyAsync(await response.Content.ReadAsStreamAsync(timeout.Token), timeout.Token);
            if (!response.IsSuccessStatusCode)
                return (null, UpstreamErrors.FromResponse((int)response.StatusCode, body, retryAfter: null));

            // llama.cpp has the same path with another answer.
            return Read(body.Span) is { } count ? (count, null) : (null, ChatProblem.NotSupported());
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e) when (UpstreamErrors.FromException(e) is { } problem)
        {
            return (null, problem);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return (null, ChatProblem.NotSupported());
        }
    }

    /// <summary>Stops reading after the count: vLLM lists the tokens after it, and the list of a long conversation is cut off.</summary>
    private static TokenCount? Read(ReadOnlySpan<byte> body)
    {
        int? count = null, window = null;
        var json = new Utf8JsonReader(body, isFinalBlock: false, state: default);
        while ((count is null || window is null) && json.Read())
        {
            if (json is not { CurrentDepth: 1, TokenType: JsonTokenType.PropertyName })
                continue;
            var isCount = json.ValueTextEquals("count"u8);
            if (!isCount && !json.ValueTextEquals("max_model_len"u8))
                continue;
            json.Read();
            if (isCount)
                count = json.GetInt32();
            else
                window = json.GetInt32();
        }

        return count is { } tokens && window is { } size ? new TokenCount(tokens, size) : null;
    }
}
