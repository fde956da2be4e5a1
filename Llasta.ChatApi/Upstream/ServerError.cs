using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Llasta.ChatApi.Upstream;

/// <summary>An error as a model's server or a proxy in front of it sends it, whatever its form.</summary>
/// <param name="Message">The server's own words, not cleaned yet; null if it has none.</param>
/// <param name="Status">The status that the body names, as a number or by the name of a kind; null if it names none.</param>
/// <param name="IsContextOverflow">The conversation is longer than the context window.</param>
/// <param name="PromptTokens">With an overflow: the prompt's length, if the server gave it.</param>
/// <param name="ContextWindow">With an overflow: the window, if the server gave it.</param>
/// <param name="IsJson">The body is JSON.</param>
/// <param name="IsHtml">The body is an HTML page, which no model's server sends.</param>
internal sealed partial record ServerError(string? Message, int? Status, bool IsContextOverflow = false, int? PromptTokens = null, int? ContextWindow = null, bool IsJson = false, bool IsHtml = false)
{
    /// <summary>The members under which servers put the message, in order of preference; behind them, any whose name says so (<see cref="IsName"/>).</summary>
    private static readonly string[] MessageNames = ["message", "detail", "msg", "error", "error_message", "errorMessage", "reason", "title"];

    /// <summary>The most parts of a path that are read: FastAPI's have about four, a hostile one hundreds of thousands.</summary>
    private const int MaxPath = 16;

    /// <summary>The longest name of a member that is looked at.</summary>
    private const int MaxName = 64;

    /// <summary>The server is in trouble, not the request: the same request may succeed later.</summary>
    public bool IsServerTrouble => Status is null or >= 500 or 408 or 429;

    /// <summary>The server says that it is loading the model.</summary>
    public bool IsLoading => Loading().IsMatch(Beginning) && !Failed().IsMatch(Beginning);

    /// <summary>The server says that it has too much to do.</summary>
    public bool IsBusy => Busy().IsMatch(Beginning);

    /// <summary>The message is about a model.</summary>
    public bool IsAboutModel => Beginning.Contains("model", StringComparison.OrdinalIgnoreCase);

    /// <summary>The message is what web frameworks say of an unknown path.</summary>
    public bool IsUnknownPath => UnknownPath().IsMatch(Beginning) && !IsAboutModel;

    /// <summary>The part of the message in which words are looked for; empty without a message.</summary>
    public string Beginning => ServerText.Beginning(Message ?? "");

    /// <summary>Reads an error from a body, from the data of an event, or from a line of a stream.</summary>
    public static ServerError Read(ReadOnlySpan<byte> body)
    {
        var text = Unwrap(ServerText.Decode(body).Trim());
        if (text.StartsWith('<'))
            return new ServerError(ServerText.FromHtml(text), Status: null, IsHtml: true);
        if (text.StartsWith('{') || text.StartsWith('[') || text.StartsWith('"'))
        {
            try
            {
                using var json = JsonDocument.Parse(text);
                return Read(json.RootElement);
            }
            catch (JsonException)
            {
                // Cut off, or not JSON after all: the text is shown as it is.
            }
        }

        return Classify(text.Length == 0 ? null : text, status: null, param: null, kind: null, promptTokens: null, window: null, isJson: false);
    }

    /// <summary>Whether a member of this name has an error, or tells about one.</summary>
    /// <param name="name">The name in UTF-8, with its escapes.</param>
    public static bool IsName(ReadOnlySpan<byte> name) => name.Length <= MaxName && Name().IsMatch(ServerText.Decode(name));

    /// <summary>Takes the data out of an error that was sent as an event with an error's status.</summary>
    private static string Unwrap(string text)
    {
        if (!text.StartsWith("data:", StringComparison.Ordinal) && !text.StartsWith("event:", StringComparison.Ordinal))
            return text;
        var data = text.Split('\n').FirstOrDefault(line => line.StartsWith("data:", StringComparison.Ordinal));
        return data?["data:".Length..].Trim() ?? text;
    }

