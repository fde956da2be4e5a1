using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Llasta.Benchmarks.Load;

/// <summary>HTTP on blocking sockets, as text.</summary>
internal static class HttpText
{
    /// <summary>Connects to a loopback port and sends a request.</summary>
    public static Socket Post(int port, string path, ReadOnlySpan<byte> body)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(IPAddress.Loopback, port);
        socket.Send(Encoding.Latin1.GetBytes(string.Create(CultureInfo.InvariantCulture, $"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n")));
        socket.Send(body);
        return socket;
    }

    /// <summary>Reads a head, and a body of the length that it gives.</summary>
    /// <exception cref="EndOfStreamException">The other side closed the connection.</exception>
    public static string ReadMessage(Socket socket)
    {
        const string Length = "\r\nContent-Length: ";
        var received = new StringBuilder();
        var buffer = new byte[64 << 10];
        while (true)
        {
            var text = received.ToString();
            var head = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (head >= 0)
            {
                var at = text.IndexOf(Length, StringComparison.OrdinalIgnoreCase);
                var length = at < 0 || at > head ? 0 : int.Parse(text.AsSpan(at + Length.Length, text.IndexOf('\r', at + Length.Length) - at - Length.Length), CultureInfo.InvariantCulture);
                if (text.Length >= head + 4 + length)
                    return text;
            }

            var read = socket.Receive(buffer);
            if (read == 0)
                throw new EndOfStreamException();
            received.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
    }

    /// <summary>Reads and forgets everything, until the connection is closed.</summary>
    public static void Drain(Socket socket)
    {
        var buffer = new byte[64 << 10];
        while (socket.Receive(buffer) > 0)
        {
        }
    }
}
