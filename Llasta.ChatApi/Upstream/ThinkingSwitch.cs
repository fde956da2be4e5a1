using System.Collections.Concurrent;
using System.Text.Json;
using Llasta.ChatApi.Contract;

namespace Llasta.ChatApi.Upstream;

/// <summary>
/// Finds out whether the thinking switch does something: whether the prompt of a message changes with it. The server's token counter is
/// asked once per model.
/// </summary>
internal sealed class ThinkingSwitch(ModelServer server, TokenCounter counter)
{
    private static readonly IReadOnlyList<ChatMessage> Probe = [new("user", JsonText.Of("Hi"))];

    /// <summary>A server that counts two words for longer is stuck, or answers something else.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    /// <summary>A server whose models change all the time must not fill the memory.</summary>
    private const int MaxModels = 500;

    /// <summary>By the model's name. Those who ask while the answer isn't known wait for the same one.</summary>
    private readonly ConcurrentDictionary<string, Lazy<Task<bool?>>> _known = new(StringComparer.Ordinal);

    /// <summary>Tells whether the switch does something for a model.</summary>
    /// <returns>Null if the server doesn't count tokens and the model's name doesn't tell.</returns>
    public Task<bool?> ChangesPromptAsync(ModelInfo model)
    {
        if (_known.TryGetValue(model.Name, out var known))
            return known.Value;
        if (_known.Count >= MaxModels)
            _known.Clear();
        return _known.GetOrAdd(model.Name, _ => new Lazy<Task<bool?>>(() => AskAsync(model))).Value;
    }

    private async Task<bool?> AskAsync(ModelInfo model)
    {
        bool? changes;
        using var timeout = new CancellationTokenSource(AnswerTimeout);
        try
        {
            var with = await counter.CountAsync(server, model.Name, new TokensRequest(Probe, Thinking: true), timeout.Token);
            var without = with is null ? null : await counter.CountAsync(server, model.Name, new TokensRequest(Probe, Thinking: false), timeout.Token);
            changes = with is { } w && without is { } o ? w.Count != o.Count : null;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException or TokenCounterException or OperationCanceledException)
        {
            changes = null;
        }

        return changes ?? (model.IsQwen3Hybrid ? true : null);
    }
}
