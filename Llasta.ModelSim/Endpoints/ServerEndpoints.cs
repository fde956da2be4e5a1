using System.Globalization;
using System.Text;
using System.Text.Json;
using Llasta.ModelSim.Generation;
using Llasta.ModelSim.Prompts;
using Llasta.ModelSim.Protocol;

namespace Llasta.ModelSim.Endpoints;

/// <summary>vLLM's endpoints beside the chat: models, tokens, health, version, metrics.</summary>
internal static class ServerEndpoints
{
    /// <summary>vLLM's is "vllm"; consumers tell the simulator by this one.</summary>
    public const string OwnedBy = "llasta-modelsim";

    private const string Version = "0.28.0+llasta-modelsim";

    public static void MapServer(this IEndpointRouteBuilder app, Engine engine)
    {
        var created = engine.Time.GetUtcNow().ToUnixTimeSeconds();
        app.MapGet("/v1/models", context => context.Response.WriteJsonAsync(200, json => WriteModels(json, engine.Settings.Current, created)));
        app.MapPost("/tokenize", context => TokenizeAsync(context, engine));
        app.MapGet("/health", _ => Task.CompletedTask);
        app.MapGet("/version", context => context.Response.WriteJsonAsync(200, json =>
        {
            json.WriteStartObject();
            json.WriteString("version"u8, Version);
            json.WriteEndObject();
        }));
        app.MapGet("/metrics", context =>
        {
            var options = engine.Settings.Current;
            context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
            return context.Response.WriteAsync(engine.Metrics.ToText(options.Model, options.ContextWindow), Encoding.UTF8);
        });
    }

    private static void WriteModels(Utf8JsonWriter json, ModelSimOptions options, long created)
    {
        json.WriteStartObject();
        json.WriteString("object"u8, "list"u8);
        json.WriteStartArray("data"u8);
        json.WriteStartObject();
        json.WriteString("id"u8, options.Model);
        json.WriteString("object"u8, "model"u8);
        json.WriteNumber("created"u8, created);
        json.WriteString("owned_by"u8, OwnedBy);
        json.WriteString("root"u8, options.Model);
        json.WriteNull("parent"u8);
        json.WriteNumber("max_model_len"u8, options.ContextWindow);
        json.WriteStartArray("permission"u8);
        json.WriteStartObject();
        json.WriteString("id"u8, string.Create(CultureInfo.InvariantCulture, $"modelperm-{created:x16}"));
        json.WriteString("object"u8, "model_permission"u8);
        json.WriteNumber("created"u8, created);
        json.WriteBoolean("allow_create_engine"u8, false);
        json.WriteBoolean("allow_sampling"u8, true);
        json.WriteBoolean("allow_logprobs"u8, true);
        json.WriteBoolean("allow_search_indices"u8, false);
        json.WriteBoolean("allow_view"u8, true);
        json.WriteBoolean("allow_fine_tuning"u8, false);
        json.WriteString("organization"u8, "*"u8);
        json.WriteNull("group"u8);
        json.WriteBoolean("is_blocking"u8, false);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    // vllm/entrypoints/serve/tokenize/protocol.py
    private static async Task TokenizeAsync(HttpContext context, Engine engine)
    {
        var options = engine.Settings.Current;
        try
        {
            var body = await RequestBody.ReadAsync(context.Request);
            var text = ReadText(body, options);
            var withStrings = body.Flag("return_token_strs") ?? false;
            await context.Response.WriteJsonAsync(200, json => WriteTokens(json, text, options.ContextWindow, withStrings));
        }
        catch (RequestRejectedException e)
        {
            await e.Error.WriteAsync(context.Response);
        }
    }

    private static string ReadText(JsonElement body, ModelSimOptions options)
    {
        if (body.Text("model") is { } model && model != options.Model)
            throw new RequestRejectedException(VllmError.UnknownModel(model));
        if (body.List("messages") is not { } list)
            return body.Text("prompt") ?? throw RequestBody.Missing(body, "", "prompt");
        var continues = body.Flag("continue_final_message") ?? false;
        if (continues && body.Flag("add_generation_prompt") == true)
            throw new RequestRejectedException(VllmError.Invalid("Cannot set both `continue_final_message` and `add_generation_prompt` to True."));
        return ChatTemplate.Render(RequestMessages.ReadList(list), body.Flag("add_generation_prompt") ?? !continues, continues,
            body.Dictionary("chat_template_kwargs")?.Flag("enable_thinking", "'chat_template_kwargs', ") ?? true);
    }

    private static void WriteTokens(Utf8JsonWriter json, string text, int window, bool withStrings)
    {
        json.WriteStartObject();
        json.WriteNumber("count"u8, Tokenizer.Count(text));
        json.WriteNumber("max_model_len"u8, window);
        json.WriteStartArray("tokens"u8);
        for (var rest = text.AsSpan(); !rest.IsEmpty; rest = rest[Tokenizer.PieceLength(rest)..])
            json.WriteNumberValue(Tokenizer.Id(rest[..Tokenizer.PieceLength(rest)]));
        json.WriteEndArray();
        if (withStrings)
        {
            json.WriteStartArray("token_strs"u8);
            for (var rest = text.AsSpan(); !rest.IsEmpty; rest = rest[Tokenizer.PieceLength(rest)..])
                json.WriteStringValue(rest[..Tokenizer.PieceLength(rest)]);
            json.WriteEndArray();
        }
        else
            json.WriteNull("token_strs"u8);
        json.WriteEndObject();
    }
}
