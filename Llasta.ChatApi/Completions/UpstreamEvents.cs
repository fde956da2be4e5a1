using Llasta.Streaming;

namespace Llasta.ChatApi.Completions;

/// <summary>Splits the model's response into events, whose data is returned in place.</summary>
/// <remarks>
/// SseParser would do the same; its two asynchronous layers and one allocation per read cost a tenth of the relay's CPU time per token
/// (docs/performance.md). Unlike SseParser, this accepts LF and CRLF as line ends, but not a bare CR.
/// </remarks>
internal static class UpstreamEvents
{
    /// <summary>Takes the next complete event with data, if one has been read. An event that is cut by the end of the stream is dropped.</summary>
    /// <param name="pump">The pump that reads the stream.</param>
    /// <param name="data">The event's data; valid until the next <see cref="StreamPump.FlushAndReadAsync"/>.</param>
    public static bool TryReadEvent(this StreamPump pump, out ReadOnlySpan<byte> data)
    {
        data = default;
        var unread = pump.Unread;
        var found = false;
        var at = 0;
        // Comments and other fields before the data are taken at once.
        var taken = 0;
        while (unread[at..].IndexOf((byte)'\n') is >= 0 and var length)
        {
            var line = unread.Slice(at, length);
            at += length + 1;
            if (line.EndsWith((byte)'\r'))
                line = line[..^1];

            if (line.StartsWith("data:"u8))
            {
                var value = line["data:".Length..];
                if (value.StartsWith((byte)' '))
                    value = value[1..];
                // Several data lines are one value with line breaks.
                data = found ? (byte[])[.. data, (byte)'\n', .. value] : value;
                found = true;
            }
            else if (line.IsEmpty && found)
            {
                pump.Take(at);
                return true;
            }

            if (!found)
                taken = at;
        }

        pump.Take(taken);
        data = default;
        return false;
    }
}
