using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace Llasta.Tests.Support;

/// <summary>A TCP server without HTTP: a test accepts, reads, sends and closes by itself, byte by byte where it matters.</summary>
internal sealed class RawServer : IDisposable
{
    /// <summary>So little that a client with megabytes to send must wait for this server to read.</summary>
    private const int ReceiveBytes = 8 << 10;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<Connection> _accepted = [];

    public RawServer()
    {
        // What is accepted inherits it.
        _listener.Server.ReceiveBufferSize = ReceiveBytes;
        _listener.Start();
    }

    public string Authority => _listener.LocalEndpoint.ToString()!;

    /// <summary>Waits for the next connection, which is open until the test closes it, or this server.</summary>
    public async Task<Connection> AcceptAsync()
    {
        var connection = new Connection(await _listener.AcceptSocketAsync(Chatbot.Cancelled));
        _accepted.Add(connection);
        return connection;
    }

    /// <summary>The same, once its request is there.</summary>
    public async Task<Connection> AcceptRequestAsync()
    {
        var connection = await AcceptAsync();
        await connection.ReceiveAsync();
        return connection;
    }

    public void Dispose()
    {
        _listener.Dispose();
        foreach (var connection in _accepted)
            connection.Close();
    }

    internal sealed class Connection
    {
        private readonly Socket _socket;

        public Connection(Socket socket)
        {
            socket.NoDelay = true;
            _socket = socket;
        }

        /// <summary>Reads a request, a few bytes at a time.</summary>
        /// <returns>The head's lines, and a body as long as they say.</returns>
        public async Task<(string[] Head, byte[] Body)> ReceiveAsync()
        {
            var received = new MemoryStream();
            var piece = new byte[ReceiveBytes / 2];
            int end;
            while ((end = received.GetBuffer().AsSpan(0, (int)received.Length).IndexOf("\r\n\r\n"u8)) < 0)
                await ReceiveMoreAsync();

            var head = Encoding.Latin1.GetString(received.GetBuffer(), 0, end).Split("\r\n");
            var length = head.FirstOrDefault(line => line.StartsWith("Content-Length: ", StringComparison.Ordinal))?.Split(": ")[1] ?? "0";
            var total = end + 4 + int.Parse(length, CultureInfo.InvariantCulture);
            while (received.Length < total)
                await ReceiveMoreAsync();
            Assert.Equal(total, received.Length);
            return (head, received.ToArray()[(end + 4)..]);

            async Task ReceiveMoreAsync()
            {
                var read = await _socket.ReceiveAsync(piece, Chatbot.Cancelled);
                Assert.NotEqual(0, read);
                received.Write(piece, 0, read);
            }
        }

        public async Task SendAsync(params string[] pieces)
        {
            foreach (var piece in pieces)
                await _socket.SendAsync(Encoding.Latin1.GetBytes(piece), Chatbot.Cancelled);
        }

        /// <summary>Says that no more comes, after what was sent.</summary>
        public void Close() => _socket.Dispose();

        /// <summary>Breaks the connection.</summary>
        public void Reset()
        {
            _socket.LingerState = new LingerOption(true, 0);
            _socket.Dispose();
        }

        /// <summary>Waits until the client has closed the connection.</summary>
        /// <param name="afterMore">It may have sent something before.</param>
        public async Task ClosedByClientAsync(bool afterMore = false)
        {
            var buffer = new byte[ReceiveBytes];
            try
            {
                while (await _socket.ReceiveAsync(buffer, Chatbot.Cancelled) > 0)
                    Assert.True(afterMore);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
            {
                // So it is closed where something was left unread.
            }
        }
    }
}
