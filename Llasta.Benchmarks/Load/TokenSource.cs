using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Llasta.Benchmarks.Load;

/// <summary>
/// Answers like vLLM at a fixed pace. Each token contains the time of its sending, <c>T&lt;Stopwatch ticks&gt;;</c>, so that a reader on
/// the same machine can compute its delay. The last message sets the number of tokens and their interval: see <see cref="Prompt"/>.
/// The simulator is too slow for this: the source needs only a few microseconds per token, in a separate process.
/// </summary>
internal sealed partial class TokenSource : IDisposable
{
    private const string Model = "Qwen/Qwen3-8B";
    private static readonly byte[] ResponseHead = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"u8.ToArray();
    private static readonly byte[] FirstChunk = Chunk($"data: {{{Common},\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"\"}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n");
    private static readonly byte[] Models = Json($"{{\"object\":\"list\",\"data\":[{{\"id\":\"{Model}\",\"object\":\"model\",\"max_model_len\":32768}}]}}");
    private static readonly byte[] EmptyObject = Json("{}");

    /// <summary>The chunk of a token; its timestamp has 19 digits.</summary>
    private static readonly byte[] Token = Chunk($"data: {{{Common},\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\" T0000000000000000000;\"}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n");
    private static readonly int Digits = Token.AsSpan().IndexOf("T0000"u8) + 1;

    private const string Common = $"\"id\":\"chatcmpl-7b0c3f2e9d6a4d0f8f2c\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"{Model}\"";

    private readonly Lock _lock = new();
    private readonly PriorityQueue<Answer, long> _due = new();
    private readonly AutoResetEvent _added = new(false);

    /// <summary>The message that sets the form of this source's answer.</summary>
    /// <param name="tokens">The number of tokens in the answer.</param>
    /// <param name="interval">The time between two tokens.</param>
    /// <param name="firstToken">The time from the request to the first token.</param>
    internal static string Prompt(int tokens, TimeSpan interval, TimeSpan firstToken) =>
        string.Create(CultureInfo.InvariantCulture, $"tokens={tokens} interval={interval.TotalMicroseconds:0} first={firstToken.TotalMicroseconds:0}");

    public void Dispose() => _added.Dispose();

    /// <summary>Listens on a free port, prints it, and answers requests until the process ends.</summary>
    internal async Task RunAsync()
    {
        new Thread(Pace) { IsBackground = true, Name = "pace" }.Start();
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(4096);
        Console.WriteLine(((IPEndPoint)listener.LocalEndPoint!).Port);
        while (true)
        {
            var connection = await listener.AcceptAsync();
            connection.NoDelay = true;
            _ = ServeAsync(connection);
        }
    }

    private async Task ServeAsync(Socket connection)
    {
        using var closing = connection;
        var buffer = new byte[4096];
        var length = 0;
        Answer? running = null;
        try
        {
            while (true)
            {
                if (length == buffer.Length)
                    Array.Resize(ref buffer, buffer.Length * 2);
                var read = await connection.ReceiveAsync(buffer.AsMemory(length));
                if (read == 0)
                    break;
                length += read;
                if (CompleteRequest(buffer.AsSpan(0, length)) is not { } request)
                    continue;
                length = 0;
                if (request.StartsWith("GET ", StringComparison.Ordinal))
                {
                    await connection.SendAsync(request.Contains("/v1/models", StringComparison.Ordinal) ? Models : EmptyObject);
                    continue;
                }

                running = Begin(connection, request);
            }
        }
        catch (SocketException)
        {
            // The reader has closed the connection; the pacing thread notices it when it sends.
        }

        running?.Cancel();
    }

