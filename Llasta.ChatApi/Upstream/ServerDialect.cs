using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace Llasta.ChatApi.Upstream;

/// <summary>
/// What the model's server accepts: known from its kind, or learnt from the fields that it refuses. The process keeps what it has learnt until
/// it ends, or the list of models shows another kind of server.
/// </summary>
internal sealed partial class ServerDialect(IOptions<ChatOptions> options, TimeProvider time, ILogger<ServerDialect> log)
{
    /// <summary>Sent until a server that is not known refuses them. vLLM's, because most servers ignore unknown fields.</summary>
    private const OptionalFields Unknown =
        OptionalFields.TopK | OptionalFields.MinP | OptionalFields.ChatTemplateKwargs | OptionalFields.ContinueFinalMessage
        | OptionalFields.StreamOptions | OptionalFields.MessageReasoning | OptionalFields.MaxTokens;

    /// <summary>The names under which an error may mention a field.</summary>
    private static readonly (OptionalFields Field, string[] Names)[] FieldNames =
    [
        (OptionalFields.TopK, ["top_k"]),
        (OptionalFields.MinP, ["min_p"]),
        (OptionalFields.ChatTemplateKwargs, ["chat_template_kwargs", "enable_thinking"]),
        (OptionalFields.ContinueFinalMessage, ["continue_final_message", "add_generation_prompt"]),
        (OptionalFields.ReasoningEffort, ["reasoning_effort"]),
        (OptionalFields.ThinkingTokenBudget, ["thinking_token_budget"]),
        (OptionalFields.ThinkingBudgetTokens, ["thinking_budget_tokens"]),
        (OptionalFields.StreamOptions, ["stream_options", "include_usage"]),
        (OptionalFields.MessageReasoning, ["reasoning_content", "reasoning"]),
        (OptionalFields.MaxTokens, ["max_tokens"]),
    ];

    /// <summary>A reader can make a model begin a continuation as if it were a new answer, so that is believed only for a while.</summary>
    internal static readonly TimeSpan NoContinuationFor = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private volatile OptionalFields _refused;
    private volatile OptionalFields _accepted;
    private volatile ServerKind _detected;
    private long? _cannotContinueSince;
    private volatile bool _hasContinued;
    private volatile bool _separatesReasoning;
    private volatile bool _tagsReasoning;
    private volatile bool _echoesIds;

    /// <summary>The configured kind, or the one that was detected; <see cref="ServerKind.Auto"/> while neither is known.</summary>
    public ServerKind Kind => options.Value.Server == ServerKind.Auto ? _detected : options.Value.Server;

    /// <summary>The optional fields that a request may have.</summary>
    public OptionalFields Fields => ~_refused & Kind switch
    {
        ServerKind.Vllm => Unknown | OptionalFields.ThinkingTokenBudget,
        ServerKind.LlamaCpp => Unknown | OptionalFields.ThinkingBudgetTokens,
        ServerKind.Ollama => OptionalFields.ReasoningEffort | OptionalFields.StreamOptions | OptionalFields.MessageReasoning | OptionalFields.MaxTokens,
        ServerKind.OpenAI => OptionalFields.StreamOptions | OptionalFields.MaxTokens,
        _ => Unknown,
    };

    /// <summary>The server continues a partial answer that is the last message.</summary>
    public bool Continues
    {
        get
        {
            // Without the field the partial answer would be one more message.
            if (Kind == ServerKind.OpenAI || _refused.HasFlag(OptionalFields.ContinueFinalMessage))
                return false;
            lock (_lock)
                return _cannotContinueSince is not { } since || time.GetElapsedTime(since) >= NoContinuationFor;
        }
    }

    /// <summary>
    /// The server is known to render the last message as it is, open-ended. It also continues inside a thought, and a continuation of an answer
    /// that it labels as thinking is the answer's text.
    /// </summary>
    public bool ContinuesForCertain => Continues && TakesAll;

    /// <summary>The server has sent thinking in a field of its own, so its text contains none.</summary>
    public bool SeparatesReasoning => _separatesReasoning;

    /// <summary>It is known how the server sends thinking: in a field of its own, or between tags in the text.</summary>
    public bool ShowedReasoning => _separatesReasoning || _tagsReasoning;

    /// <summary>The server has named its response after the request's id.</summary>
    public bool EchoesIds => _echoesIds;

    /// <summary>Remembers what the server says of itself.</summary>
    public void Detected(ServerKind kind)
    {
        if (kind == ServerKind.Auto || kind == _detected)
            return;
        lock (_lock)
        {
            if (_detected != ServerKind.Auto)
            {
                // Another server has taken the address.
                (_refused, _accepted, _cannotContinueSince) = (OptionalFields.None, OptionalFields.None, null);
                _hasContinued = _separatesReasoning = _tagsReasoning = _echoesIds = false;
            }

            _detected = kind;
        }
    }

