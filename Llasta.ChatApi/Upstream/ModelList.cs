using System.Text.Json;
using System.Text.RegularExpressions;
using Llasta.ChatApi.Contract;

namespace Llasta.ChatApi.Upstream;

/// <summary>Reads the answer of <c>GET /v1/models</c>, in the forms that servers give it.</summary>
internal static partial class ModelList
{
    /// <summary>The most entries that are read; routers list hundreds.</summary>
    private const int MaxEntries = 10_000;

    /// <summary>Finds the models in the list.</summary>
    /// <param name="body">The body; a list that is too long may be cut off.</param>
    /// <returns>The models in the server's order; empty if the body is a list without any.</returns>
    /// <exception cref="JsonException">The body is not a list of models.</exception>
    public static IReadOnlyList<ModelInfo> Read(ReadOnlySpan<byte> body)
    {
        if (body.StartsWith("\uFEFF"u8))
            body = body["\uFEFF"u8.Length..];
        var json = new Utf8JsonReader(body, isFinalBlock: false, state: default);
        return json.Read() && Find(ref json) is { } models ? models : throw new JsonException("There is no list of models with names.");
    }

    /// <summary>The models that can chat, in the server's order; embedding models and the like can't. If none seems to, the first one: its name may mislead.</summary>
    public static IReadOnlyList<ModelInfo> ThatChat(IReadOnlyList<ModelInfo> models)
    {
        var chatting = models.Where(model => model.Chats).DistinctBy(model => model.Name).ToArray();
        return chatting.Length > 0 ? chatting : [.. models.Take(1)];
    }

    /// <summary>
    /// Reads the root itself, or its member <c>data</c>, or if there is nothing in that its member <c>models</c>. llama.cpp sends both, and
    /// says only in <c>data</c> what it is.
    /// </summary>
    /// <returns>Null if there is no list.</returns>
    private static List<ModelInfo>? Find(ref Utf8JsonReader json)
    {
        if (json.TokenType == JsonTokenType.StartArray)
            return ReadArray(ref json);
        if (json.TokenType != JsonTokenType.StartObject)
            return null;
        List<ModelInfo>? models = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            // ValueTextEquals throws for half of a surrogate pair.
            var isData = json.ValueSpan.SequenceEqual("data"u8);
            var isList = isData || json.ValueSpan.SequenceEqual("models"u8);
            if (!json.Read())
                break;
            if (isList && json.TokenType == JsonTokenType.StartArray)
            {
                var found = ReadArray(ref json);
                if (isData && found is { Count: > 0 })
                    return found;
                models = models is { Count: > 0 } ? models : found;
            }
            else if (!json.TrySkip())
            {
                break;
            }
        }

