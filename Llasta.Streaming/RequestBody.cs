using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace Llasta.Streaming;

/// <summary>
/// The request bodies of a process. Each is read whole, within a limit of bytes and of time; all together stay within a budget of bytes
/// (<see cref="StreamingOptions.MaxBodyBytesInFlight"/>), so that uploads can't exhaust the memory.
/// </summary>
public sealed class RequestBodies(IOptions<StreamingOptions> options, Drain drain, TimeProvider time)
{
    private readonly long _budget = options.Value.MaxBodyBytesInFlight;
    private long _used;

    internal TimeProvider Time => time;

    internal TimeSpan Timeout => options.Value.BodyTimeout;

    internal CancellationToken EndBodies => drain.EndStreams;

    /// <summary>The bytes that bodies hold at this moment.</summary>
    internal long Used => Interlocked.Read(ref _used);

    /// <summary>Prepares to read a request's body. Nothing is read or counted yet.</summary>
    /// <param name="http">The request.</param>
    /// <returns>The body; disposing it returns its bytes to the budget.</returns>
    public RequestBody Of(HttpContext http) => new(this, http);

    /// <summary>
    /// Counts bytes that a body needs. A body may take at most as much as it leaves free: the more is in use, the smaller the bodies that
    /// are still read, so a few large uploads don't keep out the many small ones.
    /// </summary>
    internal bool TryTake(int bytes, long held)
    {
        var used = Interlocked.Add(ref _used, bytes);
        if (held + bytes <= _budget - used)
            return true;
        Release(bytes);
        return false;
    }

    internal void Release(long bytes) => Interlocked.Add(ref _used, -bytes);
}

/// <summary>Why a request's body was not read to its end.</summary>
public enum BodyRefusal
{
    /// <summary>The bodies that are being read use the memory that they may (<see cref="StreamingOptions.MaxBodyBytesInFlight"/>).</summary>
    NoMemory,

    /// <summary>The body has more bytes than the endpoint accepts.</summary>
    TooLarge,

    /// <summary>The body did not arrive in time (<see cref="StreamingOptions.BodyTimeout"/>).</summary>
    TooSlow,

    /// <summary>The process is stopping, and doesn't wait for the rest of the body any more (<see cref="Drain.EndStreams"/>).</summary>
    Stopping,

    /// <summary>The body's framing is not valid HTTP, or the connection broke within it.</summary>
    Broken,
}

/// <summary>One request's body.</summary>
public sealed class RequestBody : IDisposable
{
    /// <summary>Bodies over this many bytes are processed on the thread pool: parsing a megabyte would delay the streams that share a polling thread.</summary>
    public const int MaxInline = 32 << 10;

    /// <summary>
    /// Larger bodies, and those of unknown length, are kept in pieces of this size, which stays below the 85 KB of the large object heap: that
    /// heap is collected too rarely for megabytes.
    /// </summary>
    private const int PieceBytes = 64 << 10;

    private readonly RequestBodies _bodies;
    private readonly HttpContext _http;
    private long _held;

    internal RequestBody(RequestBodies bodies, HttpContext http)
    {
        _bodies = bodies;
        _http = http;
    }

    /// <summary>The body, in one or several pieces. Empty until <see cref="ReadAsync(int)"/> has returned null, and after <see cref="Dispose"/>; a copy of it stays valid.</summary>
    public ReadOnlySequence<byte> Bytes { get; private set; }

    /// <summary>Reads the body to its end.</summary>
    /// <param name="maxBytes">The most bytes that are accepted.</param>
    /// <returns>Null, or why there is no body. The client may still be sending it.</returns>
    /// <exception cref="OperationCanceledException">The client closed the connection.</exception>
    public async ValueTask<BodyRefusal?> ReadAsync(int maxBytes)
    {
        var announced = _http.Request.ContentLength;
        if (announced > maxBytes)
            return BodyRefusal.TooLarge;
        // A chunked body has no Content-Length: Kestrel throws when it exceeds the limit.
        _http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = maxBytes;
        try
        {
            var refusal = announced <= MaxInline ? await ReadExactlyAsync((int)announced) : await ReadPiecesAsync(announced ?? maxBytes);
            if (Bytes.Length > MaxInline)
                await Task.Yield();
            return refusal;
        }
        catch (BadHttpRequestException e)
        {
            return e.StatusCode switch
            {
                StatusCodes.Status413PayloadTooLarge => BodyRefusal.TooLarge,
                StatusCodes.Status408RequestTimeout => BodyRefusal.TooSlow,
                _ => BodyRefusal.Broken,
            };
        }
        catch (ConnectionResetException)
        {
            // Kestrel may not know yet, would read on, and would log that it can't.
            _http.Abort();
            return BodyRefusal.Broken;
        }
        catch (IOException)
        {
            // A chunk's size overflows.
            return BodyRefusal.Broken;
        }
    }