    /// <summary>Remembers that the server took a request with these fields.</summary>
    public void Accepted(OptionalFields fields)
    {
        if ((_accepted & fields) != fields)
            _accepted |= fields;
    }

    /// <summary>Remembers that thinking came in a field of its own.</summary>
    public void SawReasoningField() => _separatesReasoning = true;

    /// <summary>Remembers that thinking came between tags in the text.</summary>
    public void SawReasoningTags() => _tagsReasoning = true;

    /// <summary>Remembers that the response was named after the request's id.</summary>
    public void SawEchoedId() => _echoesIds = true;

    /// <summary>Remembers that the server has sent a continuation.</summary>
    public void HasContinued()
    {
        if (_hasContinued)
            return;
        lock (_lock)
            (_hasContinued, _cannotContinueSince) = (true, null);
    }

    /// <summary>
    /// Remembers that the server began a new answer, or refused, instead of continuing one; unless it is known to continue: then that was
    /// about this one conversation.
    /// </summary>
    public void CannotContinue()
    {
        if (IsKnownToContinue || !Continues)
            return;
        lock (_lock)
            _cannotContinueSince = time.GetTimestamp();
        LogCannotContinue(log);
    }

    private bool IsKnownToContinue => _hasContinued || TakesAll;

    /// <summary>vLLM and llama.cpp take all the fields that are sent to them, and continue.</summary>
    private bool TakesAll => Kind is ServerKind.Vllm or ServerKind.LlamaCpp;

    /// <summary>
    /// Tells whether an error with another status than a refusal's is about a field that the server doesn't know; some fail with 500 over one.
    /// Its words must say more than those of a refusal, which is about the request anyway.
    /// </summary>
    public static bool IsAboutAField(string error) => UnknownArgument().IsMatch(error);

    /// <summary>Tells which optional fields a refusal names.</summary>
    /// <param name="sent">The optional fields of the request.</param>
    /// <param name="chosen">Those whose value the reader or the operator chose: a complaint about their value is passed on.</param>
    /// <param name="error">The text of the error.</param>
    public static OptionalFields Named(OptionalFields sent, OptionalFields chosen, string error)
    {
        var unknownField = UnknownField().IsMatch(error);
        var named = OptionalFields.None;
        foreach (var (field, names) in FieldNames)
        {
            if (sent.HasFlag(field) && (unknownField || !chosen.HasFlag(field)) && Array.Exists(names, name => Mentions(error, name)))
                named |= field;
        }

        return named;
    }

    /// <summary>Tells which optional fields a refusal that names none may be about: all that this server has never taken.</summary>
    /// <param name="sent">The optional fields of the request.</param>
    /// <returns>None for vLLM and llama.cpp, which take them all.</returns>
    public OptionalFields Untried(OptionalFields sent) => TakesAll ? OptionalFields.None : sent & ~_accepted;

    /// <summary>Remembers that the server took a request only without these fields.</summary>
    public void Refused(OptionalFields fields)
    {
        if (IsKnownToContinue)
            fields &= ~OptionalFields.ContinueFinalMessage;
        lock (_lock)
        {
            if ((fields & ~_refused) == OptionalFields.None)
                return;
            _refused |= fields;
        }

        LogRefused(log, fields);
    }

    /// <summary>A whole word, not the beginning of a longer name.</summary>
    private static bool Mentions(string error, string name)
    {
        for (var at = error.IndexOf(name, StringComparison.OrdinalIgnoreCase); at >= 0; at = error.IndexOf(name, at + 1, StringComparison.OrdinalIgnoreCase))
        {
            var end = at + name.Length;
            if ((at == 0 || !IsNamePart(error[at - 1])) && (end == error.Length || !IsNamePart(error[end])))
                return true;
        }

        return false;

        static bool IsNamePart(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';
    }

    [GeneratedRegex(@"(?:unrecogni[sz]ed|unknown|unexpected|unsupported|extra) (?:keyword |request )?(?:argument|field|input|key|name|parameter|property)", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex UnknownArgument();

    [GeneratedRegex(@"unrecogni[sz]ed|unknown|unexpected|unsupported|not (?:supported|permitted|allowed|recogni[sz]ed|implemented|a valid)|doesn't support|does not support|cannot find|extra (?:inputs?|fields?|keys?)|extra_forbidden|additional propert|no such", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex UnknownField();

    [LoggerMessage(Level = LogLevel.Warning, Message = "The model's server refuses {Fields}: requests are sent without from now on. Chat:Server chooses a kind of server from the start")]
    private static partial void LogRefused(ILogger logger, OptionalFields fields);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The model's server does not continue partial answers: for ten minutes, answers that are cut are generated again from the start")]
    private static partial void LogCannotContinue(ILogger logger);
}
