using System.Collections.Concurrent;
using Llasta.ChatApi.Contract;

namespace Llasta.ChatApi.Upstream;

/// <summary>
/// Finds out whether the thinking switch does something: whether the prompt of a message changes with it. The server's token counter is
/// asked once per model, and again a while after an answer that may have been a moment's.
/// </summary>
internal sealed class ThinkingSwitch(ModelServer server, TokenCounter counter, TimeProvider time)
{
    private static readonly IReadOnlyList<ChatMessage> Probe = [new("user", JsonText.Of("Hi"))];

    /// <summary>A server that counts two words for longer is stuck, or answers something else.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The page shows a model's state only after the answer, so a server that is stuck isn't asked each time. One that counts no tokens, or the
    /// same number twice, may have been replaced meanwhile.
    /// </summary>
    internal static readonly TimeSpan AskAgainAfter = TimeSpan.FromMinutes(1);

    /// <summary>A server whose models change all the time must not fill the memory.</summary>
    private const int MaxModels = 500;

    /// <summary>By the model's name. Those who ask while the answer isn't known wait for the same one.</summary>
    private readonly ConcurrentDictionary<string, Lazy<Task<Answer>>> _known = new(StringComparer.Ordinal);

    /// <param name="Changes">Whether the prompt changes; null if that is not known.</param>
    /// <param name="At">When the server told it, or failed to (<see cref="TimeProvider.GetTimestamp"/>).</param>
    private sealed record Answer(bool? Changes, long At);

    /// <summary>Tells whether the switch does something for a model.</summary>
    /// <returns>Null if the server doesn't count tokens, or failed to, and the model's name doesn't tell.</returns>
    public async Task<bool?> ChangesPromptAsync(ModelInfo model)
    {
        bool? byName = model.IsQwen3Hybrid ? true : null;
        while (true)
        {
            if (!_known.TryGetValue(model.Name, out var known))
            {
                // Counting would load it, perhaps in the place of the model that others use.
                if (model.LoadsWhenUsed)
                    return byName;
                if (_known.Count >= MaxModels)
                    _known.Clear();
                known = _known.GetOrAdd(model.Name, _ => new Lazy<Task<Answer>>(() => AskAsync(model)));
            }

            var answer = await known.Value;
            if (answer.Changes == true || model.LoadsWhenUsed || time.GetElapsedTime(answer.At) < AskAgainAfter)
                return answer.Changes ?? byName;
            _known.TryRemove(KeyValuePair.Create(model.Name, known));
        }
    }

    private async Task<Answer> AskAsync(ModelInfo model)
    {
        using var timeout = new CancellationTokenSource(AnswerTimeout);
        try
        {
            var with = await counter.CountAsync(server, model.Name, new TokensRequest(Probe, Thinking: true), timeout.Token);
            var without = with is null ? null : await counter.CountAsync(server, model.Name, new TokensRequest(Probe, Thinking: false), timeout.Token);
            return new Answer(with is { } w && without is { } o ? w.Count != o.Count : null, time.GetTimestamp());
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TokenCounterException or OperationCanceledException)
        {
            return new Answer(Changes: null, time.GetTimestamp());
        }
    }
}
