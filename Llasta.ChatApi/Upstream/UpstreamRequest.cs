using System.Buffers;
using System.ClientModel;
using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;
using Llasta.ChatApi.Contract;

namespace Llasta.ChatApi.Upstream;

/// <summary>
/// A turn as a request to vLLM. The fields <c>top_k</c>, <c>min_p</c>, <c>chat_template_kwargs</c> and <c>continue_final_message</c> are
/// vLLM's own; Ollama and llama.cpp ignore unknown fields.
/// </summary>
internal sealed class UpstreamRequest : BinaryContent
{
    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private byte[]? _body;

    private UpstreamRequest(byte[] body) => _body = body;

    /// <summary>When the body was about to be sent on an open connection (<see cref="Stopwatch.GetTimestamp"/>); 0 before.</summary>
    internal long SentAt { get; private set; }

    internal static UpstreamRequest ForChat(ChatRequest request, string model)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, Json))
        {
            json.WriteStartObject();
            json.WriteString("model"u8, model);
            WriteMessages(json, request.Messages!, reasoningOfLast: request.Continue);
            json.WriteBoolean("stream"u8, true);
            json.WriteStartObject("stream_options"u8);
            json.WriteBoolean("include_usage"u8, true);
            json.WriteEndObject();

            // Qwen3's recommended sampling differs by mode (its model card).
            json.WriteNumber("temperature"u8, request.Sampling?.Temperature ?? (request.Thinking ? 0.6 : 0.7));
            json.WriteNumber("top_p"u8, request.Sampling?.TopP ?? (request.Thinking ? 0.95 : 0.8));
            json.WriteNumber("top_k"u8, 20);
            json.WriteNumber("min_p"u8, 0);
            if (request.Sampling?.MaxTokens is { } maxTokens)
                json.WriteNumber("max_tokens"u8, maxTokens);

            if (request.Continue)
            {
                // Qwen3's template then renders the last message open-ended, with its thinking, and the parser treats the output as content
                // because thinking is off (vllm/parser/qwen3.py).
                json.WriteBoolean("continue_final_message"u8, true);
                json.WriteBoolean("add_generation_prompt"u8, false);
            }

            WriteThinking(json, request.Thinking && !request.Continue);
            json.WriteEndObject();
        }

        return new UpstreamRequest(buffer.WrittenSpan.ToArray());
    }

    internal static byte[] ForTokenize(TokensRequest request, string model)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, Json))
        {
            json.WriteStartObject();
            json.WriteString("model"u8, model);
            WriteMessages(json, request.Messages!, reasoningOfLast: false);
            json.WriteBoolean("add_generation_prompt"u8, true);
            WriteThinking(json, request.Thinking);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteMessages(Utf8JsonWriter json, IReadOnlyList<ChatMessage> messages, bool reasoningOfLast)
    {
        json.WriteStartArray("messages"u8);
        for (var i = 0; i < messages.Count; i++)
        {
            json.WriteStartObject();
            json.WriteString("role"u8, messages[i].Role);
            json.WriteString("content"u8, messages[i].Content);
            if (reasoningOfLast && i == messages.Count - 1 && messages[i].Reasoning is { Length: > 0 } reasoning)
                json.WriteString("reasoning"u8, reasoning);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteThinking(Utf8JsonWriter json, bool thinking)
    {
        json.WriteStartObject("chat_template_kwargs"u8);
        json.WriteBoolean("enable_thinking"u8, thinking);
        json.WriteEndObject();
    }

    public override async Task WriteToAsync(Stream stream, CancellationToken cancellationToken = default)
    {
        var body = _body ?? throw new InvalidOperationException("A turn is sent once.");
        // Streams last for minutes; the conversation must not stay in memory for as long.
        _body = null;
        await stream.WriteAsync(body, cancellationToken);
        SentAt = Stopwatch.GetTimestamp();
    }

    public override void WriteTo(Stream stream, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public override bool TryComputeLength(out long length)
    {
        length = _body?.Length ?? 0;
        return _body is not null;
    }

    public override void Dispose() => _body = null;
}