    private static ServerError Read(JsonElement root)
    {
        // {"error":{…}} of OpenAI and vLLM, {"error":"…"} of Ollama, flat ones of vLLM up to 0.10, FastAPI's {"detail":…}, {"code","msg"}, …
        var list = First(root);
        if (list is { } first && ServerText.MemberOf(first, "error") is not null)
            root = first;
        var error = Object(ServerText.MemberOf(root, "error"))
            ?? Object(First(ServerText.MemberOf(root, "errors")))
            ?? Object(First(ServerText.MemberOf(root, "choices")) is { } choice ? ServerText.MemberOf(choice, "error") : null)
            ?? root;
        var kind = string.Join(' ', new[] { Text(error, "type"), Text(error, "code"), Text(error, "status") }.Where(name => name is not null));
        var status = StatusIn(error, "code") ?? StatusIn(error, "status") ?? StatusIn(error, "status_code") ?? StatusIn(root, "code") ?? StatusIn(root, "status") ?? StatusOfKind(kind);
        var message = MessageOf(error, 0) ?? MessageOf(root, 0);
        // OpenRouter passes the provider's own error on.
        if (ServerText.MemberOf(error, "metadata") is { } metadata && ServerText.MemberOf(metadata, "raw") is { } raw && MessageOf(raw, 0) is { } words)
            message = message is null ? words : $"{message}: {words}";
        return Classify(message, status, Text(error, "param"), kind, Number(error, "n_prompt_tokens"), Number(error, "n_ctx"), isJson: true);
    }

    private static ServerError Classify(string? message, int? status, string? param, string? kind, int? promptTokens, int? window, bool isJson)
    {
        var beginning = ServerText.Beginning(message ?? "");
        // FastAPI repeats the request, and with it the words of the conversation.
        if (Echo().Match(beginning) is { Success: true } echo)
            beginning = beginning[..echo.Index];
        // "max_tokens is too large" also names the window, but a shorter conversation would not help.
        var aboutOutput = param is "max_tokens" or "max_completion_tokens" || OutputTooLong().IsMatch(beginning);
        // When the prompt fills the window to the last token, vLLM says that there is no room for output.
        var overflow = NoRoom().IsMatch(beginning)
            || (!aboutOutput && (param is "input_tokens" or "input_text"
                || (kind is not null && OverflowKind().IsMatch(kind))
                || Overflow().IsMatch(beginning)
                || SaysTooLong(beginning)));
        return new ServerError(message, status, overflow,
            overflow ? promptTokens ?? Number(beginning, Prompt()) : null,
            overflow ? window ?? Number(beginning, Window()) : null,
            isJson);
    }

    /// <summary>A prompt, its length in tokens, and a limit that it exceeds: in any order and in nearly any words, but not another limit.</summary>
    private static bool SaysTooLong(string words) =>
        (ChineseOverflow().IsMatch(words) || (About().IsMatch(words) && Length().IsMatch(words) && Exceeds().IsMatch(words) && Limit().IsMatch(words)))
        && !OtherLimit().IsMatch(words)
        // The limit of another part counts only together with the prompt's.
        && (!OtherPart().IsMatch(words) || words.Contains('+') || words.Contains("context", StringComparison.OrdinalIgnoreCase));

    private static JsonElement? Object(JsonElement? element) => element is { ValueKind: JsonValueKind.Object } ? element : null;

    private static JsonElement? First(JsonElement? element) => element is { ValueKind: JsonValueKind.Array } array && array.GetArrayLength() > 0 ? array[0] : null;

    private static string? MessageOf(JsonElement element, int depth)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                return ServerText.StringOf(element) is { Length: > 0 } text ? MessageIn(text, depth) : null;
            case JsonValueKind.Array when depth < 4:
                // FastAPI: [{"loc":["body","top_k"],"msg":"Extra inputs are not permitted"}, …]
                var items = element.EnumerateArray().Take(4).Select(item => MessageOf(item, depth + 1)).Where(item => item is not null).ToList();
                return items.Count == 0 ? null : string.Join("; ", items);
            case JsonValueKind.Object when depth < 4:
                foreach (var name in MessageNames)
                {
                    if (ServerText.MemberOf(element, name) is { } value && MessageOf(value, depth + 1) is { } message)
                        return ServerText.MemberOf(element, "loc") is { ValueKind: JsonValueKind.Array } location ? $"{Path(location)}: {message}" : message;
                }

