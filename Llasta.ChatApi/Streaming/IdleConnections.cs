using System.Net.Sockets;

namespace Llasta.ChatApi.Streaming;

/// <summary>A connection to a server.</summary>
/// <param name="Socket">Connected, and not blocking.</param>
/// <param name="Authority">The host and port it was opened for.</param>
/// <param name="OpenedAt">When that began (<see cref="TimeProvider.GetTimestamp"/>).</param>
internal sealed record Connection(Socket Socket, string Authority, long OpenedAt);

/// <summary>
/// Connections whose response has ended, kept for a moment: making a new one costs a request about 0.2 ms on each hop.
/// docs/performance.md has the figures.
/// </summary>
internal sealed class IdleConnections : IDisposable
{
    /// <summary>
    /// No request begins on a connection older than this, however short it was idle. uvicorn closes what has been idle for 5 s, and a turn
    /// sent at that very moment would be lost; a pod with our manifests' <c>preStop</c> leaves its Service 5 s before it is told to stop, and
    /// has no connections by then but those of its running answers; and pods that are new get their share at once.
    /// </summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(3);

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private readonly List<Connection> _idle = [];
    private bool _disposed;

    public IdleConnections(TimeProvider time)
    {
        _time = time;
        _timer = time.CreateTimer(_ => CloseOld(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <returns>A connection on which a request can be sent; null where there is none.</returns>
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

    /// <summary>Takes a connection back, on which a response has come to its end.</summary>
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

    /// <summary>The server hasn't closed it, nor sent what nobody asked for.</summary>
    private static bool IsOpenAndQuiet(Socket socket)
    {
        socket.Receive(stackalloc byte[1], SocketFlags.None, out var error);
        return error == SocketError.WouldBlock;
    }

    private void CloseOld()
    {
        // Closed outside the lock: behind it, every stream of the process would wait.
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
