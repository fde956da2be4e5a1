using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Llasta.Streaming;

namespace Llasta.ChatApi.Contract;

/// <summary>Reads a request's JSON, or says what is wrong with it.</summary>
public static partial class JsonBody
{
    /// <summary>The fewest bytes of an element of an array: <c>{},</c>.</summary>
    private const int LeastElement = 3;

    /// <summary>The longest name, number or string that is not a message's text, in bytes: a model's name in escapes is shorter.</summary>
    private const int MaxOther = 2048;

    /// <summary>
    /// White space beyond as many bytes as the rest has. A body is held until the turn's first token: with megabytes of nothing, a few turns
    /// that wait in the model's queue would hold the whole budget for bodies.
    /// </summary>
    private const int MaxWhiteSpace = 64 << 10;

    /// <summary>Reads and deserializes a request's body.</summary>
    /// <returns>The value, whose texts are parts of the body; or the problem to answer with.</returns>
    internal static async ValueTask<(T? Value, ChatProblem? Problem)> ReadAsync<T>(HttpContext http, RequestBody body, JsonTypeInfo<T> type, int maxBytes, int maxMessages) where T : class
    {
        if (!http.Request.HasJsonContentType())
            return (null, ChatProblem.InvalidRequest("Send the body as JSON, with Content-Type: application/json.", StatusCodes.Status415UnsupportedMediaType));
        if (await ReadAsync(body, maxBytes) is { } problem)
            return (null, problem);
        try
        {
            if (body.Bytes.Length > LeastElement * (long)maxMessages && Inspect(body.Bytes, maxMessages) is { } unfit)
                return (null, unfit);
            return Deserialize(body.Bytes, type) is { } value
                ? (value, null)
                : (null, ChatProblem.InvalidRequest("The body is null; send an object with messages."));
        }
        catch (JsonException e)
        {
            return (null, ChatProblem.InvalidRequest(Explain(e)));
        }
    }

    /// <summary>Reads a request's body without parsing it.</summary>
    /// <param name="body">The body, which holds its bytes afterwards.</param>
    /// <param name="maxBytes">The most bytes that are accepted.</param>
    /// <returns>Null, or the problem to answer with.</returns>
    public static async ValueTask<ChatProblem?> ReadAsync(RequestBody body, int maxBytes)
    {
        ArgumentNullException.ThrowIfNull(body);
        return await body.ReadAsync(maxBytes) switch
        {
            null => null,
            BodyRefusal.TooLarge => ChatProblem.TooLarge(maxBytes),
            BodyRefusal.NoMemory => ChatProblem.Busy("The limit for request bodies in memory (Chat:MaxBodyBytesInFlight) is reached. The page retries automatically."),
            BodyRefusal.TooSlow => ChatProblem.InvalidRequest("The request's body did not arrive in time; send it again over a faster connection.", StatusCodes.Status408RequestTimeout),
            BodyRefusal.Stopping => ChatProblem.ShuttingDown(),
            _ => ChatProblem.InvalidRequest("The request's body did not arrive whole, or its chunks are not valid HTTP; send it again."),
        };
    }

    private static T? Deserialize<T>(ReadOnlySequence<byte> bytes, JsonTypeInfo<T> type)
    {
        if (bytes.IsSingleSegment)
            return JsonSerializer.Deserialize(bytes.FirstSpan, type);
        var json = new Utf8JsonReader(bytes);
        var value = JsonSerializer.Deserialize(ref json, type);
        // Throws if something follows.
        json.Read();
        return value;
    }

    /// <summary>
    /// Looks through a body before anything is made of it that takes many times its bytes: an object for each empty message, or exceptions
    /// that quote a name of megabytes. Also refuses a body that would be held for its white space.
    /// </summary>
    /// <returns>The problem, or null if the body can be deserialized.</returns>
    private static ChatProblem? Inspect(ReadOnlySequence<byte> bytes, int maxMessages)
    {
        var json = new Utf8JsonReader(bytes);
        var (inArray, elements, isText) = (false, 0, false);
        var used = 0L;
        while (json.Read())
        {
            var length = json.HasValueSequence ? json.ValueSequence.Length : json.ValueSpan.Length;
            // With quotes, and a comma or a colon.
            used += length + 3;
            if (!(isText && json.TokenType == JsonTokenType.String) && length > MaxOther)
                return ChatProblem.InvalidRequest("The body has a name or a value that is too long for any that is documented.");
            isText = json.TokenType == JsonTokenType.PropertyName && (json.ValueIsEscaped || json.ValueTextEquals("content"u8) || json.ValueTextEquals("reasoning"u8));
            if (json.CurrentDepth == 1)
                inArray = json.TokenType == JsonTokenType.StartArray;
            else if (inArray && json.CurrentDepth == 2 && json.TokenType is not (JsonTokenType.EndObject or JsonTokenType.EndArray))
                elements++;
        }

        if (elements > maxMessages)
            return ChatRequestRules.TooManyMessages(elements, maxMessages);
        return bytes.Length > (2 * used) + MaxWhiteSpace ? ChatProblem.InvalidRequest("The body is mostly white space; send its JSON without it.") : null;
    }

    /// <summary>The part of a path that has plain and short names; a sender may call its members anything.</summary>
    private static string Plain(string? path)
    {
        var plain = path is null ? "" : PlainPath().Match(path).Groups[1].Value.TrimStart('.');
        return plain.Length > 100 ? plain[..100] : plain;
    }

    [GeneratedRegex(@"^\$((?:\.[A-Za-z_][A-Za-z0-9_]{0,39}|\[[0-9]{1,9}\])*)", RegexOptions.CultureInvariant)]
    private static partial Regex PlainPath();

    private static string Explain(JsonException e)
    {
        // The serializer's message names .NET types; the sender can act on the position.
        var where = Plain(e.Path) is { Length: > 0 } path ? $" at {path}" : "";
        return e.LineNumber is null
            ? $"The body has an unknown member or a value of the wrong type{where}."
            : $"The body is not the expected JSON{where} (line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}): check that it is valid UTF-8 JSON, that names are spelt as documented, and that each value has the right type.";
    }
}
