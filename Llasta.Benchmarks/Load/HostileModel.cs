using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Llasta.Benchmarks.Load;

/// <summary>
/// A model server that sends one token per interval to conversations that contain <see cref="Neighbour"/>, the time of its sending, and a
/// hostile answer to all others.
/// </summary>
internal sealed class HostileModel : IDisposable
{
    /// <summary>In the message of a conversation that is answered well.</summary>
    public const string Neighbour = "neighbour";

    /// <summary>The time between two tokens.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private const string Models = """{"object":"list","data":[{"id":"m","object":"model","max_model_len":16384}]}""";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public HostileModel()
    {
        _listener.Start();
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public Uri Address => new($"http://{_listener.LocalEndpoint}");

    /// <summary>What conversations without a neighbour in them are answered.</summary>
    public HostileAnswer Answer { get; set; } = HostileAnswer.All["tokens"];

    public void Dispose() => _listener.Dispose();

    private void Accept()
    {
        try
        {
            while (true)
            {
                var socket = _listener.AcceptSocket();
                new Thread(() => Serve(socket)) { IsBackground = true }.Start();
            }
        }
        catch (SocketException)
        {
            // Disposed.
        }
    }

    private void Serve(Socket socket)
    {
        using (socket)
        {
            try
            {
                socket.NoDelay = true;
                var request = HttpText.ReadMessage(socket);
                if (!request.StartsWith("POST /v1/chat/completions ", StringComparison.Ordinal))
                {
                    socket.Send(Encoding.Latin1.GetBytes(request.StartsWith("GET /v1/models ", StringComparison.Ordinal)
                        ? $"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {Models.Length}\r\n\r\n{Models}"
                        : "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
                    return;
                }

                if (request.Contains(Neighbour, StringComparison.Ordinal))
                {
                    socket.Send(Encoding.Latin1.GetBytes(HostileAnswer.Head));
                    for (; ; Thread.Sleep(Interval))
                        socket.Send(Encoding.Latin1.GetBytes(HostileAnswer.Chunk(HostileAnswer.Token($"({Stopwatch.GetTimestamp()})"))));
                }

                var answer = Answer;
                socket.Send(Encoding.Latin1.GetBytes(answer.Before));
                for (var endless = answer.EndlessBytes(); ;)
                    socket.Send(endless);
            }
            catch (Exception e) when (e is SocketException or EndOfStreamException)
            {
                // The other side has closed the connection.
            }
        }
    }
}
