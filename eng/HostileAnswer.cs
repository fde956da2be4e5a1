using System.Text;
using System.Text.Json;

namespace Llasta;

/// <summary>Answers of a model server that never end, for the tests and for the benchmark <c>neighbour</c>.</summary>
/// <param name="Before">Sent once.</param>
/// <param name="Endless">Sent again and again after it, as fast as the network takes it.</param>
internal sealed record HostileAnswer(string Before, string Endless)
{
    /// <summary>The head of a response that streams.</summary>
    public const string Head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

    /// <summary>Pieces of this size keep the network busy.</summary>
    private const int PieceBytes = 64 << 10;

    /// <summary>By what they consist of. The client cuts the first five.</summary>
    public static IReadOnlyDictionary<string, HostileAnswer> All { get; } = new Dictionary<string, HostileAnswer>
    {
        ["informational responses"] = new("", "HTTP/1.1 100 Continue\r\n\r\n"),
        ["a head"] = new("HTTP/1.1 200 OK\r\n", "X-Header: value\r\n"),
        ["a chunk extension"] = new(Head + "1;name=", "value"),
        ["leading zeros"] = new(Head, "0"),
        ["a trailer"] = new(Head + Chunk(Token("Hello")) + "0\r\n", "X-Trailer: value\r\n"),
        ["extensions of small chunks"] = new(Head, $"1;{new string('x', 4000)}\r\n:\r\n"),
        ["comments"] = new(Head, Chunk(string.Concat(Enumerable.Repeat(": comment\n\n", 100)))),
        ["comments in chunks of one byte"] = new(Head, Chunk(":") + Chunk("\n")),
        ["tokens"] = new(Head, Chunk(Token("token "))),
        ["escaped tokens"] = new(Head, Chunk(Token(string.Concat(Enumerable.Repeat("\u0001\"\\é🦙", 100))))),
        ["empty deltas"] = new(Head, Chunk(Token(""))),
    };

    /// <summary>The endless part, several times.</summary>
    public byte[] EndlessBytes() => Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat(Endless, Math.Max(1, PieceBytes / Endless.Length))));

    /// <summary>An event with one token.</summary>
    public static string Token(string text) =>
        $$$"""data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":{{{JsonSerializer.Serialize(text)}}}},"finish_reason":null}]}""" + "\n\n";

    /// <summary>A chunk of the response's body.</summary>
    public static string Chunk(string data) => $"{Encoding.UTF8.GetByteCount(data):x}\r\n{data}\r\n";
}
