namespace Llasta.ChatApi.Relay;

/// <summary>The model's response as events, whose data is handed out in place.</summary>
/// <remarks>
/// The one place where SseParser would have done: its two asynchronous layers per read, and the allocation of one, were a tenth of the
/// relay's own work per token (docs/performance.md). What a model's server can send is less than what SseParser takes: lines end with LF or
/// CRLF, not with a bare CR.
/// </remarks>
internal static class UpstreamEvents
{
    /// <summary>Takes the next whole event with data, if one has been read. An event that the stream's end cuts short is none.</summary>
    /// <param name="pump">Where it was read.</param>
    /// <param name="data">Valid until the next <see cref="UpstreamPump.NextAsync"/>.</param>
    public static bool TryReadEvent(this UpstreamPump pump, out ReadOnlySpan<byte> data)
    {
        data = default;
        var unread = pump.Unread;
        var found = false;
        var at = 0;
        // Comments, and fields that say nothing here, are not kept.
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
                // An event of several lines is one value with line breaks.
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
