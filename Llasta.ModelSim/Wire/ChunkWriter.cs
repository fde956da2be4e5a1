using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;

namespace Llasta.ModelSim.Wire;

/// <summary>
/// Writes a stream's frames byte for byte as <c>vllm/entrypoints/openai/chat_completion/serving.py</c> does: explicit nulls,
/// pydantic's order of members, text as plain UTF-8. What every chunk of a stream begins with is encoded once.
/// </summary>
internal sealed class ChunkWriter(PipeWriter output, string id, long created, string model)
{
    /// <summary>What vLLM calls its build on terminal chunks.</summary>
    public const string Fingerprint = "vllm-0.28.0-llasta-modelsim";

    private readonly byte[] _head = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
        $"data: {{\"id\":{JsonText.Quoted(id)},\"object\":\"chat.completion.chunk\",\"created\":{created},\"model\":{JsonText.Quoted(model)},\"choices\":["));

    public void Role(string role, Usage? usage)
    {
        output.Write(_head);
        output.Write("{\"index\":0,\"delta\":{\"role\":\""u8);
        JsonText.Escape(output, role);
        output.Write("\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]"u8);
        Counts(usage);
        output.Write(",\"prompt_token_ids\":null,\"prompt_text\":null}\n\n"u8);
    }

    public void Delta(ReadOnlySpan<char> text, bool thinking, ReasoningField field, Usage? usage)
    {
        output.Write(_head);
        output.Write("{\"index\":0,\"delta\":"u8);
        DeltaObject(text, thinking, field);
        output.Write(",\"logprobs\":null,\"finish_reason\":null,\"token_ids\":null}]"u8);
        Counts(usage);
        output.Write("}\n\n"u8);
    }

    /// <summary>The last delta. The fingerprint rides here unless a usage chunk follows.</summary>
    public void Finish(ReadOnlySpan<char> text, bool thinking, ReasoningField field, string reason, bool fingerprint, Usage? usage)
    {
        output.Write(_head);
        output.Write("{\"index\":0,\"delta\":"u8);
        DeltaObject(text, thinking, field);
        output.Write(",\"logprobs\":null,\"finish_reason\":\""u8);
        JsonText.Escape(output, reason);
        output.Write("\",\"stop_reason\":null,\"token_ids\":null}]"u8);
        Counts(usage);
        if (fingerprint)
            FingerprintMember();
        output.Write("}\n\n"u8);
    }

    public void UsageChunk(Usage usage)
    {
        output.Write(_head);
        output.Write("]"u8);
        Counts(usage);
        FingerprintMember();
        output.Write("}\n\n"u8);
    }

    public void Error(VllmError error)
    {
        output.Write("data: "u8);
        output.Write(error.ToJson());
        output.Write("\n\n"u8);
    }

    public void Done() => output.Write("data: [DONE]\n\n"u8);

    /// <summary>The beginning of a chunk, for faults that end inside one.</summary>
    public void Head() => output.Write(_head);

    private void DeltaObject(ReadOnlySpan<char> text, bool thinking, ReasoningField field)
    {
        if (!thinking || field == ReasoningField.Tags)
            Member("{\"content\":\""u8, text);
        else
        {
            if (field != ReasoningField.ReasoningContent)
                Member("{\"reasoning\":\""u8, text);
            if (field != ReasoningField.Reasoning)
                Member(field == ReasoningField.Both ? ",\"reasoning_content\":\""u8 : "{\"reasoning_content\":\""u8, text);
        }
        output.Write("}"u8);
    }

    private void Member(ReadOnlySpan<byte> name, ReadOnlySpan<char> text)
    {
        output.Write(name);
        JsonText.Escape(output, text);
        output.Write("\""u8);
    }

    private void Counts(Usage? usage)
    {
        if (usage is not { } counts)
            return;
        Number(",\"usage\":{\"prompt_tokens\":"u8, counts.PromptTokens);
        Number(",\"total_tokens\":"u8, counts.PromptTokens + counts.CompletionTokens);
        Number(",\"completion_tokens\":"u8, counts.CompletionTokens);
        Number(",\"completion_tokens_details\":{\"reasoning_tokens\":"u8, counts.ReasoningTokens);
        output.Write("}}"u8);
    }

    private void Number(ReadOnlySpan<byte> name, int value)
    {
        output.Write(name);
        value.TryFormat(output.GetSpan(11), out var written, provider: CultureInfo.InvariantCulture);
        output.Advance(written);
    }

    private void FingerprintMember()
    {
        output.Write(",\"system_fingerprint\":\""u8);
        JsonText.Escape(output, Fingerprint);
        output.Write("\""u8);
    }
}

/// <summary>Tokens of a request, thinking's among the completion's.</summary>
internal readonly record struct Usage(int PromptTokens, int CompletionTokens, int ReasoningTokens);
