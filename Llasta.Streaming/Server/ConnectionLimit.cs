using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Llasta.Streaming.Server;

/// <summary>
/// Limits the readers' connections to what the process's file descriptors allow. A process that runs out of them can neither answer nor
/// connect to upstream, so connections beyond the limit are closed at once: the client gets an end, not silence.
/// </summary>
/// <param name="max">The most connections at the same time.</param>
/// <param name="time">Measures the time between log lines.</param>
/// <param name="log">Says when connections are refused or can't be accepted, at most once a minute.</param>
internal sealed partial class ConnectionLimit(long max, TimeProvider time, ILogger<ConnectionLimit> log)
{
    /// <summary>Descriptors for whatever is opened later: polling threads, telemetry's connections, files.</summary>
    private const int Reserve = 64;

    /// <summary>Each relayed stream has the reader's connection and one to upstream.</summary>
    private const int DescriptorsPerConnection = 2;

    /// <summary>A process with next to no descriptors still serves somebody.</summary>
    private const int Least = 8;

    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private long _open;
    private long _refused;
    private long? _refusedLoggedAt;
    private long? _notAcceptedLoggedAt;

    /// <summary>Computes the limit that this process's descriptors allow.</summary>
    public static long MaxForProcess() => MaxFor(FileDescriptors.Limit(), FileDescriptors.CountOpen());

    /// <summary>Computes the limit.</summary>
    /// <param name="descriptors">The most file descriptors that the process may open; null without a limit.</param>
    /// <param name="open">Those that it has open before it serves.</param>
    internal static long MaxFor(long? descriptors, int open) =>
        descriptors is { } limit ? Math.Max((limit - open - Reserve) / DescriptorsPerConnection, Least) : long.MaxValue;

    /// <summary>Counts a connection that has been accepted.</summary>
    /// <param name="connection">The connection.</param>
    /// <returns>
    /// False if it must be closed, because there are too many or something else uses the descriptors; otherwise call <see cref="Leave"/> when
    /// it has closed.
    /// </returns>
    public bool TryEnter(Socket connection)
    {
        if (Interlocked.Increment(ref _open) <= max && !FileDescriptors.IsSpare(connection))
            return true;
        Leave();
        LogRefused();
        return false;
    }

    /// <summary>Counts a connection that has closed.</summary>
    public void Leave() => Interlocked.Decrement(ref _open);

    /// <summary>Says that the system could not give the process its next connection, usually because all descriptors are in use.</summary>
    /// <param name="error">The system's error.</param>
    public void LogNotAccepted(SocketError error)
    {
        lock (_lock)
        {
            if (!IsDue(ref _notAcceptedLoggedAt))
                return;
        }

        LogNotAccepted(log, error, Interlocked.Read(ref _open));
    }

    private void LogRefused()
    {
        long refused;
        lock (_lock)
        {
            _refused++;
            if (!IsDue(ref _refusedLoggedAt))
                return;
            (refused, _refused) = (_refused, 0);
        }

        LogRefused(log, refused, Interlocked.Read(ref _open));
    }

    private bool IsDue(ref long? loggedAt)
    {
        if (loggedAt is { } at && time.GetElapsedTime(at) < LogInterval)
            return false;
        loggedAt = time.GetTimestamp();
        return true;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "Connections refused: {Refused}. {Open} are open, and the process's file descriptors allow no more (two for each, and some in reserve; ulimit -n). "
        + "Raise that limit, or run more replicas. This is logged at most once a minute")]
    private static partial void LogRefused(ILogger logger, long refused, long open);

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "The next connection can't be accepted: {Error}. {Open} are open. It waits until the process has a free file descriptor (ulimit -n). "
        + "This is logged at most once a minute")]
    private static partial void LogNotAccepted(ILogger logger, SocketError error, long open);
}
