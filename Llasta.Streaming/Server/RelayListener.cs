using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
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
/// <param name="input">How much of a connection's input is read ahead, into which memory.</param>
/// <param name="limit">Limits the connections.</param>
/// <param name="time">Measures how long accepting keeps its thread.</param>
internal sealed class RelayListener(Socket socket, Func<CancellationToken, ValueTask<Socket>> accept, bool noDelay, PipeOptions input, ConnectionLimit limit, TimeProvider time) : IConnectionListener
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
                    connection.Start();
                    return connection;
                }

                connection.Close();
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

    private RelayConnection Connect(Socket accepted)
    {
        var connection = new RelayConnection(accepted, input, limit);
        if (connection.LocalEndPoint is IPEndPoint)
            accepted.NoDelay = noDelay;
        return connection;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        socket.Dispose();
        return default;
    }

    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        input.Pool.Dispose();
        return default;
    }
}

/// <summary>Makes <see cref="RelayListener"/>s.</summary>
/// <param name="options">Kestrel's own options of its sockets.</param>
/// <param name="memory">Kestrel's memory for input and output.</param>
/// <param name="limit">Limits the connections of all listeners together.</param>
/// <param name="time">See <see cref="RelayListener"/>.</param>
internal sealed class RelayListenerFactory(IOptions<SocketTransportOptions> options, IMemoryPoolFactory<byte> memory, ConnectionLimit limit, TimeProvider time)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint or UnixDomainSocketEndPoint or FileHandleEndPoint;

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
        return new(new RelayListener(socket, socket.AcceptAsync, transport.NoDelay, Input(memory.Create(), transport.MaxReadBufferSize), limit, time));
    }

    /// <summary>Requests are processed on the thread that receives them.</summary>
    /// <param name="memory">The memory.</param>
    /// <param name="most">The most bytes that are read ahead; null without a limit.</param>
    internal static PipeOptions Input(MemoryPool<byte> memory, long? most) =>
        new(memory, PipeScheduler.Inline, PipeScheduler.Inline, most ?? 0, (most ?? 0) / 2, useSynchronizationContext: false);
}
