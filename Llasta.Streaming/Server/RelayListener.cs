using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Llasta.Streaming.Server;

/// <summary>
/// Kestrel's listener with two rules: connections over the limit are closed at once, and accepting many connections lets the streams of
/// the same thread run meanwhile.
/// </summary>
/// <remarks>
/// The limit is more than courtesy. When no file descriptor is free, Kestrel's listener tries again at once; on a thread that polls sockets
/// it would never end, because the connections that could free one are closed by the same thread.
/// </remarks>
/// <param name="listener">Kestrel's own listener.</param>
/// <param name="limit">Limits the connections.</param>
/// <param name="time">Measures how long accepting keeps its thread.</param>
internal sealed class RelayListener(IConnectionListener listener, ConnectionLimit limit, TimeProvider time) : IConnectionListener
{
    private TimeSlice _slice;

    public EndPoint EndPoint => listener.EndPoint;

    /// <summary>Waits for the next connection.</summary>
    /// <returns>Null when the listener has been unbound.</returns>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var accepting = listener.AcceptAsync(cancellationToken);
            if (!accepting.IsCompleted)
            {
                _slice.Reset();
            }
            else if (_slice.IsOver(time))
            {
                await Task.Yield();
                _slice.Reset();
            }

            if (await accepting is not { } connection)
                return null;
            if (limit.TryEnter())
            {
                connection.ConnectionClosed.UnsafeRegister(static limit => ((ConnectionLimit)limit!).Leave(), limit);
                return connection;
            }

            // Ends with FIN. Not awaited, because others are waiting to be accepted or refused.
            _ = connection.DisposeAsync().AsTask();
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => listener.UnbindAsync(cancellationToken);

    public ValueTask DisposeAsync() => listener.DisposeAsync();
}

/// <summary>Makes <see cref="RelayListener"/>s.</summary>
internal sealed class RelayListenerFactory(IOptions<SocketTransportOptions> options, ConnectionLimit limit, TimeProvider time, ILoggerFactory logs)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly SocketTransportFactory _sockets = new(options, logs);

    public bool CanBind(EndPoint endpoint) => _sockets.CanBind(endpoint);

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new RelayListener(await _sockets.BindAsync(endpoint, cancellationToken), limit, time);
}
