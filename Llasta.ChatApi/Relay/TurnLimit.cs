using Microsoft.Extensions.Options;

namespace Llasta.ChatApi.Relay;

/// <summary>Limits the number of concurrent turns (<see cref="ChatOptions.MaxConcurrentTurns"/>). Turns over the limit are refused, not queued.</summary>
internal sealed class TurnLimit(IOptions<ChatOptions> options)
{
    private readonly int _limit = options.Value.MaxConcurrentTurns;
    private int _running;

    /// <summary>The next turn would be refused.</summary>
    public bool IsFull => Volatile.Read(ref _running) >= _limit;

    /// <summary>Counts a turn that begins.</summary>
    /// <returns>False if the limit is reached; otherwise call <see cref="Leave"/> when the turn ends.</returns>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _running) <= _limit)
            return true;
        Leave();
        return false;
    }

    /// <summary>Counts a turn that has ended.</summary>
    public void Leave() => Interlocked.Decrement(ref _running);
}
