using Llasta.ChatApi.Contract;
using Microsoft.Extensions.Options;

namespace Llasta.ChatApi.Upstream;

/// <summary>Answers <c>POST /api/tokens</c>.</summary>
internal sealed class TokensEndpoint(ModelServer server, ModelDirectory directory, TokenCounter counter, IOptions<ChatOptions> options)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Asks the server for the count.</summary>
    /// <returns>The count, or the problem to answer with: <c>not-supported</c> if the server doesn't count tokens, or its window isn't known.</returns>
    public async Task<(TokenCount? Count, ChatProblem? Problem)> CountAsync(TokensRequest request, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(options.Value.ConnectTimeout + AnswerTimeout);
        try
        {
            var (model, problem) = await directory.GetAsync(request.Model, timeout.Token);
            if (model is null)
                return (null, problem);
            var count = await counter.CountAsync(server, model.Name, request, timeout.Token);
            if (count is { ContextWindow: 0 })
                count = model.ContextWindow is { } window ? count with { ContextWindow = window } : null;
            return count is null ? (null, ChatProblem.NotSupported()) : (count, null);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (TokenCounterException e)
        {
            return (null, e.Problem);
        }
        catch (Exception e) when (UpstreamErrors.FromException(e) is { } problem)
        {
            return (null, problem);
        }
    }
}
