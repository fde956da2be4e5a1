using System.Buffers;
using System.ClientModel;
using System.Diagnostics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Llasta.ChatApi.Contract;
using Llasta.Streaming;

namespace Llasta.ChatApi.Upstream;

/// <summary>How a turn is asked for.</summary>
internal enum TurnMode
{
    /// <summary>A new answer.</summary>
    Answer,

    /// <summary>The last message is a partial answer, to be continued.</summary>
    ContinueAnswer,

    /// <summary>The last message is a partial thought, to be continued inside the thought.</summary>
    ContinueThought,
}

/// <summary>
/// A turn as the body of <c>POST /v1/chat/completions</c>, with the optional fields (<see cref="OptionalFields"/>) that the server takes.
/// </summary>
internal sealed class UpstreamRequest : BinaryContent
{
    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Qwen3's recommended sampling (its model card).</summary>
    private static readonly Sampling QwenThinking = new(Temperature: 0.6, TopP: 0.95, TopK: 20, MinP: 0);

    /// <inheritdoc cref="QwenThinking"/>
    private static readonly Sampling QwenNotThinking = new(Temperature: 0.7, TopP: 0.8, TopK: 20, MinP: 0);

    private PieceWriter? _body;

    private UpstreamRequest(PieceWriter body, OptionalFields sent, OptionalFields chosen) => (_body, Sent, Chosen) = (body, sent, chosen);

    /// <summary>The optional fields that the body has.</summary>
    internal OptionalFields Sent { get; }

    /// <summary>Those of them whose value the reader or the operator chose.</summary>
    internal OptionalFields Chosen { get; }

    /// <summary>When the body was about to be sent on an open connection (<see cref="Stopwatch.GetTimestamp"/>); 0 before.</summary>
    internal long SentAt { get; private set; }

    /// <summary>Writes a turn.</summary>
    /// <param name="request">The turn.</param>
    /// <param name="mode">What of the last message is continued, if anything.</param>
    /// <param name="model">The model.</param>
    /// <param name="configured">The operator's sampling (<c>Chat:Sampling</c>).</param>
    /// <param name="allowed">The optional fields that the server takes.</param>
    internal static UpstreamRequest ForChat(ChatRequest request, TurnMode mode, ModelInfo model, SamplingOptions configured, OptionalFields allowed)
    {
        var (sent, chosen) = (OptionalFields.None, OptionalFields.None);
        var thinking = mode == TurnMode.ContinueThought || (request.Thinking && mode == TurnMode.Answer);
        var defaults = !model.IsQwen3Hybrid ? null : thinking ? QwenThinking : QwenNotThinking;
        var sampling = request.Sampling;
        var buffer = new PieceWriter();
        using (var json = new Utf8JsonWriter(buffer, Json))
        {
            json.WriteStartObject();
            json.WriteString("model"u8, model.Name);
            WriteMessages(json, buffer, request.Messages!, mode, request.Continue && mode == TurnMode.Answer, Takes(OptionalFields.MessageReasoning), ref sent);
            json.WriteBoolean("stream"u8, true);
            if (Sends(OptionalFields.StreamOptions))
            {
                json.WriteStartObject("stream_options"u8);
                json.WriteBoolean("include_usage"u8, true);
                json.WriteEndObject();
            }

            WriteNumber("temperature"u8, sampling?.Temperature ?? configured.Temperature, defaults?.Temperature);
            WriteNumber("top_p"u8, sampling?.TopP ?? configured.TopP, defaults?.TopP);
            WriteOptionalNumber(OptionalFields.TopK, "top_k"u8, sampling?.TopK ?? configured.TopK, defaults?.TopK);
            WriteOptionalNumber(OptionalFields.MinP, "min_p"u8, sampling?.MinP ?? configured.MinP, defaults?.MinP);
            if ((sampling?.MaxTokens ?? configured.MaxTokens) is { } maxTokens)
            {
                // OpenAI's newer models refuse the old name; most other servers know only that.
                var old = Sends(OptionalFields.MaxTokens);
                chosen |= sent & OptionalFields.MaxTokens;
                json.WriteNumber(old ? "max_tokens"u8 : "max_completion_tokens"u8, maxTokens);
            }

            if (sampling?.Seed is { } seed)
                json.WriteNumber("seed"u8, seed);
            if (thinking && (sampling?.ThinkingTokens ?? configured.ThinkingTokens) is { } budget)
            {
                WriteOptionalNumber(OptionalFields.ThinkingTokenBudget, "thinking_token_budget"u8, budget, null);
                WriteOptionalNumber(OptionalFields.ThinkingBudgetTokens, "thinking_budget_tokens"u8, budget, null);
            }

            if (mode != TurnMode.Answer && Sends(OptionalFields.ContinueFinalMessage))
            {
                // Qwen3's template then renders the last message open-ended, with its thinking. After an answer thinking must be off, so that
                // the parser treats the output as content (vllm/parser/qwen3.py).
                json.WriteBoolean("continue_final_message"u8, true);
                json.WriteBoolean("add_generation_prompt"u8, false);
            }

            if (Sends(OptionalFields.ChatTemplateKwargs))
                WriteThinking(json, thinking);
            if (!thinking && Sends(OptionalFields.ReasoningEffort))
                json.WriteString("reasoning_effort"u8, "none"u8);
            json.WriteEndObject();

            void WriteNumber(ReadOnlySpan<byte> name, double? value, double? fallback)
            {
                if ((value ?? fallback) is { } number)
                    json.WriteNumber(name, number);
            }

            void WriteOptionalNumber(OptionalFields field, ReadOnlySpan<byte> name, double? value, double? fallback)
            {
                if ((value ?? fallback) is not { } number || !Sends(field))
                    return;
                if (value is not null)
                    chosen |= field;
                json.WriteNumber(name, number);
            }
        }

        return new UpstreamRequest(buffer, sent, chosen);

        bool Takes(OptionalFields field) => (allowed & field) != 0;

        bool Sends(OptionalFields field)
        {
            if (!Takes(field))
                return false;
            sent |= field;
            return true;
        }
    }

