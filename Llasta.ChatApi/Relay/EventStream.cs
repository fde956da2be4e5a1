using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Llasta.ChatApi.Relay;

/// <summary>
/// The <c>text/event-stream</c> towards the page. Writes only fill the connection's own buffer; <see cref="FlushAsync"/> sends.
/// Not thread-safe: whoever writes must own the turn (<see cref="Turn"/>).
/// </summary>
internal sealed class EventStream
{
    private readonly HttpResponse _response;
    private readonly PipeWriter _output;
    private bool _written;

    public EventStream(HttpResponse response)
    {
        _response = response;
        _output = response.BodyWriter;
        // Kestrel cuts a reader that pauses for 5 s. A paused reader only pauses its own stream, and the sweep ends it after the idle
        // timeout.
        if (response.HttpContext.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
            rate.MinDataRate = null;
    }

    /// <summary>Something was written since the last flush.</summary>
    public bool HasWritten => _written;

    /// <summary>Sends status and headers with the first flush.</summary>
    public void Start()
    {
        _response.ContentType = "text/event-stream";
        _response.Headers.CacheControl = "no-store";
        // nginx, an Ingress included, would collect tokens in its buffer.
        _response.Headers["X-Accel-Buffering"] = "no";
    }

    /// <summary>Writes an event with a JSON object.</summary>
    public void Write<T>(ReadOnlySpan<byte> name, T data, JsonTypeInfo<T> type)
    {
        _output.Write("event: "u8);
        _output.Write(name);
        _output.Write("\ndata: "u8);
        _output.Write(JsonSerializer.SerializeToUtf8Bytes(data, type));
        _output.Write("\n\n"u8);
        _written = true;
    }

    /// <summary>Writes a part of a stream that is one already.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        _output.Write(bytes);
        _written = true;
    }

    /// <summary>Writes answer text: the inside of a JSON string, still escaped as upstream escaped it.</summary>
    public void WriteText(ReadOnlySpan<byte> escaped) => WriteString("data: \""u8, escaped);

    /// <summary>Writes thinking, likewise.</summary>
    public void WriteReasoning(ReadOnlySpan<byte> escaped) => WriteString("event: reasoning\ndata: \""u8, escaped);

    /// <summary>Writes a comment, which an event-stream parser skips, so that nothing on the way takes the connection for dead.</summary>
    public void WriteHeartbeat()
    {
        _output.Write(": keep-alive\n\n"u8);
        _written = true;
    }

    /// <summary>
    /// Sends what was written, if anything was, and waits while the reader is behind: that is the backpressure. Can't be cancelled, since
    /// Kestrel would take that for the end of the connection, and the reader would never learn how the turn ended: cancel the waiting.
    /// </summary>
    public ValueTask<FlushResult> FlushAsync()
    {
        if (!_written)
            return default;
        _written = false;
        return _output.FlushAsync(CancellationToken.None);
    }

    private void WriteString(ReadOnlySpan<byte> opening, ReadOnlySpan<byte> escaped)
    {
        var closing = "\"\n\n"u8;
        var span = _output.GetSpan(opening.Length + escaped.Length + closing.Length);
        opening.CopyTo(span);
        escaped.CopyTo(span[opening.Length..]);
        closing.CopyTo(span[(opening.Length + escaped.Length)..]);
        _output.Advance(opening.Length + escaped.Length + closing.Length);
        _written = true;
    }
}
