using System.Globalization;
using System.Text;
using System.Text.Json;
using Llasta.ModelSim.Generation;
using Llasta.ModelSim.Prompts;
using Llasta.ModelSim.Protocol;

namespace Llasta.ModelSim.Endpoints;

/// <summary>vLLM's endpoints beside the chat: models, tokens, health, version, load, metrics.</summary>
internal static class ServerEndpoints
{
    /// <summary>vLLM's is "vllm"; clients recognise the simulator by this one.</summary>
    public const string OwnedBy = "llasta-modelsim";

    private const string Version = "0.32.0";

    public static void MapServer(this IEndpointRouteBuilder app, Engine engine)
    {
        var created = engine.Time.GetUtcNow().ToUnixTimeSeconds();
        app.MapGet("/v1/models", context => context.Response.WriteJsonAsync(200, json => WriteModels(json, engine.Settings.Current, created)));
        app.MapPost("/tokenize", context => TokenizeAsync(context, engine));
        app.MapGet("/health", context =>
        {
            context.Response.StatusCode = engine.State == EngineState.Dead ? 503 : 200;
            return Task.CompletedTask;
        });
        app.MapMethods("/ping", ["GET", "POST"], context => OnlyPython(context, engine, () => Task.CompletedTask));
        app.MapGet("/load", context => context.Response.WriteJsonAsync(200, json =>
        {
            json.WriteStartObject();
            json.WriteNumber("server_load"u8, engine.InFlight);
            json.WriteEndObject();
        }));
        app.MapGet("/version", context => context.Response.WriteJsonAsync(200, json =>
        {
            json.WriteStartObject();
            json.WriteString("version"u8, Version);
            if (engine.Settings.Current.FrontEnd == FrontEnd.Rust)
                json.WriteString("rust_frontend_version"u8, Version);
            json.WriteEndObject();
        }));
        app.MapGet("/metrics", context =>
        {
            var options = engine.Settings.Current;
            context.Response.ContentType = "text/plain; version=1.0.0; charset=utf-8";
            return context.Response.WriteAsync(engine.Metrics.ToText(options.Model, options.ContextWindow), Encoding.UTF8);
        });
        app.MapPost("/v1/chat/completions/render", context => OnlyPython(context, engine, () => VllmError.ScaleOutDisabled.WriteAsync(context.Response, FrontEnd.Python)));
        foreach (var path in (string[])["/v1/completions", "/v1/responses", "/v1/embeddings", "/detokenize"])
            app.MapPost(path, context => VllmError.NotSimulated(path).WriteAsync(context.Response, engine.Settings.Current.FrontEnd));
    }

    private static Task OnlyPython(HttpContext context, Engine engine, Func<Task> answer)
    {
        if (engine.Settings.Current.FrontEnd == FrontEnd.Python)
            return answer();
        context.Response.StatusCode = 404;
        return Task.CompletedTask;
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
        if (options.FrontEnd == FrontEnd.Python)
            WritePermission(json, created);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WritePermission(Utf8JsonWriter json, long created)
    {
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
    }

    // vllm/entrypoints/serve/tokenize/protocol.py
    private static async Task TokenizeAsync(HttpContext context, Engine engine)
    {
        var options = engine.Settings.Current;
        try
        {
            var body = await RequestFields.ReadAsync(context.Request);
            var withStrings = body.Flag("return_token_strs") ?? false;
            var text = ReadText(body, options);
            await context.Response.WriteJsonAsync(200, json => WriteTokens(json, text, options.ContextWindow, withStrings));
        }
        catch (RequestRejectedException e)
        {
            await e.Error.WriteAsync(context.Response, options.FrontEnd);
        }
    }

    private static string ReadText(RequestFields body, ModelSimOptions options)
    {
        var (model, prompt, messages) = (body.Text("model"), body.Text("prompt"), RequestMessages.Read(body, options.Model));
        var (continues, generates) = (body.Flag("continue_final_message") ?? false, body.Flag("add_generation_prompt") ?? true);
        var enableThinking = body.Object("chat_template_kwargs")?.Flag("enable_thinking") ?? true;
        if (messages is null && prompt is null)
            body.Missing("prompt");
        body.ThrowIfWrong();
        if (model is not null && model != options.Model)
            throw new RequestRejectedException(VllmError.UnknownModel(model, options.Model));
        return messages is null ? prompt! : ChatRequest.Render(messages, generates, continues, enableThinking);
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
                json.WriteRawValue(JsonText.Quoted(rest[..Tokenizer.PieceLength(rest)].ToString()));
            json.WriteEndArray();
        }
        else
            json.WriteNull("token_strs"u8);
        json.WriteEndObject();
    }
}
