using Microsoft.Extensions.Options;

namespace Llasta.ChatApi.Relay;

/// <summary>The limit on turns at the same time (<see cref="ChatOptions.MaxConcurrentTurns"/>): beyond it, load is shed rather than queued.</summary>
internal sealed class TurnLimit(IOptions<ChatOptions> options)
{
    private readonly int _limit = options.Value.MaxConcurrentTurns;
    private int _running;

    public bool IsFull => Volatile.Read(ref _running) >= _limit;

    /// <returns>False when the limit is reached; otherwise call <see cref="Leave"/> at the turn's end.</returns>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _running) <= _limit)
            return true;
        Leave();
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _running);
}
