using System.Text;
using Llasta.Streaming.Http;
using Xunit;

namespace Llasta.Tests.Streaming;

/// <summary>The chunked transfer coding, wherever the network splits it.</summary>
public class ChunkedDecoderTests
{
    [Theory]
    [InlineData("0\r\n\r\n", "")]
    [InlineData("3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n", "onetwothree")]
    [InlineData("1a\r\nabcdefghijklmnopqrstuvwxyz\r\n1B\r\nABCDEFGHIJKLMNOPQRSTUVWXYZ!\r\n0\r\n\r\n", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!")]
    [InlineData("0003\r\none\r\n0000000000000000000003\r\ntwo\r\n000\r\n\r\n", "onetwo")]
    [InlineData("3;name=value\r\none\r\n3 ; quoted=\"a;b 5\"\r\ntwo\r\n0;last\r\n\r\n", "onetwo")]
    [InlineData("3\r\none\r\n0\r\nX-Checksum: 5\r\nX-More: 0\r\n\r\n", "one")]
    [InlineData("3\r\none\r\n0\r\n\r\n3\r\ntwo\r\n0\r\n\r\n", "one")]
    [InlineData("3\r\none\r\n0\r\n\r\n\r\nnot chunked", "one")]
    [InlineData("9\r\n\r\n0\r\n\r\n\r\n\r\n2\r\n\r\n\r\n1\r\n0\r\n0\r\n\r\n", "\r\n0\r\n\r\n\r\n\r\n0")]
    public void A_body_is_what_was_in_its_chunks_wherever_they_are_split(string chunks, string body)
    {
        for (var first = 0; first <= chunks.Length; first++)
        {
            for (var second = first; second <= chunks.Length; second++)
                Assert.Equal(body, Unwrap(chunks[..first], chunks[first..second], chunks[second..]));
        }

        Assert.Equal(body, Unwrap([.. chunks.Select(c => c.ToString())]));
    }

    [Theory]
    [InlineData("3\r\none\r\n0\r\n\r\n")]
    [InlineData("3\r\none\r\n0\r\nX-Checksum: 5\r\n\r\n")]
    public void A_body_that_is_cut_anywhere_is_not_at_its_end(string chunks)
    {
        for (var cut = 0; cut < chunks.Length; cut++)
        {
            var framing = new ChunkedDecoder();
            framing.Decode(Encoding.ASCII.GetBytes(chunks[..cut]));
            Assert.False(framing.IsEnd, $"Cut after {cut} bytes.");
        }
    }

    [Fact]
    public void A_chunk_may_be_longer_than_what_is_read_at_once()
    {
        var body = string.Concat(Enumerable.Range(0, 100_000).Select(i => (char)('a' + (i % 26))));
        var chunks = $"{body.Length:x}\r\n{body}\r\n3\r\nend\r\n0\r\n\r\n";
        Assert.Equal(body + "end", Unwrap([.. chunks.Chunk(4096).Select(piece => new string(piece))]));
    }

    [Fact]
    public void A_chunk_of_some_gigabytes_is_not_too_large()
    {
        var framing = new ChunkedDecoder();
        Assert.Equal(3, framing.Decode("FFFFFFFF\r\none"u8.ToArray()));
    }

    [Theory]
    // No size.
    [InlineData("\r\n")]
    [InlineData(";name=value\r\none\r\n")]
    [InlineData("3\r\none\r\n\r\n0\r\n\r\n", "one")]
    // No hexadecimal number.
    [InlineData("HTTP/1.1 200 OK\r\n")]
    [InlineData("-3\r\none\r\n")]
    [InlineData("+3\r\none\r\n")]
    [InlineData("0x3\r\none\r\n")]
    [InlineData("3g\r\none\r\n")]
    [InlineData(" 3\r\none\r\n")]
    // A carriage return within a size.
    [InlineData("1\r0\r\none\r\n")]
    [InlineData("3\r\r\none\r\n")]
    [InlineData("3;name=value\rother\r\none\r\n")]
    // The data is longer than its size, or ends at once with the next.
    [InlineData("3\r\nfour\r\n0\r\n\r\n", "fou")]
    [InlineData("3\r\none3\r\ntwo\r\n0\r\n\r\n", "one")]
    // A size of 64 bits and more, the last one of 3 if the rest were lost.
    [InlineData("FFFFFFFFFFFFFFFF\r\none\r\n")]
    [InlineData("8000000000000000\r\none\r\n")]
    [InlineData("10000000000000003\r\none\r\n")]
    public void What_is_not_in_the_coding_is_refused_after_what_came_before_it(string chunks, string before = "")
    {
        var whole = Assert.Throws<HttpIOException>(() => Unwrap(chunks));
        Assert.Equal(HttpRequestError.InvalidResponse, whole.HttpRequestError);

        var framing = new ChunkedDecoder();
        var read = new StringBuilder();
        Assert.Throws<HttpIOException>(() =>
        {
            foreach (var c in chunks)
            {
                if (framing.Decode([(byte)c]) > 0)
                    read.Append(c);
            }
        });
        Assert.Equal(before, read.ToString());
    }

    [Theory]
    [InlineData("0", "0")]
    [InlineData("3;name=", "v")]
    [InlineData("3 ", " ")]
    [InlineData("3\r\none\r\n0\r\n", "X-Trailer: value\r\n")]
    [InlineData("3\r\none\r\n0\r\nX-Trailer: ", "v")]
    public void A_line_or_a_trailer_without_end_is_refused_after_16_KiB(string before, string endless)
    {
        var framing = new ChunkedDecoder();
        framing.Decode(Encoding.ASCII.GetBytes(before));
        var piece = Encoding.ASCII.GetBytes(endless);
        var read = 0;
        var e = Assert.Throws<HttpIOException>(() =>
        {
            for (; read <= 2 * ChunkedDecoder.MaxFramingBytes; read += piece.Length)
                framing.Decode(piece.ToArray());
        });
        Assert.Equal(HttpRequestError.InvalidResponse, e.HttpRequestError);
        Assert.InRange(read, ChunkedDecoder.MaxFramingBytes - 32, ChunkedDecoder.MaxFramingBytes);
    }

    [Fact]
    public void Many_chunks_with_short_extensions_have_no_limit_together()
    {
        var framing = new ChunkedDecoder();
        var data = 0;
        for (var i = 0; i < 10_000; i++)
            data += framing.Decode("1;signature=0123456789\r\nx\r\n"u8.ToArray());
        Assert.Equal(10_000, data);
    }

    /// <summary>Takes the framing off one piece after the other, and expects the end after the last.</summary>
    private static string Unwrap(params string[] pieces)
    {
        var framing = new ChunkedDecoder();
        var body = new StringBuilder();
        foreach (var piece in pieces)
        {
            var bytes = Encoding.ASCII.GetBytes(piece);
            body.Append(Encoding.ASCII.GetString(bytes, 0, framing.Decode(bytes)));
        }

        Assert.True(framing.IsEnd);
        return body.ToString();
    }
}
