using System.Text;
using Llasta.Streaming.Http;
using Xunit;

namespace Llasta.Tests.Streaming;

/// <summary>A model server's responses, changed at random (<see cref="Fuzz"/>).</summary>
public sealed class FramingFuzzTests : IDisposable
{
    private static readonly string[] Pieces =
    [
        "\r\n", "\r", "\n", "\r\n\r\n", "0", "00000000", "5", "ffffffff", "80000000", ";", ";a=b", " ", "\t", ":", "\0", "\u00ff", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\n",
        "Content-Length: 5\r\n", "Content-Length: 6\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n", "Connection: close\r\n", "X: y\r\n", " folded\r\n", "0\r\n\r\n", "5\r\nHello\r\n",
    ];

    private static readonly string[] Responses =
    [
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nHello world",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n6;a=b\r\n world\r\n0\r\nX-Trailer: t\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n\r\nHello world",
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
    ];

    private readonly RawServer _server = new();
    private readonly HttpMessageInvoker _client = new(new StreamingHttpHandler(TimeSpan.FromSeconds(30), TimeProvider.System));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_changed_response_is_read_or_refused_and_never_hangs(int seed)
    {
        var random = Fuzz.Random(seed);
        for (var i = 0; i < 200 * Fuzz.Factor; i++)
        {
            var text = Fuzz.Change(Responses[random.Next(Responses.Length)], Pieces, random);
            var split = random.Next(text.Length + 1);
            var sending = _client.SendAsync(new HttpRequestMessage(HttpMethod.Get, $"http://{_server.Authority}/"), Chatbot.Cancelled);
            var connection = await _server.AcceptRequestAsync();
            await connection.SendAsync(text[..split], text[split..]);
            connection.Close();
            try
            {
                using var response = await sending;
                var body = await response.Content.ReadAsByteArrayAsync(Chatbot.Cancelled);
                Assert.InRange((int)response.StatusCode, 200, 599);
                Assert.InRange(body.Length, 0, text.Length);
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                // Refused. What the client threw must say that it was the server.
                var error = e is HttpRequestException request ? request.HttpRequestError : (e as HttpIOException)?.HttpRequestError;
                Assert.True(error is null or HttpRequestError.InvalidResponse or HttpRequestError.ResponseEnded or HttpRequestError.Unknown, $"{seed}/{i}: {e}");
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Chunks_mean_the_same_wherever_they_are_split(int seed)
    {
        var random = Fuzz.Random(seed);
        for (var i = 0; i < 20_000 * Fuzz.Factor; i++)
        {
            var text = Fuzz.Change("5\r\nHello\r\n6;a=b\r\n world\r\n0\r\nX-Trailer: t\r\n\r\n", Pieces, random);
            var whole = Decode(text, text.Length + 1);
            var split = Decode(text, random.Next(1, 9));
            Assert.True(whole == split, $"Seed {seed}, case {i}: {Uri.EscapeDataString(text)} gave {whole} in one piece and {split} in several.");
        }
    }

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
    }

    /// <summary>Decodes pieces of one length. Data that comes in the same piece as a fault is lost with it, so only the fault is compared then.</summary>
    private static (string Data, bool End, bool Broken) Decode(string text, int length)
    {
        var framing = new ChunkedDecoder();
        var data = new StringBuilder();
        foreach (var piece in text.Chunk(length))
        {
            var bytes = Encoding.Latin1.GetBytes(piece);
            try
            {
                data.Append(Encoding.Latin1.GetString(bytes, 0, framing.Decode(bytes)));
            }
            catch (HttpIOException)
            {
                return ("", false, true);
            }
        }

        return (data.ToString(), framing.IsEnd, false);
    }
}
