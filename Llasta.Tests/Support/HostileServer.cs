using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Llasta.Tests.Support;

/// <summary>
/// A model server that answers one conversation with tokens when the test says so, and others with bytes that never end, as fast as the
/// network takes them.
/// </summary>
internal sealed class HostileServer : IAsyncDisposable
{
    /// <summary>The message of the conversation that is answered well.</summary>
    public const string Neighbour = "neighbour";

    private const string Head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<Socket> _neighbour = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _before;
    private readonly byte[] _endless;
    private readonly Task _accepting;
    private long _sent;
    private int _ended;

    /// <param name="before">Sent once.</param>
    /// <param name="endless">Sent again and again after it.</param>
    public HostileServer(string before, string endless)
    {
        _before = before;
        // Pieces of this size keep the network busy.
        _endless = Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat(endless, Math.Max(1, (64 << 10) / endless.Length))));
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string BaseUrl => $"http://{_listener.LocalEndpoint}/v1";

    /// <summary>The endless bytes that the network has taken.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>The hostile connections that the client has closed.</summary>
    public int Ended => Volatile.Read(ref _ended);

    /// <summary>What is sent without end, by name: first what comes once, then what is repeated.</summary>
    public static (string Before, string Endless) Shape(string name) => name switch
    {
        "informational responses" => ("", "HTTP/1.1 100 Continue\r\n\r\n"),
        "a head" => ("HTTP/1.1 200 OK\r\n", "X-Header: value\r\n"),
        "a chunk extension" => (Head + "1;name=", "value"),
        "leading zeros" => (Head, "0"),
        "a trailer" => (Head + Chunk(RawUpstream.Chunk("content", "Hello")) + "0\r\n", "X-Trailer: value\r\n"),
        "extensions of small chunks" => (Head, $"1;{new string('x', 4000)}\r\n:\r\n"),
        "comments" => (Head, Chunk(string.Concat(Enumerable.Repeat(": comment\n\n", 100)))),
        "comments in chunks of one byte" => (Head, Chunk(":") + Chunk("\n")),
        "tokens" => (Head, Chunk(RawUpstream.Chunk("content", "token "))),
        "escaped tokens" => (Head, Chunk(RawUpstream.Chunk("content", string.Concat(Enumerable.Repeat("\u0001\"\\é🦙", 100))))),
        "empty deltas" => (Head, Chunk(RawUpstream.Chunk("content", ""))),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such shape."),
    };

    /// <summary>Sends the neighbour one more token.</summary>
    public async Task SendTokenAsync(string text) =>
        await (await _neighbour.Task.WaitAsync(Chatbot.Cancelled)).SendAsync(Encoding.Latin1.GetBytes(Chunk(RawUpstream.Chunk("content", text))), Chatbot.Cancelled);

    private static string Chunk(string data) => $"{Encoding.UTF8.GetByteCount(data):x}\r\n{data}\r\n";

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = AnswerAsync(await _listener.AcceptSocketAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }

    private async Task AnswerAsync(Socket socket)
    {
        var hostile = false;
        try
        {
            var request = await ReceiveAsync(socket);
            if (!request.StartsWith("POST /v1/chat/completions ", StringComparison.Ordinal))
            {
                const string Models = """{"object":"list","data":[{"id":"m","object":"model","max_model_len":16384}]}""";
                var answer = request.StartsWith("GET /v1/models ", StringComparison.Ordinal) ? $"200 OK\r\nContent-Type: application/json\r\nContent-Length: {Models.Length}\r\n\r\n{Models}" : "404 Not Found\r\nContent-Length: 0\r\n\r\n";
                await socket.SendAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 {answer}"), _stop.Token);
                socket.Dispose();
                return;
            }

            if (request.Contains(Neighbour, StringComparison.Ordinal))
            {
                await socket.SendAsync(Encoding.Latin1.GetBytes(Head), _stop.Token);
                _neighbour.TrySetResult(socket);
                return;
            }

            hostile = true;
            await socket.SendAsync(Encoding.Latin1.GetBytes(_before), _stop.Token);
            while (true)
                Interlocked.Add(ref _sent, await socket.SendAsync(_endless, _stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // A connection without a request asks whether this server still listens.
            if (hostile)
                Interlocked.Increment(ref _ended);
            socket.Dispose();
        }
    }

    /// <summary>Receives a request with its body.</summary>
    private async Task<string> ReceiveAsync(Socket socket)
    {
        var received = new StringBuilder();
        var buffer = new byte[4096];
        while (true)
        {
            var text = received.ToString();
            var head = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (head >= 0)
            {
                var length = text[..head].Split("\r\n").FirstOrDefault(line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))?.Split(':')[1];
                if (text.Length >= head + 4 + int.Parse(length ?? "0", System.Globalization.CultureInfo.InvariantCulture))
                    return text;
            }

            var read = await socket.ReceiveAsync(buffer, _stop.Token);
            if (read == 0)
                throw new SocketException((int)SocketError.ConnectionReset);
            received.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        if (_neighbour.Task.IsCompletedSuccessfully)
            (await _neighbour.Task).Dispose();
        _stop.Dispose();
    }
}
