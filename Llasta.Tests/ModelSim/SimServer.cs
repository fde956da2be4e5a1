using System.Net;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Llasta.ModelSim;
using Microsoft.AspNetCore.Builder;
using Xunit;

namespace Llasta.Tests.ModelSim;

/// <summary>A simulator on a port of its own, as fast as it can be unless a test says otherwise.</summary>
internal sealed class SimServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private SimServer(WebApplication app)
    {
        _app = app;
        Client = new() { BaseAddress = new(app.Urls.Single()) };
    }

    public static CancellationToken Stop => TestContext.Current.CancellationToken;

    public HttpClient Client { get; }

    public static async Task<SimServer> StartAsync(Action<ModelSimOptions>? configure = null)
    {
        var app = ModelSimApplication.Create(["--urls", "http://127.0.0.1:0"], options =>
        {
            options.TokensPerSecond = 0;
            options.FirstTokenDelay = TimeSpan.Zero;
            configure?.Invoke(options);
        });
        await app.StartAsync(Stop);
        return new(app);
    }

    public Task StopAsync() => _app.StopAsync(Stop);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }

    /// <summary>A request for a stream, with what <paramref name="change"/> makes of it.</summary>
    public static JsonObject Ask(string text, Action<JsonObject>? change = null)
    {
        var body = new JsonObject
        {
            ["model"] = "Qwen/Qwen3-8B",
            ["stream"] = true,
            ["chat_template_kwargs"] = new JsonObject { ["enable_thinking"] = false },
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = text }),
        };
        change?.Invoke(body);
        return body;
    }

    public static void Think(JsonObject body) => body["chat_template_kwargs"] = new JsonObject { ["enable_thinking"] = true };

    public static void Whole(JsonObject body) => body["stream"] = false;

    /// <summary>Sends it; returns once the headers are there.</summary>
    public Task<HttpResponseMessage> SendAsync(JsonNode body, params (string Name, string Value)[] headers) => SendAsync(body, Stop, headers);

    public Task<HttpResponseMessage> SendAsync(JsonNode body, CancellationToken stop, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json") };
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
    }

    /// <summary>The whole response, as text.</summary>
    public async Task<string> ReadAsync(JsonNode body, params (string Name, string Value)[] headers)
    {
        using var response = await SendAsync(body, headers);
        return await response.Content.ReadAsStringAsync(Stop);
    }

    /// <summary>The whole stream, taken apart.</summary>
    public async Task<Streamed> StreamAsync(JsonNode body, params (string Name, string Value)[] headers)
    {
        using var response = await SendAsync(body, headers);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await Streamed.ReadAsync(await response.Content.ReadAsStreamAsync(Stop));
    }

    public async Task<(HttpStatusCode Status, JsonNode Body)> GetErrorAsync(JsonNode body, params (string Name, string Value)[] headers)
    {
        using var response = await SendAsync(body, headers);
        return (response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync(Stop))!);
    }

    public async Task<JsonElement> GetAsync(string path) => await Client.GetFromJsonAsync<JsonElement>(path, Stop);

    /// <summary>The newest request, once it is as wanted.</summary>
    public async Task<JsonElement> LastRequestAsync(Func<JsonElement, bool> asWanted)
    {
        JsonElement last = default;
        await UntilAsync(async () =>
        {
            var requests = (await GetAsync("/sim/requests")).GetProperty("requests");
            return requests.GetArrayLength() > 0 && asWanted(last = requests[requests.GetArrayLength() - 1]);
        });
        return last;
    }

    /// <summary>Asks until the answer is yes; gives up after half a minute.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        bound.CancelAfter(TimeSpan.FromSeconds(30));
        while (!await condition())
        {
            bound.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}

/// <summary>What a stream brought.</summary>
internal sealed record Streamed(string Content, string Thinking, string? FinishReason, bool Done, IReadOnlyList<JsonElement> Chunks)
{
    public JsonElement Usage => Chunks[^1].GetProperty("usage");

    public static async Task<Streamed> ReadAsync(Stream stream)
    {
        var (content, thinking, finishReason, done) = (new StringBuilder(), new StringBuilder(), (string?)null, false);
        var chunks = new List<JsonElement>();
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(SimServer.Stop))
        {
            if (item.Data == "[DONE]")
            {
                done = true;
                continue;
            }
            var chunk = JsonElement.Parse(item.Data);
            chunks.Add(chunk);
            if (!chunk.TryGetProperty("choices", out var choices) || choices.GetArrayLength() == 0)
                continue;
            var delta = choices[0].GetProperty("delta");
            content.Append(Text(delta, "content"));
            thinking.Append(Text(delta, "reasoning"));
            finishReason ??= Text(choices[0], "finish_reason");
        }
        return new(content.ToString(), thinking.ToString(), finishReason, done, chunks);
    }

    private static string? Text(JsonElement owner, string name) => owner.TryGetProperty(name, out var text) ? text.GetString() : null;
}