    /// <returns>The request, or null until all of it has arrived.</returns>
    private static string? CompleteRequest(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return null;
        var head = Encoding.ASCII.GetString(bytes[..end]);
        if (head.Contains("transfer-encoding: chunked", StringComparison.OrdinalIgnoreCase))
            return bytes.EndsWith("0\r\n\r\n"u8) ? Encoding.ASCII.GetString(bytes) : null;
        var contentLength = ContentLength().Match(head);
        var total = end + 4 + (contentLength.Success ? int.Parse(contentLength.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0);
        return bytes.Length >= total ? Encoding.ASCII.GetString(bytes) : null;
    }

    private Answer Begin(Socket connection, string request)
    {
        var asked = PromptPattern().Match(request);
        long Number(int group) => asked.Success ? long.Parse(asked.Groups[group].ValueSpan, CultureInfo.InvariantCulture) : 1;
        var answer = new Answer(connection, (int)Number(1), Number(2) * Stopwatch.Frequency / 1_000_000);
        connection.Send(ResponseHead);
        connection.Send(FirstChunk);
        lock (_lock)
            _due.Enqueue(answer, answer.Due = Stopwatch.GetTimestamp() + Number(3) * Stopwatch.Frequency / 1_000_000);
        _added.Set();
        return answer;
    }

    /// <summary>Sends all tokens from one thread, because handing them to other threads would cost more than sending them.</summary>
    private void Pace()
    {
        while (true)
        {
            Answer? answer = null;
            var wait = long.MaxValue;
            lock (_lock)
            {
                if (_due.TryPeek(out var next, out var due))
                {
                    wait = due - Stopwatch.GetTimestamp();
                    if (wait <= 0)
                    {
                        _due.Dequeue();
                        answer = next;
                    }
                }
            }

            if (answer is null)
                Sleep(wait);
            else if (answer.SendNext())
                lock (_lock)
                    _due.Enqueue(answer, answer.Due);
        }
    }

    /// <summary>Sleeps for less than a millisecond where the system can. With the pool's timers, all tokens of a millisecond would be sent in one burst.</summary>
    private void Sleep(long ticks)
    {
        if (ticks == long.MaxValue)
            _added.WaitOne();
        else if (OperatingSystem.IsLinux())
            _ = USleep((uint)Math.Clamp(ticks * 1_000_000 / Stopwatch.Frequency, 1, 1000));
        else
            Thread.Sleep(1);
    }

    [System.Runtime.InteropServices.LibraryImport("libc", EntryPoint = "usleep")]
    private static partial int USleep(uint microseconds);

    [GeneratedRegex(@"content-length: *(\d+)", RegexOptions.IgnoreCase)]
    private static partial Regex ContentLength();

    [GeneratedRegex(@"tokens=(\d+) interval=(\d+) first=(\d+)")]
    private static partial Regex PromptPattern();

    private static byte[] Chunk(string text) => Encoding.ASCII.GetBytes($"{text.Length:x}\r\n{text}\r\n");

    private static byte[] Json(string body) => Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {body.Length}\r\n\r\n{body}");

    /// <summary>An answer that is being sent.</summary>
    private sealed class Answer(Socket connection, int tokens, long interval)
    {
        private int _sent;
        private volatile bool _cancelled;

        /// <summary>The time at which the next token is due, in <see cref="Stopwatch"/> ticks.</summary>
        public long Due { get; set; }

        public void Cancel() => _cancelled = true;

        /// <returns>False if the answer is complete or the reader has closed the connection.</returns>
        public bool SendNext()
        {
            if (_cancelled)
                return false;
            try
            {
                if (_sent == tokens)
                {
                    Finish();
                    return false;
                }

                _sent++;
                Due += interval;
                Span<byte> chunk = stackalloc byte[Token.Length];
                Token.CopyTo(chunk);
                Stopwatch.GetTimestamp().TryFormat(chunk.Slice(Digits, 19), out _, "D19", CultureInfo.InvariantCulture);
                connection.Send(chunk);
                return true;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return false;
            }
        }

        private void Finish()
        {
            var last = Chunk($"data: {{{Common},\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"\"}},\"logprobs\":null,\"finish_reason\":\"stop\"}}]}}\n\n");
            var usage = Chunk($"data: {{{Common},\"choices\":[],\"usage\":{{\"prompt_tokens\":17,\"total_tokens\":{tokens + 17},\"completion_tokens\":{tokens}}}}}\n\n");
            connection.Send([.. last, .. usage, .. Chunk("data: [DONE]\n\n"), .. "0\r\n\r\n"u8]);
        }
    }
}
