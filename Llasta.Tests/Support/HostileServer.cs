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

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<Socket> _neighbour = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _before;
    private readonly byte[] _endless;
    private readonly Task _accepting;
    private long _sent;
    private int _ended;

    /// <param name="answer">How it answers other conversations.</param>
    public HostileServer(HostileAnswer answer)
    {
        _before = answer.Before;
        _endless = answer.EndlessBytes();
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string BaseUrl => $"http://{_listener.LocalEndpoint}/v1";

    /// <summary>The endless bytes that the network has taken.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>The hostile connections that the client has closed.</summary>
    public int Ended => Volatile.Read(ref _ended);

    /// <summary>Sends the neighbour one more token.</summary>
    public async Task SendTokenAsync(string text) =>
        await (await _neighbour.Task.WaitAsync(Chatbot.Cancelled)).SendAsync(Encoding.Latin1.GetBytes(HostileAnswer.Chunk(HostileAnswer.Token(text))), Chatbot.Cancelled);

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
                await socket.SendAsync(Encoding.Latin1.GetBytes(HostileAnswer.Head), _stop.Token);
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
