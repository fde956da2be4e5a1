using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Llasta.Streaming;

/// <summary>
/// The response to the reader. Writing only fills the connection's buffer; <see cref="FlushAsync"/> sends. Not thread-safe: the writer
/// must own the stream's lease (<see cref="StreamLease"/>).
/// </summary>
public sealed class ResponseWriter
{
    private readonly HttpResponse _response;
    private readonly PipeWriter _output;
    private ArrayBufferWriter<byte>? _first;

    /// <summary>Prepares a response for streaming; nothing is sent yet.</summary>
    /// <param name="response">The response of the request that is being served.</param>
    public ResponseWriter(HttpResponse response)
    {
        ArgumentNullException.ThrowIfNull(response);
        _response = response;
        _output = response.BodyWriter;
        // Kestrel closes the connection of a reader that pauses for 5 s. Here a paused reader only pauses its own stream, and the sweep
        // ends it after the idle timeout.
        if (response.HttpContext.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
            rate.MinDataRate = null;
    }

    /// <summary>Something was written since the last flush.</summary>
    public bool HasUnflushed { get; private set; }

    /// <summary>The response is an event stream, and its first event has been written: its status can't change any more.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>
    /// Prepares an event that is written before the next one. Until the first event is written, the response can still be something other than
    /// an event stream.
    /// </summary>
    /// <param name="name">The event's name.</param>
    /// <param name="data">The object.</param>
    /// <param name="type">How to serialize it; the JSON must not contain line breaks.</param>
    /// <param name="replace">The event takes the place of those that were prepared and not written yet.</param>
    public void BeginWith<T>(ReadOnlySpan<byte> name, T data, JsonTypeInfo<T> type, bool replace = false)
    {
        if (replace)
            _first = null;
        Write(_first ??= new ArrayBufferWriter<byte>(), name, data, type);
    }

    private static void Write<T>(IBufferWriter<byte> output, ReadOnlySpan<byte> name, T data, JsonTypeInfo<T> type)
    {
        output.Write("event: "u8);
        output.Write(name);
        output.Write("\ndata: "u8);
        output.Write(JsonSerializer.SerializeToUtf8Bytes(data, type));
        output.Write("\n\n"u8);
    }

    private void Begin()
    {
        if (!HasBegun)
        {
            HasBegun = true;
            _response.ContentType = "text/event-stream";
            // Otherwise proxies that compress, such as those of Next.js and Express, collect the whole answer.
            _response.Headers.CacheControl = "no-store, no-transform";
            // Otherwise nginx, and Ingress controllers based on it, collect tokens in a buffer.
            _response.Headers["X-Accel-Buffering"] = "no";
        }

        _output.Write(_first!.WrittenSpan);
        _first = null;
    }

    /// <summary>Writes an event whose data is one JSON object.</summary>
    /// <param name="name">The event's name.</param>
    /// <param name="data">The object.</param>
    /// <param name="type">How to serialize it; the JSON must not contain line breaks.</param>
    public void WriteEvent<T>(ReadOnlySpan<byte> name, T data, JsonTypeInfo<T> type)
    {
        if (_first is not null)
            Begin();
        Write(_output, name, data, type);
        HasUnflushed = true;
    }

    /// <summary>Writes an event whose data is one JSON string.</summary>
    /// <param name="opening">The event up to and including the string's opening quote.</param>
    /// <param name="escaped">The string's contents, with JSON's escapes.</param>
    public void WriteStringEvent(ReadOnlySpan<byte> opening, ReadOnlySpan<byte> escaped)
    {
        if (_first is not null)
            Begin();
        var closing = "\"\n\n"u8;
        var length = opening.Length + escaped.Length + closing.Length;
        var span = _output.GetSpan(length);
        opening.CopyTo(span);
        escaped.CopyTo(span[opening.Length..]);
        closing.CopyTo(span[(opening.Length + escaped.Length)..]);
        _output.Advance(length);
        HasUnflushed = true;
    }

    /// <summary>Writes bytes as they are, for example bytes that upstream sent in event-stream format.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (_first is not null)
            Begin();
        _output.Write(bytes);
        HasUnflushed = true;
    }

    /// <summary>Writes a comment. Parsers skip it; proxies on the way see that the connection is alive.</summary>
    public void WriteHeartbeat() => Write(": keep-alive\n\n"u8);

    /// <summary>
    /// Sends what was written, if anything, and waits while the reader is behind. The flush itself can't be cancelled, because Kestrel
    /// would close the connection and the reader would never see the last event: cancel the waiting instead.
    /// </summary>
    public ValueTask<FlushResult> FlushAsync()
    {
        if (!HasUnflushed)
            return default;
        HasUnflushed = false;
        return _output.FlushAsync(CancellationToken.None);
    }
}
