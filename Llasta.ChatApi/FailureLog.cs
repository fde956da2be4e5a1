namespace Llasta.ChatApi;

/// <summary>
/// Logs requests that fail before they become turns, at most once a minute for each code: anyone can send them, and as many as they like.
/// </summary>
/// <param name="time">Measures the time between log lines.</param>
/// <param name="log">The log.</param>
public sealed partial class FailureLog(TimeProvider time, ILogger<FailureLog> log)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (long LoggedAt, int Count)> _failures = [];

    /// <summary>Counts a failure, and logs it if it is time.</summary>
    /// <param name="code">One of <see cref="Contract.ProblemCodes"/>, or the state of an answer.</param>
    /// <param name="words">What happened. Words of our own only: nothing that a client or a server has sent.</param>
    public void Add(string code, string words)
    {
        int count;
        lock (_lock)
        {
            var known = _failures.TryGetValue(code, out var last);
            count = last.Count + 1;
            if (known && time.GetElapsedTime(last.LoggedAt) < Interval)
            {
                _failures[code] = last with { Count = count };
                return;
            }

            _failures[code] = (time.GetTimestamp(), 0);
        }

        Log(log, count, code, words);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Requests failed as {Code}: {Count}. {Words} This is logged at most once a minute")]
    private static partial void Log(ILogger logger, int count, string code, string words);
}