        return models;
    }

    /// <returns>Null if there are entries, but none has a name.</returns>
    private static List<ModelInfo>? ReadArray(ref Utf8JsonReader json)
    {
        var models = new List<ModelInfo>();
        var entries = 0;
        var ended = false;
        while (entries < MaxEntries && json.Read() && !(ended = json.TokenType == JsonTokenType.EndArray))
        {
            entries++;
            // An entry that is cut off ends the list.
            if (!JsonDocument.TryParseValue(ref json, out var entry))
                break;
            using (entry)
            {
                if (ReadEntry(entry.RootElement) is { } model)
                    models.Add(model);
            }
        }

        return models.Count > 0 || (ended && entries == 0) ? models : null;
    }

    private static ModelInfo? ReadEntry(JsonElement entry)
    {
        if (entry.ValueKind == JsonValueKind.String)
            return Named(ServerText.StringOf(entry), entry);
        if (entry.ValueKind != JsonValueKind.Object)
            return null;
        return Named(Text(entry, "id") ?? Text(entry, "name") ?? Text(entry, "model"), entry);
    }

    private static ModelInfo? Named(string? name, JsonElement entry)
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > ChatRequestRules.MaxModelName)
            return null;
        if (entry.ValueKind != JsonValueKind.Object)
            return new ModelInfo(name, ContextWindow: null, Kind: ServerKind.Auto, Chats: !NoChat().IsMatch(name));
        var owner = Text(entry, "owned_by");
        var isLlamaCpp = owner == "llamacpp" || (ServerText.MemberOf(entry, "meta") is { } meta && ServerText.MemberOf(meta, "n_vocab") is not null);
        return new ModelInfo(
            name,
            Window(entry),
            owner switch
            {
                _ when isLlamaCpp => ServerKind.LlamaCpp,
                "vllm" or ModelInfo.SimulatorOwner => ServerKind.Vllm,
                // Ollama's list has no other mark: https://github.com/ollama/ollama/blob/main/docs/openai.md
                "library" => ServerKind.Ollama,
                _ => ServerKind.Auto,
            },
            Chats: SaysThatItChats(entry) ?? !NoChat().IsMatch(name),
            Simulated: owner == ModelInfo.SimulatorOwner,
            Status: StatusOf(entry));
    }

    /// <summary>What the server says of the model's use, which counts for more than its name.</summary>
    /// <returns>Null if it says nothing.</returns>
    private static bool? SaysThatItChats(JsonElement entry)
    {
        // Mistral and Azure.
        if (ServerText.MemberOf(entry, "capabilities") is { } can && (ServerText.MemberOf(can, "completion_chat") ?? ServerText.MemberOf(can, "chat_completion")) is { ValueKind: JsonValueKind.True or JsonValueKind.False } chats)
            return chats.GetBoolean();
        // OpenRouter.
        if (ServerText.MemberOf(entry, "architecture") is { } architecture && Texts(architecture, "output_modalities") is { Length: > 0 } modalities && !modalities.Contains("text"))
            return false;
        // llama.cpp and Ollama.
        if (Texts(entry, "capabilities") is { Length: > 0 } capabilities && capabilities.Any(NoChat().IsMatch))
            return capabilities.Any(Chat().IsMatch);
        foreach (var name in (string[])["type", "model_type", "task", "mode", "object"])
        {
            if (Text(entry, name) is not { } use)
                continue;
            // "image-text-to-text" is a chat about images.
            if (use.Contains("text-to-text", StringComparison.OrdinalIgnoreCase))
                return true;
            if (NoChat().IsMatch(use))
                return false;
            if (Chat().IsMatch(use))
                return true;
        }

        return null;
    }

    private static string[] Texts(JsonElement element, string name) => ServerText.MemberOf(element, name) is { ValueKind: JsonValueKind.Array } array
        ? [.. array.EnumerateArray().Select(ServerText.StringOf).OfType<string>()]
        : [];

    /// <summary>vLLM's <c>max_model_len</c>, llama.cpp's <c>meta.n_ctx</c>, and the names that others use.</summary>
    private static int? Window(JsonElement entry) =>
        Positive(entry, "max_model_len")
        ?? (ServerText.MemberOf(entry, "meta") is { } meta ? Positive(meta, "n_ctx") ?? Positive(meta, "n_ctx_train") : null)
        ?? Positive(entry, "context_length") ?? Positive(entry, "context_window") ?? Positive(entry, "max_context_length");

    /// <summary>llama.cpp's router: <c>status.value</c> is <c>unloaded</c>, <c>loading</c> or <c>loaded</c>.</summary>
    private static string? StatusOf(JsonElement entry) => ServerText.MemberOf(entry, "status") is { } status
        ? status.ValueKind == JsonValueKind.Object ? Text(status, "value") : ServerText.StringOf(status)
        : Text(entry, "state");

    private static int? Positive(JsonElement entry, string name) =>
        ServerText.MemberOf(entry, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var number) && number > 0 ? number : null;

    private static string? Text(JsonElement entry, string name) => ServerText.MemberOf(entry, name) is { } value ? ServerText.StringOf(value) : null;

    /// <summary>Types of models that answer chats.</summary>
    [GeneratedRegex("chat|llm|vlm|language|completion|generat|conversation", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Chat();

    /// <summary>Names and types of models that answer no chat.</summary>
    [GeneratedRegex(@"embed|rerank|\bbge-|\bgte-|\be5-|minilm|whisper|transcri|\btts\b|text-to-speech|speech|moderation|guard\b|dall-e|diffusion|\bsdxl\b|\bsora\b|video.?gen|\bclip\b|image|\bflux\b|classif|feature.?extraction|similarity|\basr\b|colbert|splade", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex NoChat();
}
