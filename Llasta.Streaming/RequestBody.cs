using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Llasta.Streaming;

/// <summary>Reads whole request bodies of a limited size.</summary>
public static class RequestBody
{
    /// <summary>Bodies over this many bytes are processed on the thread pool: parsing a megabyte would delay the streams that share a polling thread.</summary>
    private const int MaxInline = 32 << 10;

    /// <summary>Reads a request's body.</summary>
    /// <param name="http">The request.</param>
    /// <param name="maxBytes">The most bytes that are accepted.</param>
    /// <returns>The bytes, or the reason why there are none; its status is 413 for a body over <paramref name="maxBytes"/>.</returns>
    /// <exception cref="OperationCanceledException">The client closed the connection.</exception>
    public static async ValueTask<(ReadOnlyMemory<byte> Bytes, BadHttpRequestException? Error)> ReadAsync(HttpContext http, int maxBytes)
    {
        ArgumentNullException.ThrowIfNull(http);
        if (http.Request.ContentLength > maxBytes)
            return (default, new BadHttpRequestException("The request's body is too large.", StatusCodes.Status413PayloadTooLarge));
        // A chunked body has no Content-Length: Kestrel throws when it exceeds the limit.
        http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = maxBytes;
        try
        {
            // The buffer grows with what arrives, not with what Content-Length announces.
            var body = new MemoryStream((int)Math.Min(http.Request.ContentLength ?? 0, MaxInline));
            await http.Request.Body.CopyToAsync(body, http.RequestAborted);
            if (body.Length > MaxInline)
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            return (body.GetBuffer().AsMemory(0, (int)body.Length), null);
        }
        catch (BadHttpRequestException e)
        {
            return (default, e);
        }
    }
}
