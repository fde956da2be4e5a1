using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Llasta.Tests.Support;

/// <summary>A model server that sends just the bytes that a test wants.</summary>
internal sealed class RawUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;

    private RawUpstream(WebApplication app) => _app = app;

    public string BaseUrl => $"{_app.Urls.Single()}/v1";

    /// <param name="complete">Answers <c>/v1/chat/completions</c>; the headers of an event stream are set.</param>
    /// <param name="models">What <c>/v1/models</c> answers.</param>
    /// <param name="modelsStatus">With which status.</param>
    /// <param name="tokenize">What <c>/tokenize</c> answers; null: there is none.</param>
    /// <param name="version">What <c>/version</c> answers; null: there is none.</param>
    public static async Task<RawUpstream> StartAsync(
        Func<HttpContext, Task> complete,
        string models = """{"object":"list","data":[{"id":"m","object":"model","owned_by":"test"}]}""",
        int modelsStatus = StatusCodes.Status200OK,
        Func<HttpContext, string>? tokenize = null,
        string? version = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapGet("/v1/models", () => Results.Text(models, "application/json", statusCode: modelsStatus));
        if (tokenize is not null)
            app.MapPost("/tokenize", (HttpContext http) => Results.Text(tokenize(http), "application/json"));
        if (version is not null)
            app.MapGet("/version", () => Results.Text(version, "application/json"));
        app.MapPost("/v1/chat/completions", (RequestDelegate)(http =>
        {
            http.Response.ContentType = "text/event-stream";
            return complete(http);
        }));
        await app.StartAsync(Chatbot.Cancelled);
        return new RawUpstream(app);
    }

    /// <summary>A chunk with one delta.</summary>
    public static string Chunk(string field, string text) =>
        $$$"""data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"{{{field}}}":{{{System.Text.Json.JsonSerializer.Serialize(text)}}}},"finish_reason":null}]}""" + "\n\n";

    public const string Finish = """data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""" + "\n\ndata: [DONE]\n\n";

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
