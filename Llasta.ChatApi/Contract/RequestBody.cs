using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Features;

namespace Llasta.ChatApi.Contract;

/// <summary>Reads a request's JSON, or says what is wrong with it.</summary>
internal static class RequestBody
{
    /// <summary>Bodies over this many bytes are worked on by the thread pool: a megabyte of JSON must not hold up the streams that share a polling thread.</summary>
    private const int MaxInline = 32 << 10;

    /// <returns>The value, or the problem to answer with.</returns>
    internal static async ValueTask<(T? Value, ChatProblem? Problem)> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type, int maxBytes) where T : class
    {
        if (!http.Request.HasJsonContentType())
            return (null, ChatProblem.InvalidRequest("Send the body as JSON, with Content-Type: application/json.", StatusCodes.Status415UnsupportedMediaType));
        var (bytes, problem) = await ReadAsync(http, maxBytes);
        if (problem is not null)
            return (null, problem);
        try
        {
            return JsonSerializer.Deserialize(bytes.Span, type) is { } value
                ? (value, null)
                : (null, ChatProblem.InvalidRequest("The body is null; send an object with messages."));
        }
        catch (JsonException e)
        {
            return (null, ChatProblem.InvalidRequest(Explain(e)));
        }
    }

    /// <summary>Reads a body as it is.</summary>
    /// <returns>The bytes, or the problem to answer with.</returns>
    internal static async ValueTask<(ReadOnlyMemory<byte> Bytes, ChatProblem? Problem)> ReadAsync(HttpContext http, int maxBytes)
    {
        if (http.Request.ContentLength > maxBytes)
            return (default, ChatProblem.TooLarge(maxBytes));
        // For a body that comes in chunks and doesn't tell its length: reading beyond the limit throws.
        http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = maxBytes;
        try
        {
            // It grows with what comes, not with what was announced.
            var body = new MemoryStream((int)Math.Min(http.Request.ContentLength ?? 0, MaxInline));
            await http.Request.Body.CopyToAsync(body, http.RequestAborted);
            if (body.Length > MaxInline)
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            return (body.GetBuffer().AsMemory(0, (int)body.Length), null);
        }
        catch (BadHttpRequestException e)
        {
            return (default, Explain(e, maxBytes));
        }
    }

    private static ChatProblem Explain(BadHttpRequestException e, int maxBytes) => e.StatusCode == StatusCodes.Status413PayloadTooLarge
        ? ChatProblem.TooLarge(maxBytes)
        : ChatProblem.InvalidRequest(e.Message, e.StatusCode);

    private static string Explain(JsonException e)
    {
        // The serializer's text names .NET types; what the sender can act on is where it went wrong.
        var where = e.Path is null or "$" ? "" : $" at {e.Path.TrimStart('$', '.')}";
        return e.LineNumber is null
            ? $"The body has a member that is not known or not of the right type{where}."
            : $"The body is not the JSON that is expected{where} (line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}): check that it is valid UTF-8 JSON, that names are spelt as documented, and that each value has the right type.";
    }
}
