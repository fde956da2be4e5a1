using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Llasta.Benchmarks.Load;

/// <summary>What the streams of one run have met, in <see cref="Stopwatch"/> ticks.</summary>
internal sealed class Arrivals(int capacity)
{
    private readonly long[] _delays = new long[capacity];
    private int _tokens;

    public int Tokens => Math.Min(_tokens, _delays.Length);

    /// <summary>From the source's stamp to the arrival here, of each token.</summary>
    public ReadOnlySpan<long> Delays => _delays.AsSpan(0, Tokens);

    public void Add(long delay)
    {
        var i = Interlocked.Increment(ref _tokens) - 1;
        if (i < _delays.Length)
            _delays[i] = delay;
    }
}

/// <summary>
/// One request for an answer, read from the bare socket: whatever the framing and the events are, a token is <c>T…;</c>, an event
/// ends with an empty line, and the body with the last chunk. A reader with an HTTP stack would measure that stack.
/// </summary>
internal sealed class TokenStream(int port, string path, Arrivals? arrivals) : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _tail = new byte[5];
    private readonly StringBuilder _start = new();
    private long _stamp;
    private bool _inStamp;
    private bool _newline;

    /// <summary>Whole events so far. The first is a greeting on every path: the second brings the first token.</summary>
    public int Events { get; private set; }

    /// <summary>When the request was sent and when the second event arrived, in <see cref="Stopwatch"/> ticks.</summary>
    public long SentAt { get; private set; }

    /// <inheritdoc cref="SentAt"/>
    public long FirstTokenAt { get; private set; }

    /// <summary>The body came to its end in good order.</summary>
    public bool Complete { get; private set; }

    /// <summary>The first bytes of the response: its status and its greeting.</summary>
    public string Beginning => _start.ToString();

    /// <summary>Sends the request.</summary>
    public async Task SendAsync(byte[] body, int? receiveBuffer = null)
    {
        if (receiveBuffer is { } size)
            _socket.ReceiveBufferSize = size;
        await _socket.ConnectAsync(IPAddress.Loopback, port);
        var head = Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n");
        SentAt = Stopwatch.GetTimestamp();
        await _socket.SendAsync((byte[])[.. head, .. body]);
    }

    /// <summary>Reads until the end, or until so many events have arrived.</summary>
    /// <returns>False when the connection broke.</returns>
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

    /// <summary>Closes the request, as Stop does.</summary>
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
            // The empty line of the HTTP head, and those of chunks, have a carriage return.
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
