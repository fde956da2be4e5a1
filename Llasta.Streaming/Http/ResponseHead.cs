using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text;

namespace Llasta.Streaming.Http;

/// <summary>How a response's body ends.</summary>
/// <param name="Chunked">The body has the chunked transfer coding.</param>
/// <param name="Length">The body's length in bytes; null without <paramref name="Chunked"/>: the body ends with the connection.</param>
/// <param name="KeepAlive">The server accepts another request on the connection.</param>
internal readonly record struct BodyFraming(bool Chunked, long? Length, bool KeepAlive);

/// <summary>
/// Reads the head of an HTTP/1.1 response (RFC 9112). It is strict: if two programs understand the same head differently,
/// requests and responses get mixed up. No model server sends what is refused here.
/// </summary>
internal static class ResponseHead
{
    private static readonly SearchValues<byte> TokenBytes = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);
    private static readonly SearchValues<byte> ForbiddenInValues = SearchValues.Create("\r\n\0"u8);

    /// <summary>Reads the status.</summary>
    /// <param name="head">The head, without the empty line at its end.</param>
    /// <exception cref="HttpRequestException">It is not the head of an HTTP/1.1 response.</exception>
    public static int Status(ReadOnlySpan<byte> head)
    {
        var line = Line(head, out _);
        // "HTTP/1.1 200 OK"; servers may leave out the reason and the space before it.
        var wellFormed = line.Length >= 12 && line.StartsWith("HTTP/1."u8) && line[7] is (byte)'0' or (byte)'1' && line[8] == ' ' && (line.Length == 12 || line[12] == ' ')
            && !line.ContainsAny(ForbiddenInValues);
        return wellFormed && int.TryParse(line.Slice(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var status) && status is >= 100 and <= 599
            ? status
            : throw Invalid("it doesn't begin with an HTTP/1.1 status");
    }

    /// <summary>Reads the header fields into a response.</summary>
    /// <param name="head">The head, without the empty line at its end.</param>
    /// <param name="response">The response; its content receives the headers that describe the content.</param>
    /// <param name="hasBody">False for responses that never have a body, whatever their headers say.</param>
    /// <exception cref="HttpRequestException">A header is malformed, or the body's end is ambiguous.</exception>
    public static BodyFraming ReadFields(ReadOnlySpan<byte> head, HttpResponseMessage response, bool hasBody)
    {
        var chunked = false;
        long? length = null;
        var keepAlive = Line(head, out var rest).StartsWith("HTTP/1.1"u8);
        while (!rest.IsEmpty)
        {
            var line = Line(rest, out rest);
            var colon = line.IndexOf((byte)':');
            // A line that continues the one before (obs-fold) begins with a space.
            if (colon <= 0 || line[..colon].ContainsAnyExcept(TokenBytes))
                throw Invalid("one of its headers has no valid name");
            if (line.ContainsAny(ForbiddenInValues))
                throw Invalid("one of its headers has a line break or a zero in its value");
            var name = Encoding.ASCII.GetString(line[..colon]);
            var value = Encoding.Latin1.GetString(line[(colon + 1)..].Trim(" \t"u8));

            if (Is(name, "Transfer-Encoding"))
            {
                if (chunked || !Is(value, "chunked"))
                    throw Invalid("its transfer coding is not \"chunked\"");
                chunked = true;
            }
            else if (Is(name, "Content-Length"))
            {
                if (!long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) || (length ?? parsed) != parsed)
                    throw Invalid("its Content-Length is not one number");
                length = parsed;
            }
            else if (Is(name, "Connection"))
            {
                keepAlive &= !value.Contains("close", StringComparison.OrdinalIgnoreCase);
            }

            if (!response.Headers.TryAddWithoutValidation(name, value))
                response.Content.Headers.TryAddWithoutValidation(name, value);
        }

        if (!hasBody)
            return new BodyFraming(false, 0, keepAlive);
        // RFC 9112, section 6.3: the coding decides, the length is removed, and the connection is not used again.
        if (chunked)
            response.Content.Headers.Remove("Content-Length");
        return chunked ? new BodyFraming(true, null, keepAlive && length is null) : new BodyFraming(false, length, keepAlive);
    }

    internal static HttpRequestException Invalid(string reason) =>
        new(HttpRequestError.InvalidResponse, $"The server's response is not valid HTTP: {reason}.");

    private static ReadOnlySpan<byte> Line(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> rest)
    {
        var end = text.IndexOf("\r\n"u8);
        rest = end < 0 ? default : text[(end + 2)..];
        return end < 0 ? text : text[..end];
    }

    private static bool Is(string text, string expected) => text.Equals(expected, StringComparison.OrdinalIgnoreCase);
}
