using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Llasta.Streaming.Server;

/// <summary>
/// A reader's connection, as Kestrel wants it. It differs from Kestrel's own in three ways: output is sent during the flush
/// (<see cref="SocketPipeWriter"/>), input leaves the polling thread once in a while (<see cref="FairPipeReader"/>), and the end of the
/// connection is told on the thread that notices it, not on the thread pool.
/// </summary>
/// <remarks>It ends with FIN, also when it is aborted; <see cref="StreamingExtensions"/> says why.</remarks>
internal sealed class RelayConnection : ConnectionContext, IDuplexPipe, IMemoryPoolFeature, IConnectionSocketFeature
{
    /// <summary>The least room for a read. Most requests fit.</summary>
    private const int MinReadBytes = 2048;

    private static long _lastId = DateTime.UtcNow.Ticks;

    private readonly ConnectionLimit _limit;
    private readonly Pipe _received;
    private readonly SocketPipeWriter _output;
    private readonly CancellationTokenSource _closed = new();
    private Task _receiving = Task.CompletedTask;
    private volatile ConnectionAbortedException? _abortReason;

    /// <summary>Prepares the connection.</summary>
    /// <param name="socket">The accepted socket. The connection owns it from now on.</param>
    /// <param name="input">How much of the input is read ahead, into which memory.</param>
    /// <param name="limit">Counts the connection while it is open.</param>
    public RelayConnection(Socket socket, PipeOptions input, ConnectionLimit limit)
    {
        // SocketPipeWriter sends what the socket takes at once.
        socket.Blocking = false;
        Socket = socket;
        _limit = limit;
        MemoryPool = input.Pool;
        LocalEndPoint = socket.LocalEndPoint;
        RemoteEndPoint = socket.RemoteEndPoint;
        ConnectionClosed = _closed.Token;
        _received = new Pipe(input);
        _output = new SocketPipeWriter(this);
        Input = new FairPipeReader(_received.Reader);
        Transport = this;
        Features.Set<IMemoryPoolFeature>(this);
        Features.Set<IConnectionSocketFeature>(this);
    }

    public override string ConnectionId { get; set; } = Interlocked.Increment(ref _lastId).ToString("x", CultureInfo.InvariantCulture);

    public override IFeatureCollection Features { get; } = new ConnectionFeatures();

    public override IDictionary<object, object?> Items { get => field ??= new ConnectionItems(); set; }

    public override IDuplexPipe Transport { get; set; }

    public MemoryPool<byte> MemoryPool { get; }

    public Socket Socket { get; }

    public PipeReader Input { get; }

    public PipeWriter Output => _output;

    /// <summary>Begins to receive. The limit counts the connection already.</summary>
    public void Start() => _receiving = ReceiveAsync();

    private async Task ReceiveAsync()
    {
        Exception? error = null;
        try
        {
            while (true)
            {
                // Waits without a buffer, because thousands of connections wait at the same time.
                await Socket.ReceiveAsync(Memory<byte>.Empty);
                var read = await Socket.ReceiveAsync(_received.Writer.GetMemory(MinReadBytes));
                if (read == 0)
                    break;
                _received.Writer.Advance(read);
                var flushed = await _received.Writer.FlushAsync();
                if (flushed.IsCompleted || flushed.IsCanceled)
                    break;
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            error = new ConnectionResetException(e.Message, e);
        }

        _received.Writer.Complete(_abortReason ?? error);
        _closed.Cancel();
    }

    /// <summary>Closes the connection at once. Calls after the first do nothing.</summary>
    /// <param name="abortReason">What the next read of the input throws.</param>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        _abortReason ??= abortReason;
        Close();
    }

    /// <summary>Closes the socket, and ends the receiving. It may be closed already.</summary>
    public void Close()
    {
        try
        {
            Socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The other end has closed it, or this one has.
        }

        Socket.Dispose();
        // The receiving may wait until what was read ahead is used.
        _received.Writer.CancelPendingFlush();
    }

    /// <summary>Closes the connection when everything has been sent, and leaves the limit.</summary>
    public override async ValueTask DisposeAsync()
    {
        await _received.Reader.CompleteAsync();
        await _output.FlushAsync();
        Close();
        await _receiving;
        _closed.Dispose();
        _limit.Leave();
        await base.DisposeAsync();
    }
}
