using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Llasta.Benchmarks.Load;

/// <summary>The delays of the tokens of one run, in <see cref="Stopwatch"/> ticks.</summary>
/// <param name="capacity">The maximum number of tokens; further tokens are ignored.</param>
internal sealed class Arrivals(int capacity)
{
    private readonly long[] _delays = new long[capacity];
    private int _tokens;

    public int Tokens => Math.Min(_tokens, _delays.Length);

    /// <summary>The time from each token's timestamp to its arrival, in the order of arrival.</summary>
    public ReadOnlySpan<long> Delays => _delays.AsSpan(0, Tokens);

    public void Add(long delay)
    {
        var i = Interlocked.Increment(ref _tokens) - 1;
        if (i < _delays.Length)
            _delays[i] = delay;
    }
}

/// <summary>
/// Sends one request and reads its answer from a plain socket, because an HTTP client would add its own costs to the measurement. On
/// every route, a token is <c>T…;</c>, an event ends with an empty line, and the body ends with the last chunk.
/// </summary>
internal sealed class TokenStream(int port, string path, Arrivals? arrivals) : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _tail = new byte[5];
    private readonly StringBuilder _start = new();
    private long _stamp;
    private bool _inStamp;
    private bool _newline;

    /// <summary>The number of complete events so far. On every route, the first event contains no token and the second contains the first token.</summary>
    public int Events { get; private set; }

    /// <summary>The time at which the request was sent, in <see cref="Stopwatch"/> ticks.</summary>
    public long SentAt { get; private set; }

    /// <summary>The time at which the first token arrived, in <see cref="Stopwatch"/> ticks.</summary>
    public long FirstTokenAt { get; private set; }

    /// <summary>Whether the last chunk of the body has arrived.</summary>
    public bool Complete { get; private set; }

    /// <summary>The beginning of the response: status line, headers and first event, about 1,024 characters.</summary>
    public string ResponseStart => _start.ToString();

    /// <summary>Connects and sends the request.</summary>
    /// <param name="body">The request's body, JSON.</param>
    /// <param name="receiveBuffer">The size of the socket's receive buffer in bytes; null for the system's default.</param>
    public async Task SendAsync(byte[] body, int? receiveBuffer = null)
    {
        if (receiveBuffer is { } size)
            _socket.ReceiveBufferSize = size;
        await _socket.ConnectAsync(IPAddress.Loopback, port);
        var head = Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n");
        SentAt = Stopwatch.GetTimestamp();
        await _socket.SendAsync((byte[])[.. head, .. body]);
    }

    /// <summary>Reads until the end of the body, or until <paramref name="events"/> events have arrived.</summary>
    /// <returns>False if the connection was closed or reset before that.</returns>
    public async Task<bool> ReadAsync(int events = int.MaxValue)
    {
        var buffer = new byte[2048];
        try
        {
            while (!Complete && Events < events)
            {
                var read = await _socket.ReceiveAsync(buffer);
                if (read == 0)
                    return Complete;
                Take(buffer.AsSpan(0, read), Stopwatch.GetTimestamp());
            }

            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>Closes the connection, as the page's Stop button does.</summary>
    public void Dispose() => _socket.Dispose();

    private void Take(ReadOnlySpan<byte> bytes, long now)
    {
        if (_start.Length < 1024)
            _start.Append(Encoding.ASCII.GetString(bytes));
        foreach (var b in bytes)
        {
            if (b == '\n')
            {
                if (_newline && ++Events == 2)
                    FirstTokenAt = now;
                _newline = true;
            }
            // Empty lines of the HTTP head and of the chunked framing contain a carriage return and don't count.
            else
            {
                _newline = false;
            }

            if (_inStamp && char.IsAsciiDigit((char)b))
            {
                _stamp = _stamp * 10 + (b - '0');
            }
            else
            {
                if (_inStamp && b == ';' && _stamp > 0)
                    arrivals?.Add(now - _stamp);
                _inStamp = b == 'T';
                _stamp = 0;
            }
        }

        if (bytes.Length >= _tail.Length)
        {
            bytes[^_tail.Length..].CopyTo(_tail);
        }
        else
        {
            _tail.AsSpan(bytes.Length).CopyTo(_tail);
            bytes.CopyTo(_tail.AsSpan(_tail.Length - bytes.Length));
        }

        Complete = Events > 0 && _tail.AsSpan().SequenceEqual("0\r\n\r\n"u8);
    }
}
