using System.Net.Sockets;

namespace Llasta.Streaming.Http;

/// <summary>A connection to a server.</summary>
/// <param name="Socket">The connected, non-blocking socket.</param>
/// <param name="Authority">The host and port for which it was opened.</param>
/// <param name="OpenedAt">The timestamp at which connecting began (<see cref="TimeProvider.GetTimestamp"/>).</param>
internal sealed record Connection(Socket Socket, string Authority, long OpenedAt);

/// <summary>
/// Keeps connections whose response has ended for a few seconds: opening a new one costs a request about 0.2 ms on each hop
/// (docs/performance.md).
/// </summary>
internal sealed class ConnectionPool : IDisposable
{
    /// <summary>
    /// No request starts on a connection older than this, even if it was idle only briefly. uvicorn closes connections after 5 s of idle
    /// time, and a request sent at that moment would be lost. A pod leaves its Service 5 s before its stop signal (<c>preStop</c> in the
    /// manifests); by then only connections with running answers are left. New pods get their share of requests at once.
    /// </summary>
    internal static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(3);

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private readonly List<Connection> _idle = [];
    private bool _disposed;

    public ConnectionPool(TimeProvider time)
    {
        _time = time;
        _timer = time.CreateTimer(_ => CloseOld(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Takes a connection out of the pool.</summary>
    /// <returns>A connection on which a request can be sent; null when the pool has none.</returns>
    public Connection? Take(string authority)
    {
        while (Pop(authority) is { } connection)
        {
            if (!IsOld(connection) && IsOpenAndQuiet(connection.Socket))
                return connection;
            connection.Socket.Dispose();
        }

        return null;
    }

    /// <summary>Returns a connection whose response has been read to its end.</summary>
    public void Return(Connection connection)
    {
        if (!IsOld(connection))
        {
            lock (_lock)
            {
                if (!_disposed)
                {
                    if (_idle.Count == 0)
                        _timer.Change(Lifetime, Timeout.InfiniteTimeSpan);
                    _idle.Add(connection);
                    return;
                }
            }
        }

        connection.Socket.Dispose();
    }

    private Connection? Pop(string authority)
    {
        lock (_lock)
        {
            var last = _idle.FindLastIndex(connection => connection.Authority == authority);
            if (last < 0)
                return null;
            var connection = _idle[last];
            _idle.RemoveAt(last);
            return connection;
        }
    }

    private bool IsOld(Connection connection) => _time.GetElapsedTime(connection.OpenedAt) > Lifetime;

    /// <summary>The server has neither closed the connection nor sent unrequested bytes.</summary>
    private static bool IsOpenAndQuiet(Socket socket)
    {
        socket.Receive(stackalloc byte[1], SocketFlags.None, out var error);
        return error == SocketError.WouldBlock;
    }

    private void CloseOld()
    {
        // Closed outside the lock, because requests wait for the lock.
        var old = new List<Connection>();
        lock (_lock)
        {
            _idle.RemoveAll(connection =>
            {
                if (!IsOld(connection))
                    return false;
                old.Add(connection);
                return true;
            });
            if (_idle.Count > 0)
                _timer.Change(Lifetime, Timeout.InfiniteTimeSpan);
        }

        foreach (var connection in old)
            connection.Socket.Dispose();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            foreach (var connection in _idle)
                connection.Socket.Dispose();
            _idle.Clear();
        }

        _timer.Dispose();
    }
}