    /// <summary>Returns the bytes to the budget.</summary>
    public void Dispose()
    {
        _bodies.Release(_held);
        _held = 0;
        // The request object lives until the answer has ended; its body must not. Its pieces are not pooled again, because an HTTP client may
        // still be sending them.
        Bytes = default;
    }

    /// <summary>A small body of known length, which has mostly arrived with its head.</summary>
    private async ValueTask<BodyRefusal?> ReadExactlyAsync(int length)
    {
        if (length == 0)
            return null;
        if (!TryHold(length))
            return BodyRefusal.NoMemory;
        var bytes = new byte[length];
        var refusal = await ReadAsync(buffer =>
        {
            var read = (int)Math.Min(buffer.Length, length);
            buffer.Slice(0, read).CopyTo(bytes.AsSpan(bytes.Length - length));
            length -= read;
            return true;
        });
        if (refusal is null)
            Bytes = new ReadOnlySequence<byte>(bytes);
        return refusal;
    }

    /// <summary>Memory grows with what arrives, not with what is announced.</summary>
    private async ValueTask<BodyRefusal?> ReadPiecesAsync(long most)
    {
        var pieces = new List<byte[]>();
        var total = 0;
        try
        {
            var refusal = await ReadAsync(buffer =>
            {
                foreach (var part in buffer)
                {
                    for (var rest = part.Span; !rest.IsEmpty;)
                    {
                        var at = total % PieceBytes;
                        if (total == pieces.Count * PieceBytes)
                        {
                            var size = (int)Math.Min(PieceBytes, most - total);
                            if (!TryHold(size))
                                return false;
                            pieces.Add(size == PieceBytes ? ArrayPool<byte>.Shared.Rent(size) : new byte[size]);
                        }

                        var length = Math.Min(rest.Length, PieceBytes - at);
                        rest[..length].CopyTo(pieces[^1].AsSpan(at));
                        rest = rest[length..];
                        total += length;
                    }
                }

                return true;
            });
            if (refusal is null)
            {
                Bytes = ByteSequence.Of(pieces.Select((piece, i) => (ReadOnlyMemory<byte>)piece.AsMemory(0, Math.Min(PieceBytes, total - (i * PieceBytes)))));
                pieces.Clear();
            }

            return refusal;
        }
        finally
        {
            // Of a body that was not read to its end: nobody has seen them.
            foreach (var piece in pieces.Where(piece => piece.Length == PieceBytes))
                ArrayPool<byte>.Shared.Return(piece);
        }
    }

    /// <param name="take">Copies what has arrived; false if there is no room for it.</param>
    private async ValueTask<BodyRefusal?> ReadAsync(Func<ReadOnlySequence<byte>, bool> take)
    {
        var reader = _http.Request.BodyReader;
        CancellationTokenSource? timeout = null;
        CancellationTokenRegistration stopping = default;
        try
        {
            while (true)
            {
                if (!reader.TryRead(out var result))
                {
                    if (timeout is null)
                    {
                        timeout = new CancellationTokenSource(_bodies.Timeout, _bodies.Time);
                        EndRead(reader, timeout.Token);
                        stopping = EndRead(reader, _bodies.EndBodies);
                    }

                    result = await reader.ReadAsync(_http.RequestAborted);
                }

                if (result.IsCanceled)
                {
                    reader.AdvanceTo(result.Buffer.End);
                    return _bodies.EndBodies.IsCancellationRequested ? BodyRefusal.Stopping : BodyRefusal.TooSlow;
                }

                var taken = take(result.Buffer);
                reader.AdvanceTo(result.Buffer.End);
                if (!taken)
                    return BodyRefusal.NoMemory;
                if (result.IsCompleted)
                    return null;
            }
        }
        finally
        {
            await stopping.DisposeAsync();
            timeout?.Dispose();
        }
    }

    /// <summary>Ends the read, not its wait: Kestrel can't read on after a wait that was cancelled, and logs that as an error.</summary>
    private static CancellationTokenRegistration EndRead(PipeReader reader, CancellationToken cancellation) =>
        cancellation.UnsafeRegister(static reader => ((PipeReader)reader!).CancelPendingRead(), reader);

    private bool TryHold(int bytes)
    {
        if (!_bodies.TryTake(bytes, _held))
            return false;
        _held += bytes;
        return true;
    }
}
