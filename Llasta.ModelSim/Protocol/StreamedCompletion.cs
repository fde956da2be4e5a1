using System.Buffers;
using System.Globalization;
using System.Text;

namespace Llasta.ModelSim.Protocol;

/// <summary>
/// Writes a stream's events byte for byte as <c>vllm/entrypoints/openai/chat_completion/serving.py</c> does: explicit nulls,
/// pydantic's order of members, text as plain UTF-8. The common beginning of a stream's chunks is encoded once.
/// </summary>
internal sealed class StreamedCompletion(HttpResponse response, CompletionHead head, bool includeUsage, bool continuousUsage) : CompletionWriter(response, head)
{
    private readonly byte[] _head = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
        $"data: {{\"id\":{JsonText.Quoted(head.Id)},\"object\":\"chat.completion.chunk\",\"created\":{head.Created},\"model\":{JsonText.Quoted(head.Model)},\"choices\":["));

    public override Task StartAsync()
    {
        Response.ContentType = "text/event-stream; charset=utf-8";
        return FlushAsync();
    }

    public override void Begin(Usage usage)
    {
        Output.Write(_head);
        Output.Write("{\"index\":0,\"delta\":{\"role\":\""u8);
        JsonText.Escape(Output, Head.Role);
        Output.Write("\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]"u8);
        ContinuousUsage(usage);
        Output.Write(",\"prompt_token_ids\":null,\"prompt_text\":null}\n\n"u8);
    }

    public override void Delta(ReadOnlySpan<char> text, bool thinking, Usage usage)
    {
        Output.Write(_head);
        Output.Write("{\"index\":0,\"delta\":"u8);
        DeltaObject(text, thinking);
        Output.Write(",\"logprobs\":null,\"finish_reason\":null,\"token_ids\":null}]"u8);
        ContinuousUsage(usage);
        Output.Write("}\n\n"u8);
    }

    public override void Finish(ReadOnlySpan<char> text, bool thinking, string reason, Usage usage)
    {
        Output.Write(_head);
        Output.Write("{\"index\":0,\"delta\":"u8);
        DeltaObject(text, thinking);
        Output.Write(",\"logprobs\":null,\"finish_reason\":\""u8);
        JsonText.Escape(Output, reason);
        Output.Write("\",\"stop_reason\":null,\"token_ids\":null}]"u8);
        ContinuousUsage(usage);
        // The fingerprint is in the last chunk, whichever that is.
        if (!includeUsage)
            FingerprintMember();
        Output.Write("}\n\n"u8);
    }

    public override void End(Usage usage)
    {
        if (includeUsage)
        {
            Output.Write(_head);
            Output.Write("]"u8);
            UsageMember(usage);
            FingerprintMember();
            Output.Write("}\n\n"u8);
        }
        Done();
    }

    public override void Fail(VllmError error)
    {
        Output.Write("data: "u8);
        Output.Write(error.ToJson());
        Output.Write("\n\n"u8);
        Done();
    }

    public override void Invalid(ReadOnlySpan<byte> bytes) => Output.Write(bytes);

    public override void HalfAChunk() => Output.Write(_head);

    private void Done() => Output.Write("data: [DONE]\n\n"u8);

    private void DeltaObject(ReadOnlySpan<char> text, bool thinking)
    {
        if (!thinking || Head.Field == ReasoningField.Tags)
            Member("{\"content\":\""u8, text);
        else
        {
            if (Head.Field != ReasoningField.ReasoningContent)
                Member("{\"reasoning\":\""u8, text);
            if (Head.Field != ReasoningField.Reasoning)
                Member(Head.Field == ReasoningField.Both ? ",\"reasoning_content\":\""u8 : "{\"reasoning_content\":\""u8, text);
        }
        Output.Write("}"u8);
    }

    private void Member(ReadOnlySpan<byte> name, ReadOnlySpan<char> text)
    {
        Output.Write(name);
        JsonText.Escape(Output, text);
        Output.Write("\""u8);
    }

    private void ContinuousUsage(Usage usage)
    {
        if (continuousUsage)
            UsageMember(usage);
    }

    private void UsageMember(Usage usage)
    {
        Number(",\"usage\":{\"prompt_tokens\":"u8, usage.PromptTokens);
        Number(",\"total_tokens\":"u8, usage.PromptTokens + usage.CompletionTokens);
        Number(",\"completion_tokens\":"u8, usage.CompletionTokens);
        Number(",\"completion_tokens_details\":{\"reasoning_tokens\":"u8, usage.ReasoningTokens);
        Output.Write("}}"u8);
    }

    private void Number(ReadOnlySpan<byte> name, int value)
    {
        Output.Write(name);
        value.TryFormat(Output.GetSpan(11), out var written, provider: CultureInfo.InvariantCulture);
        Output.Advance(written);
    }

    private void FingerprintMember()
    {
        Output.Write(",\"system_fingerprint\":\""u8);
        JsonText.Escape(Output, Fingerprint);
        Output.Write("\""u8);
    }
}
