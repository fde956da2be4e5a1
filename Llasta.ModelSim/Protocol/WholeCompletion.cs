using System.Buffers;
using System.Text;
using System.Text.Json;

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

    public override void End(Usage usage, RequestTimes times)
    {
        var body = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(body))
            Write(json, usage, times);
        Response.ContentType = "application/json";
        Response.ContentLength = body.WrittenCount;
        Output.Write(body.WrittenSpan);
        _written = true;
    }

    public override void Fail(VllmError error)
    {
        Response.StatusCode = error.Status;
        Response.ContentType = "application/json";
        Encoding.UTF8.GetBytes(error.ToJson(Head.Options.FrontEnd), Output);
        _written = true;
    }

    // Until then a flush would send the headers.
    public override Task FlushAsync() => _written ? base.FlushAsync() : Task.CompletedTask;

    private void Write(Utf8JsonWriter json, Usage usage, RequestTimes times)
    {
        var python = Head.Options.FrontEnd == FrontEnd.Python;
        json.WriteStartObject();
        json.WriteString("id"u8, Head.Id);
        json.WriteString("object"u8, "chat.completion"u8);
        json.WriteNumber("created"u8, Head.Created);
        json.WriteString("model"u8, Head.Options.Model);
        json.WriteStartArray("choices"u8);
        WriteChoice(json, python);
        json.WriteEndArray();
        if (python)
        {
            WriteNulls(json, "service_tier");
            json.WriteString("system_fingerprint"u8, Fingerprint);
        }
        WriteUsage(json, usage, python);
        if (python)
        {
            WriteNulls(json, "prompt_logprobs", "prompt_token_ids", "prompt_text", "kv_transfer_params", "ec_transfer_params");
            WriteMetrics(json, usage, times);
        }
        else
            WriteNulls(json, "system_fingerprint", "prompt_logprobs", "prompt_token_ids", "kv_transfer_params", "ec_transfer_params");
        json.WriteEndObject();
    }

    private void WriteChoice(Utf8JsonWriter json, bool python)
    {
        json.WriteStartObject();
        json.WriteNumber("index"u8, 0);
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, Head.Role);
        WriteText(json, "content"u8, _answer);
        if (python)
            WriteNulls(json, "refusal", "annotations", "audio", "function_call");
        var thinking = Head.Request.IncludeReasoning ? _thinking : new();
        if (Head.Options.ReasoningField != ReasoningField.ReasoningContent)
            WriteText(json, "reasoning"u8, thinking);
        if (Head.Options.ReasoningField is ReasoningField.ReasoningContent or ReasoningField.Both)
            WriteText(json, "reasoning_content"u8, thinking);
        json.WriteEndObject();
        WriteNulls(json, "logprobs");
        json.WriteString("finish_reason"u8, _finishReason);
        json.WriteString("stop_reason"u8, _stopText);
        WriteNulls(json, "token_ids");
        if (python)
            WriteNulls(json, "routed_experts");
        json.WriteEndObject();
    }

    private void WriteUsage(Utf8JsonWriter json, Usage usage, bool python)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, usage.PromptTokens);
        json.WriteNumber("total_tokens"u8, usage.PromptTokens + usage.CompletionTokens);
        json.WriteNumber("completion_tokens"u8, usage.CompletionTokens);
        if (python && Head.Options.PromptTokensDetails)
        {
            json.WriteStartObject("prompt_tokens_details"u8);
            json.WriteNumber("cached_tokens"u8, usage.CachedTokens);
            json.WriteNumber("created_cache_tokens"u8, CreatedCacheTokens(usage));
            WriteNulls(json, "multimodal_tokens");
            json.WriteEndObject();
        }
        else
            WriteNulls(json, "prompt_tokens_details");
        if (Head.SeparatesReasoning)
        {
            json.WriteStartObject("completion_tokens_details"u8);
            json.WriteNumber("reasoning_tokens"u8, usage.ReasoningTokens);
            json.WriteEndObject();
        }
        else
            WriteNulls(json, "completion_tokens_details");
        json.WriteEndObject();
    }

    private void WriteMetrics(Utf8JsonWriter json, Usage usage, RequestTimes times)
    {
        if (!Head.Options.RequestMetrics)
        {
            WriteNulls(json, "metrics");
            return;
        }
        json.WriteStartObject("metrics"u8);
        foreach (var (name, value) in Metrics(usage, times))
            json.WriteNumber(name, value);
        WriteNulls(json, "speculative_decoding");
        json.WriteEndObject();
    }

    private static void WriteNulls(Utf8JsonWriter json, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            json.WriteNull(name);
    }

    private static void WriteText(Utf8JsonWriter json, ReadOnlySpan<byte> name, StringBuilder text)
    {
        json.WritePropertyName(name);
        if (text.Length == 0)
            json.WriteNullValue();
        else
            json.WriteRawValue(JsonText.Quoted(text.ToString()));
    }
}
