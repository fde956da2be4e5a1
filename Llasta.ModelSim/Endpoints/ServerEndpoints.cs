using System.Text;
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
        app.MapGet("/v1/models", context => context.Response.WriteJsonAsync(200, Models(engine.Settings.Current, created)));
        app.MapPost("/tokenize", context => TokenizeAsync(context, engine));
        app.MapGet("/health", context =>
        {
            context.Response.StatusCode = engine.State == EngineState.Dead ? 503 : 200;
            return Task.CompletedTask;
        });
        app.MapMethods("/ping", ["GET", "POST"], context => OnlyPython(context, engine, () => Task.CompletedTask));
        app.MapGet("/load", context => context.Response.WriteJsonAsync(200, $$"""{"server_load":{{engine.InFlight}}}"""));
        app.MapGet("/version", context => context.Response.WriteJsonAsync(200, engine.Settings.Current.FrontEnd == FrontEnd.Rust
            ? $$"""{"version":"{{Version}}","rust_frontend_version":"{{Version}}"}"""
            : $$"""{"version":"{{Version}}"}"""));
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

    private static string Models(ModelSimOptions options, long created)
    {
        var name = JsonText.Quoted(options.Model);
        var permission = options.FrontEnd == FrontEnd.Rust ? "" : $",\"permission\":[{{\"id\":\"modelperm-{created:x16}\",\"object\":\"model_permission\",\"created\":{created},\"allow_create_engine\":false,\"allow_sampling\":true,\"allow_logprobs\":true,\"allow_search_indices\":false,\"allow_view\":true,\"allow_fine_tuning\":false,\"organization\":\"*\",\"group\":null,\"is_blocking\":false}}]";
        return $"{{\"object\":\"list\",\"data\":[{{\"id\":{name},\"object\":\"model\",\"created\":{created},\"owned_by\":\"{OwnedBy}\",\"root\":{name},\"parent\":null,\"max_model_len\":{options.ContextWindow}{permission}}}]}}";
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
            await context.Response.WriteJsonAsync(200, Tokens(text, options.ContextWindow, withStrings));
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

    private static string Tokens(string text, int window, bool withStrings)
    {
        var pieces = new List<string>();
        for (var rest = text.AsSpan(); !rest.IsEmpty; rest = rest[pieces[^1].Length..])
            pieces.Add(rest[..Tokenizer.PieceLength(rest)].ToString());
        var strings = withStrings ? $"[{string.Join(',', pieces.Select(JsonText.Quoted))}]" : "null";
        return $"{{\"count\":{pieces.Count},\"max_model_len\":{window},\"tokens\":[{string.Join(',', pieces.Select(piece => Tokenizer.Id(piece)))}],\"token_strs\":{strings}}}";
    }
}