                // Names in another case, error_msg, faultstring, …
                foreach (var member in element.EnumerateObject())
                {
                    var name = JsonMarshal.GetRawUtf8PropertyName(member);
                    if (IsName(name) && !IsCode(name) && MessageOf(member.Value, depth + 1) is { } message)
                        return message;
                }

                return Text(element, "status");
            default:
                return null;
        }
    }

    /// <summary>A server behind the server may have written the message as JSON.</summary>
    private static string MessageIn(string text, int depth)
    {
        if (depth >= 4 || !text.TrimStart().StartsWith('{'))
            return text;
        try
        {
            using var json = JsonDocument.Parse(text);
            return MessageOf(json.RootElement, depth + 1) ?? text;
        }
        catch (JsonException)
        {
            return text;
        }
    }

    private static bool IsCode(ReadOnlySpan<byte> name) => name.EndsWith("code"u8) || name.EndsWith("Code"u8) || name.EndsWith("type"u8) || name.EndsWith("Type"u8);

    private static string Path(JsonElement location) => string.Join('.', location.EnumerateArray().Take(MaxPath).Select(part => part.ValueKind == JsonValueKind.String ? ServerText.StringOf(part) : part.GetRawText()));

    private static string? Text(JsonElement error, string name) =>
        ServerText.MemberOf(error, name) is { } value ? ServerText.StringOf(value) : null;

    private static int? Number(JsonElement error, string name) =>
        ServerText.MemberOf(error, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var number) ? number : null;

    /// <summary>A status as a number or as text.</summary>
    private static int? StatusIn(JsonElement error, string name) =>
        (Number(error, name) ?? (int.TryParse(Text(error, name), NumberStyles.None, CultureInfo.InvariantCulture, out var text) ? text : null)) is >= 400 and <= 599 and var status ? status : null;

    /// <summary>The status that a kind of error has where the body names only the kind.</summary>
    private static int? StatusOfKind(string kind) => kind.Length == 0 ? null
        : ServerKindOfError().IsMatch(kind) ? 500
        : RateLimit().IsMatch(kind) ? 429
        : NotFound().IsMatch(kind) ? 404
        : Authentication().IsMatch(kind) ? 401
        : RequestKindOfError().IsMatch(kind) ? 400
        : null;

    private static int? Number(string message, Regex pattern) =>
        pattern.Match(message) is { Success: true } match
            && match.Groups.Values.Skip(1).FirstOrDefault(group => group.Success) is { } group
            && int.TryParse(group.ValueSpan, NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out var number) ? number : null;

    [GeneratedRegex("error|exception|(?<!de)fault|^(?:message|msg|detail)$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Name();

    [GeneratedRegex("server|internal|unavailable|overload|timeout|engine|bad_gateway", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex ServerKindOfError();

    [GeneratedRegex("rate.?limit|too.?many|quota", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex RateLimit();

    [GeneratedRegex("not.?found", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex NotFound();

    [GeneratedRegex("auth|permission|api.?key|(?<!extra_)forbidden", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Authentication();

    [GeneratedRegex("invalid|bad.?request|unprocessable|context|parse|validation|unsupported|content.?(?:filter|policy)", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex RequestKindOfError();

    [GeneratedRegex(@"\b(?:(?:down)?loading|pulling|starting|booting|waking up|warming up|initiali[sz]ing|being (?:(?:down)?loaded|prepared)|not (?:yet )?(?:loaded|ready))\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Loading();

    [GeneratedRegex(@"failed|(?:error|fail\w*|unable|cannot|could not)\b.{0,20}\b(?:load|start|initiali|pull)", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Failed();

    [GeneratedRegex(@"^\W*(?:404\W*)?not found\W*$|\b(?:page|path|file|route|resource|url|endpoint)\b.{0,80}?\bnot found|no (?:static resource|route)\b|invalid url|unknown request url|unexpected endpoint|\b(?:GET|POST)[ :]+/", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex UnknownPath();

    [GeneratedRegex(@"\b(?:busy|overloaded|at capacity|too many|queue is full|no (?:free )?slots?|rate.?limit|cannot accept new requests)\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Busy();

    // vLLM: "This model's maximum context length is N tokens. However, you requested K tokens (M in the messages, …" or "… your prompt contains
    // at least M input tokens …"; llama.cpp: "the request exceeds the available context size"; LM Studio: "context length of only N tokens,
    // which is not enough", "context the overflows"; TGI: "`inputs` tokens + `max_new_tokens` must be <= N"; others: "prompt is too long".
    [GeneratedRegex(@"maximum (?:context|sequence|model) length|context (?:length|size|window|limit)s?\b.{0,80}?(?:exceed|overflow|too (?:long|large|small)|not enough|greater|larger|longer|is \d|of only \d)|(?:exceed|overflow|larger than|longer than|greater than|beyond|too (?:long|large) for).{0,80}?\bcontext\b|context the overflows|context overflow|(?:prompt|input|conversation|messages?)\b.{0,40}?\btoo (?:long|large|many tokens)|input tokens exceed|inputs. tokens \+|context.?window.?exceeded", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex Overflow();

    [GeneratedRegex("context_(?:length|size|window)|prompt_too_long", RegexOptions.CultureInvariant)]
    private static partial Regex OverflowKind();

    [GeneratedRegex(@"\b(?:prompt|inputs?|sequence|conversation|messages?|context)\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex About();

    [GeneratedRegex(@"\btokens?\b|length|_len\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Length();

    [GeneratedRegex(@"exceed|too (?:long|large|many)|(?:longer|larger|greater|more|less|fewer) than|at most|maximum|\brange\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Exceeds();

    [GeneratedRegex(@"\d{3}|limit|maximum|allowed", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Limit();

    [GeneratedRegex("(?:上下文|输入|prompt).{0,40}?(?:超[出过长]|[过太]长)|(?:超[出过长]|[过太]长).{0,40}?(?:上下文|长度|窗口)", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex ChineseOverflow();

    /// <summary>A limit of requests or of money.</summary>
    [GeneratedRegex(@"per (?:sec|min|hour|day|month)|daily|monthly|\b[TR]PM\b|rate.?limit|quota|credit|allowance|billing|\bplan\b|频率|并发|每分钟|额度|套餐|有效期", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex OtherLimit();

    [GeneratedRegex(@"\bmax_(?!input|prompt|seq|model)\w*tokens\b|max(?:imum)? (?:number of )?output|_budget\b|\bstop\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex OtherPart();

    [GeneratedRegex(@"['""]input['""]\s*:", RegexOptions.CultureInvariant)]
    private static partial Regex Echo();

    [GeneratedRegex(@"max_tokens must be at least 1, got (?:0|-\d)", RegexOptions.CultureInvariant)]
    private static partial Regex NoRoom();

    [GeneratedRegex(@"max(?:_completion|_new)?_tokens\b.{0,40}?(?:is too large|too large|cannot be greater|must be (?:less|at most))", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex OutputTooLong();

    [GeneratedRegex(@"maximum (?:context|sequence|model|prompt) length (?:is|of) ([\d,]+)|context (?:length|size|window|limit)s?(?:(?! by )\D){0,30}?([\d,]+)(?![\d,]| \+)", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Window();

    [GeneratedRegex(@"(?<![\d,])([\d,]{1,14}) (?:input tokens|in the messages|prompt tokens)|(?:requested|prompt contains at least|prompt has|request contains|resulted in|(?:request|input) \() ?([\d,]+) tokens", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Prompt();
}