    /// <summary>Writes a conversation whose tokens are to be counted.</summary>
    internal static ReadOnlySequence<byte> ForTokens(TokensRequest request, string model)
    {
        var buffer = new PieceWriter();
        var sent = OptionalFields.None;
        using (var json = new Utf8JsonWriter(buffer, Json))
        {
            json.WriteStartObject();
            json.WriteString("model"u8, model);
            WriteMessages(json, buffer, request.Messages!, TurnMode.Answer, withoutLast: false, withReasoning: false, ref sent);
            json.WriteBoolean("add_generation_prompt"u8, true);
            WriteThinking(json, request.Thinking);
            json.WriteEndObject();
        }

        return buffer.ToSequence();
    }

    /// <summary>Writes the conversation. Its texts are JSON strings already.</summary>
    private static void WriteMessages(Utf8JsonWriter json, PieceWriter buffer, IReadOnlyList<ChatMessage> messages, TurnMode mode, bool withoutLast, bool withReasoning, ref OptionalFields sent)
    {
        json.WritePropertyName("messages"u8);
        // The writer takes the bracket for the whole value; the rest of it is written here.
        json.WriteRawValue("["u8, skipInputValidation: true);
        json.Flush();
        var count = withoutLast ? messages.Count - 1 : messages.Count;
        for (var i = 0; i < count; i++)
        {
            var message = messages[i];
            var continued = mode != TurnMode.Answer && i == count - 1;
            buffer.Write(i == 0 ? "{\"role\":\""u8 : ",{\"role\":\""u8);
            // One of ChatRequestRules.Roles.
            Encoding.ASCII.GetBytes(message.Role, buffer);
            buffer.Write("\",\"content\":\""u8);
            if (continued && mode == TurnMode.ContinueThought)
            {
                // The template opens a thought with these bytes, so the last message is rendered as the thought so far.
                buffer.Write("<think>\\n"u8);
                buffer.WriteShared(message.Reasoning!.Raw);
            }
            else
            {
                buffer.WriteShared(message.Content!.Raw);
            }

            buffer.Write("\""u8);
            if (withReasoning && message.Role == "assistant")
            {
                if (continued && mode == TurnMode.ContinueAnswer && message.Reasoning is { IsEmpty: false } reasoning)
                {
                    // vLLM takes both names, llama.cpp the second.
                    buffer.Write(",\"reasoning\":\""u8);
                    buffer.WriteShared(reasoning.Raw);
                    buffer.Write("\",\"reasoning_content\":\""u8);
                    buffer.WriteShared(reasoning.Raw);
                    buffer.Write("\""u8);
                    sent |= OptionalFields.MessageReasoning;
                }
                else if (message.Content!.HasThinkEnd)
                {
                    // Without the member Qwen3's template cuts the answer at the tag.
                    buffer.Write(",\"reasoning\":\"\""u8);
                    sent |= OptionalFields.MessageReasoning;
                }
            }

            buffer.Write("}"u8);
        }

        buffer.Write("]"u8);
    }

    private static void WriteThinking(Utf8JsonWriter json, bool thinking)
    {
        json.WriteStartObject("chat_template_kwargs"u8);
        json.WriteBoolean("enable_thinking"u8, thinking);
        json.WriteEndObject();
    }

    public override async Task WriteToAsync(Stream stream, CancellationToken cancellationToken = default)
    {
        // Streams last for minutes; the conversation must not stay in memory for as long. Whoever has taken the body disposes it, even if this
        // object has been disposed meanwhile: SocketsHttpHandler may answer while it still sends.
        using var body = Interlocked.Exchange(ref _body, null) ?? throw new InvalidOperationException("A turn is sent once.");
        SentAt = Stopwatch.GetTimestamp();
        await body.ToSequence().WriteToAsync(stream, cancellationToken);
    }

    public override void WriteTo(Stream stream, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public override bool TryComputeLength(out long length)
    {
        length = _body?.Length ?? 0;
        return _body is not null;
    }

    public override void Dispose() => Interlocked.Exchange(ref _body, null)?.Dispose();
}
