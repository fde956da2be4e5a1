using System.Globalization;
using System.Text;

namespace Llasta.ModelSim.Protocol;

/// <summary>Collects a completion and writes it as one JSON document.</summary>
internal sealed class WholeCompletion(HttpResponse response, CompletionHead head) : CompletionWriter(response, head)
{
    private readonly StringBuilder _thinking = new();
    private readonly StringBuilder _answer = new();
    private string _finishReason = "";
    private string? _stopText;
    private bool _written;

    public override Task StartAsync() => Task.CompletedTask;

    public override void Begin(Usage usage)
    {
    }

    public override void Delta(ReadOnlySpan<char> text, bool thinking, Usage usage) =>
        (thinking && Head.SeparatesReasoning ? _thinking : _answer).Append(text);

    public override void Finish(ReadOnlySpan<char> text, ReadOnlySpan<char> half, bool thinking, string reason, string? stopText, Usage usage)
    {
        Delta(text, thinking, usage);
        (_finishReason, _stopText) = (reason, stopText);
    }

    public override void End(Usage usage, RequestTimes times) => Write(200, Head.Options.FrontEnd == FrontEnd.Python ? Python(usage, times) : Rust(usage));

    public override void Fail(VllmError error) => Write(error.Status, error.ToJson(Head.Options.FrontEnd));

    // Until the end a flush would send the headers.
    public override Task FlushAsync() => _written ? base.FlushAsync() : Task.CompletedTask;

    private void Write(int status, string json)
    {
        Response.StatusCode = status;
        Response.ContentType = "application/json";
        Response.ContentLength = Encoding.UTF8.GetByteCount(json);
        Encoding.UTF8.GetBytes(json, Output);
        _written = true;
    }

    private string Python(Usage usage, RequestTimes times)
    {
        var cached = Head.Options.PromptTokensDetails
            ? $$"""{"cached_tokens":{{usage.CachedTokens}},"created_cache_tokens":{{usage.CreatedCacheTokens}},"multimodal_tokens":null}"""
            : "null";
        var metrics = Head.Options.RequestMetrics ? $"{{{Metrics(usage, times)},\"speculative_decoding\":null}}" : "null";
        return $"{Beginning()}{Message("\"refusal\":null,\"annotations\":null,\"audio\":null,\"function_call\":null,")},\"token_ids\":null,\"routed_experts\":null}}]"
            + $",\"service_tier\":null,\"system_fingerprint\":{JsonText.Quoted(Fingerprint)},{UsageMember(usage, cached)}"
            + $",\"prompt_logprobs\":null,\"prompt_token_ids\":null,\"prompt_text\":null,\"kv_transfer_params\":null,\"ec_transfer_params\":null,\"metrics\":{metrics}}}";
    }

    private string Rust(Usage usage) =>
        $"{Beginning()}{Message("")},\"token_ids\":null}}],{UsageMember(usage, "null")}"
            + ",\"system_fingerprint\":null,\"prompt_logprobs\":null,\"prompt_token_ids\":null,\"kv_transfer_params\":null,\"ec_transfer_params\":null}";

    private string Beginning() => string.Create(CultureInfo.InvariantCulture,
        $"{{\"id\":{JsonText.Quoted(Head.Id)},\"object\":\"chat.completion\",\"created\":{Head.Created},\"model\":{JsonText.Quoted(Head.Options.Model)},\"choices\":[{{\"index\":0,");

    /// <param name="unused">Members of the message that the simulator has no value for, each with a comma behind it.</param>
    private string Message(string unused)
    {
        var thinking = Head.Request.IncludeReasoning ? Text(_thinking) : "null";
        var reasoning = Head.Options.ReasoningField switch
        {
            ReasoningField.ReasoningContent => $"\"reasoning_content\":{thinking}",
            ReasoningField.Both => $"\"reasoning\":{thinking},\"reasoning_content\":{thinking}",
            _ => $"\"reasoning\":{thinking}",
        };
        return $"\"message\":{{\"role\":{JsonText.Quoted(Head.Role)},\"content\":{Text(_answer)},{unused}{reasoning}}}"
            + $",\"logprobs\":null,\"finish_reason\":{JsonText.Quoted(_finishReason)},\"stop_reason\":{JsonText.Quoted(_stopText)}";
    }

    private string UsageMember(Usage usage, string cached)
    {
        var details = Head.SeparatesReasoning ? $$"""{"reasoning_tokens":{{usage.ReasoningTokens}}}""" : "null";
        return string.Create(CultureInfo.InvariantCulture,
            $"\"usage\":{{\"prompt_tokens\":{usage.PromptTokens},\"total_tokens\":{usage.PromptTokens + usage.CompletionTokens},\"completion_tokens\":{usage.CompletionTokens},\"prompt_tokens_details\":{cached},\"completion_tokens_details\":{details}}}");
    }

    private static string Text(StringBuilder text) => text.Length == 0 ? "null" : JsonText.Quoted(text.ToString());
}
