using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Llasta.Streaming.Server;

/// <summary>
/// Accepts connections for Kestrel, as its own listener does, but with three rules: connections over the limit are closed at once, accepting
/// many connections lets the streams of the same thread run meanwhile, and when the system has no file descriptor left, it waits before it
/// tries again.
/// </summary>
/// <remarks>
/// Kestrel's own listener tries again at once. On a thread that polls sockets it would never end, because the connections that could free a
/// descriptor are closed by the same thread.
/// </remarks>
/// <param name="socket">Listens.</param>
/// <param name="accept">Accepts the socket's next connection.</param>
/// <param name="noDelay">Whether connections send small packets at once.</param>
/// <param name="connections">Makes Kestrel's connections from sockets.</param>
/// <param name="limit">Limits the connections.</param>
/// <param name="time">Measures how long accepting keeps its thread.</param>
internal sealed class RelayListener(Socket socket, Func<CancellationToken, ValueTask<Socket>> accept, bool noDelay, SocketConnectionContextFactory connections, ConnectionLimit limit, TimeProvider time) : IConnectionListener
{
    /// <summary>
    /// The pause after a connection could not be accepted. It waits in the system's queue meanwhile: to close it, it must be accepted.
    /// </summary>
    internal static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private TimeSlice _slice;

    public EndPoint EndPoint { get; } = socket.LocalEndPoint!;

    /// <summary>Waits for the next connection.</summary>
    /// <returns>Null when the listener has been unbound.</returns>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            try
            {
                var accepting = accept(cancellationToken);
                if (!accepting.IsCompleted)
                {
                    _slice.Reset();
                }
                else if (_slice.IsOver(time))
                {
                    await Task.Yield();
                    _slice.Reset();
                }

                var accepted = await accepting;
                var connection = Connect(accepted);
                if (limit.TryEnter(accepted))
                {
                    connection.ConnectionClosed.UnsafeRegister(static limit => ((ConnectionLimit)limit!).Leave(), limit);
                    return connection;
                }

                // Ends with FIN. Not awaited, because others are waiting to be accepted or refused.
                _ = connection.DisposeAsync().AsTask();
            }
            catch (Exception e) when (e is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                return null;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
            {
                limit.LogNotAccepted(e.SocketErrorCode);
                await Task.Delay(Pause, time, cancellationToken);
            }
            catch (SocketException)
            {
                // The connection broke while it waited.
            }
        }
    }

    private ConnectionContext Connect(Socket accepted)
    {
        if (accepted.LocalEndPoint is IPEndPoint)
            accepted.NoDelay = noDelay;
        return connections.Create(accepted);
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        socket.Dispose();
        return default;
    }

    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        connections.Dispose();
        return default;
    }
}

/// <summary>Makes <see cref="RelayListener"/>s.</summary>
internal sealed class RelayListenerFactory(IOptions<SocketTransportOptions> options, ConnectionLimit limit, TimeProvider time, ILoggerFactory logs)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly SocketTransportFactory _sockets = new(options, logs);

    public bool CanBind(EndPoint endpoint) => _sockets.CanBind(endpoint);

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var transport = options.Value;
        Socket socket;
        try
        {
            socket = transport.CreateBoundListenSocket(endpoint);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(e.Message, e);
        }

        socket.Listen(transport.Backlog);
        var connections = new SocketConnectionContextFactory(OptionsOf(transport), logs.CreateLogger("Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets"));
        return new(new RelayListener(socket, socket.AcceptAsync, transport.NoDelay, connections, limit, time));
    }

    /// <summary>
    /// Copies the options as Kestrel's own listener does. The constructor is not public, and without it connections would lack Kestrel's pool of
    /// memory, which it expects. A version without the constructor would stop the process at start.
    /// </summary>
    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    private static extern SocketConnectionFactoryOptions OptionsOf(SocketTransportOptions transport);
}
