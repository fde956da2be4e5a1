using System.Text;

namespace Llasta.ModelSim.Protocol;

/// <summary>Collects a completion and writes it as one JSON document.</summary>
internal sealed class WholeCompletion(HttpResponse response, CompletionHead head) : CompletionWriter(response, head)
{
    private readonly StringBuilder _thinking = new();
    private readonly StringBuilder _answer = new();
    private (string Reason, string? StopText) _finish;
    private (int Status, string Json)? _document;

    public override void Delta(ReadOnlySpan<char> text, bool thinking, Usage usage) =>
        (thinking && Head.Options.HasReasoningParser ? _thinking : _answer).Append(text);

    public override void Finish(ReadOnlySpan<char> text, ReadOnlySpan<char> half, bool thinking, string reason, string? stopText, Usage usage)
    {
        Delta(text, thinking, usage);
        _finish = (reason, stopText);
    }

    public override void End(Usage usage, RequestTimes times) => _document = (200, Head.Options.FrontEnd == FrontEnd.Python ? Python(usage, times) : Rust(usage));

    public override void Fail(VllmError error) => _document = (error.Status, error.ToJson(Head.Options.FrontEnd));

    // Until the end a flush would send the headers.
    public override Task FlushAsync() => _document is var (status, json) ? Response.WriteJsonAsync(status, json) : Task.CompletedTask;

    private string Python(Usage usage, RequestTimes times)
    {
        var cached = Head.Options.PromptTokensDetails
            ? $$"""{"cached_tokens":{{usage.CachedTokens}},"created_cache_tokens":{{usage.CreatedCacheTokens}},"multimodal_tokens":null}"""
            : "null";
        var metrics = Head.Options.RequestMetrics ? $"{{{Metrics(usage, times)},\"speculative_decoding\":null}}" : "null";
        return Choice("\"refusal\":null,\"annotations\":null,\"audio\":null,\"function_call\":null,") + ",\"routed_experts\":null}]"
            + $",\"service_tier\":null,\"system_fingerprint\":{Fingerprint},{UsageMember(usage, Details(usage, cached))}"
            + $",\"prompt_logprobs\":null,\"prompt_token_ids\":null,\"prompt_text\":null,\"kv_transfer_params\":null,\"ec_transfer_params\":null,\"metrics\":{metrics}}}";
    }

    private string Rust(Usage usage) => Choice("") + $"}}],{UsageMember(usage, Details(usage, "null"))}"
        + ",\"system_fingerprint\":null,\"prompt_logprobs\":null,\"prompt_token_ids\":null,\"kv_transfer_params\":null,\"ec_transfer_params\":null}";

    /// <summary>The document from its beginning to its choice's last common member.</summary>
    /// <param name="unused">Members of the message that the simulator has no value for, each with a comma after it.</param>
    private string Choice(string unused)
    {
        var thinking = Head.Request.IncludeReasoning ? Text(_thinking) : "null";
        return Beginning("chat.completion") + $$"""{"index":0,"message":{"role":{{Role}},"content":{{Text(_answer)}},{{unused}}{{Reasoning(thinking)}}}"""
            + $",\"logprobs\":null,\"finish_reason\":\"{_finish.Reason}\",\"stop_reason\":{JsonText.Quoted(_finish.StopText)},\"token_ids\":null";
    }

    private string Details(Usage usage, string cached) =>
        $",\"prompt_tokens_details\":{cached},\"completion_tokens_details\":{(Head.Options.HasReasoningParser ? ReasoningTokens(usage) : "null")}";

    private static string Text(StringBuilder text) => text.Length == 0 ? "null" : JsonText.Quoted(text.ToString());
}
