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
    private bool _written;

    public override Task StartAsync() => Task.CompletedTask;

    public override void Begin(Usage usage)
    {
    }

    public override void Delta(ReadOnlySpan<char> text, bool thinking, Usage usage) =>
        (thinking && Head.Field != ReasoningField.Tags ? _thinking : _answer).Append(text);

    public override void Finish(ReadOnlySpan<char> text, bool thinking, string reason, Usage usage)
    {
        Delta(text, thinking, usage);
        _finishReason = reason;
    }

    public override void End(Usage usage)
    {
        var body = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(body))
            Write(json, usage);
        Response.ContentType = "application/json";
        Response.ContentLength = body.WrittenCount;
        Output.Write(body.WrittenSpan);
        _written = true;
    }

    public override void Fail(VllmError error)
    {
        Response.StatusCode = error.Status;
        Response.ContentType = "application/json";
        Output.Write(error.ToJson());
        _written = true;
    }

    // Until then a flush would send the headers.
    public override Task FlushAsync() => _written ? base.FlushAsync() : Task.CompletedTask;

    private void Write(Utf8JsonWriter json, Usage usage)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, Head.Id);
        json.WriteString("object"u8, "chat.completion"u8);
        json.WriteNumber("created"u8, Head.Created);
        json.WriteString("model"u8, Head.Model);
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, 0);
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, Head.Role);
        WriteText(json, "content"u8, _answer);
        json.WriteNull("refusal"u8);
        json.WriteNull("annotations"u8);
        json.WriteNull("audio"u8);
        json.WriteNull("function_call"u8);
        json.WriteStartArray("tool_calls"u8);
        json.WriteEndArray();
        if (Head.Field != ReasoningField.ReasoningContent)
            WriteText(json, "reasoning"u8, _thinking);
        if (Head.Field is ReasoningField.ReasoningContent or ReasoningField.Both)
            WriteText(json, "reasoning_content"u8, _thinking);
        json.WriteEndObject();
        json.WriteNull("logprobs"u8);
        json.WriteString("finish_reason"u8, _finishReason);
        json.WriteNull("stop_reason"u8);
        json.WriteNull("token_ids"u8);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteNull("service_tier"u8);
        json.WriteString("system_fingerprint"u8, Fingerprint);
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, usage.PromptTokens);
        json.WriteNumber("total_tokens"u8, usage.PromptTokens + usage.CompletionTokens);
        json.WriteNumber("completion_tokens"u8, usage.CompletionTokens);
        json.WriteNull("prompt_tokens_details"u8);
        json.WriteStartObject("completion_tokens_details"u8);
        json.WriteNumber("reasoning_tokens"u8, usage.ReasoningTokens);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteNull("prompt_logprobs"u8);
        json.WriteNull("prompt_token_ids"u8);
        json.WriteNull("prompt_text"u8);
        json.WriteNull("kv_transfer_params"u8);
        json.WriteEndObject();
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
