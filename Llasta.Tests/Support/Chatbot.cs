using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Llasta.ChatApi;
using Llasta.ModelSim;
using Llasta.Web;
using Microsoft.AspNetCore.Builder;
using Xunit;

namespace Llasta.Tests.Support;

/// <summary>The ways in which the parts are composed.</summary>
public enum Form
{
    /// <summary>The chat API in its own process's form, asked directly.</summary>
    ChatApiAlone,

    /// <summary>The page's process hosts the chat API.</summary>
    SingleProcess,

    /// <summary>The page's process forwards to the chat API's: Aspire's and Kubernetes' form.</summary>
    Split,

    /// <summary>The same, with the framework's own HTTP client and server output (<c>Streaming:UseFramework</c>).</summary>
    SplitOnFramework,
}

/// <summary>The chatbot in one of its forms, on ports of its own, in front of a simulator or another address.</summary>
internal sealed class Chatbot : IAsyncDisposable
{
    private readonly List<WebApplication> _running = [];
    private IAsyncDisposable? _upstream;

    public static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>The application that a browser talks to.</summary>
    public WebApplication Front => _running[^1];

    /// <summary>The application that relays turns.</summary>
    public WebApplication Api { get; private set; } = null!;

    public HttpClient Client { get; private set; } = null!;

    /// <summary>A client of the simulator itself, for <c>/sim</c>; null without a simulator.</summary>
    public HttpClient? Model { get; private set; }

    /// <param name="form">How the parts are composed.</param>
    /// <param name="model">Changes the simulator's settings; by default it answers as fast as it can.</param>
    /// <param name="baseUrl">The address of another model server, instead of a simulator.</param>
    /// <param name="settings">Settings of the chat API and the page, like <c>Chat:MaxMessages=2</c>.</param>
    /// <param name="frontSettings">Settings of <see cref="Front"/> alone.</param>
    public static async Task<Chatbot> StartAsync(Form form, Action<ModelSimOptions>? model = null, string? baseUrl = null, string[]? frontSettings = null, params string[] settings)
    {
        var chatbot = new Chatbot();
        if (baseUrl is null)
        {
            var simulator = ModelSimApplication.Create(["--urls", "http://127.0.0.1:0"], options =>
            {
                options.TokensPerSecond = 0;
                options.FirstTokenDelay = TimeSpan.Zero;
                model?.Invoke(options);
            });
            baseUrl = await chatbot.RunAsync(simulator);
            chatbot.Model = new HttpClient { BaseAddress = new Uri(baseUrl) };
            baseUrl += "/v1";
        }

        string[] common = ["--urls=http://127.0.0.1:0", "--environment=Production", "--Logging:LogLevel:Default=Warning", $"--Streaming:UseFramework={form == Form.SplitOnFramework}", .. settings.Select(s => $"--{s}")];
        string[] upstream = [.. common, $"--OPENAI_API_BASE_URL={baseUrl}"];
        string[] ofFront = [.. (frontSettings ?? []).Select(s => $"--{s}")];
        var front = "";
        if (form is not Form.SingleProcess)
        {
            chatbot.Api = ChatApiApplication.Create(form == Form.ChatApiAlone ? [.. upstream, .. ofFront] : upstream);
            front = await chatbot.RunAsync(chatbot.Api);
        }

        if (form == Form.SingleProcess)
        {
            chatbot.Api = await ChatbotApplication.CreateAsync([.. upstream, .. ofFront]);
            front = await chatbot.RunAsync(chatbot.Api);
        }
        else if (form is not Form.ChatApiAlone)
        {
            front = await chatbot.RunAsync(await ChatbotApplication.CreateAsync([.. common, .. ofFront, $"--services:chatapi:http:0={front}"]));
        }

        chatbot.Client = new HttpClient { BaseAddress = new Uri(front), Timeout = Timeout.InfiniteTimeSpan };
        return chatbot;
    }

    /// <summary>Makes this chatbot dispose its model server with itself.</summary>
    public Chatbot Owning(IAsyncDisposable upstream)
    {
        _upstream = upstream;
        return this;
    }

    private async Task<string> RunAsync(WebApplication app)
    {
        await app.StartAsync(Cancelled);
        _running.Add(app);
        return app.Urls.Single();
    }

    /// <summary>Sends a turn; returns when the head of the response has been read.</summary>
    public Task<HttpResponseMessage> SendAsync(object request, CancellationToken? cancellation = null, params (string Name, string Value)[] headers) =>
        SendAsync("/api/chat", new StringContent(JsonSerializer.Serialize(request), Encoding.UTF8, "application/json"), cancellation, headers);

    public Task<HttpResponseMessage> SendAsync(string path, HttpContent content, CancellationToken? cancellation = null, params (string Name, string Value)[] headers)
    {
        var message = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        foreach (var (name, value) in headers)
            message.Headers.TryAddWithoutValidation(name, value);
        return Client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellation ?? Cancelled);
    }

    /// <summary>Sends a turn until it is accepted, as the page does, and reads the answer to its end.</summary>
    public async Task<Answer> AskUntilAcceptedAsync(object request)
    {
        while (true)
        {
            using var response = await SendAsync(request);
            if (response.IsSuccessStatusCode)
                return await Answer.ReadAsync(response);
        }
    }

    /// <summary>Sends a turn that must be answered with 200, and reads the answer to its end.</summary>
    public async Task<Answer> AskAsync(object request)
    {
        using var response = await SendAsync(request);
        Assert.True(response.IsSuccessStatusCode, await Describe(response));
        return await Answer.ReadAsync(response);

        static async Task<string> Describe(HttpResponseMessage response) =>
            response.IsSuccessStatusCode ? "" : await response.Content.ReadAsStringAsync(Cancelled);
    }

    /// <summary>Sends a turn that must be refused.</summary>
    public async Task<(int Status, JsonElement Problem, HttpResponseMessage Response)> RefusedAsync(object request)
    {
        var response = await SendAsync(request);
        return await ProblemAsync(response);
    }

    public static async Task<(int Status, JsonElement Problem, HttpResponseMessage Response)> ProblemAsync(HttpResponseMessage response)
    {
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(Cancelled);
        Assert.Equal((int)response.StatusCode, problem.GetProperty("status").GetInt32());
        Assert.NotEmpty(problem.GetProperty("title").GetString()!);
        Assert.NotEmpty(problem.GetProperty("detail").GetString()!);
        Assert.Equal($"urn:llasta:problem:{problem.GetProperty("code").GetString()}", problem.GetProperty("type").GetString());
        return ((int)response.StatusCode, problem, response);
    }

    /// <summary>Waits until the simulator's newest request meets a condition.</summary>
    public async Task<JsonElement> ModelSawAsync(Func<JsonElement, bool> condition)
    {
        JsonElement? newest = null;
        await Eventually.TrueAsync(async () =>
        {
            var requests = (await Model!.GetFromJsonAsync<JsonElement>("/sim/requests", Cancelled)).GetProperty("requests");
            newest = requests.GetArrayLength() > 0 ? requests[requests.GetArrayLength() - 1] : null;
            return newest is { } request && condition(request);
        }, () => $"The simulator's newest request is {newest}.");
        return newest!.Value;
    }

    public async Task<int> ModelRequestsAsync() =>
        (await Model!.GetFromJsonAsync<JsonElement>("/sim/requests", Cancelled)).GetProperty("requests").GetArrayLength();

    public static object User(string text, bool thinking = false) => new { messages = new[] { new { role = "user", content = text } }, thinking };

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        Model?.Dispose();
        for (var i = _running.Count - 1; i >= 0; i--)
            await _running[i].DisposeAsync();
        if (_upstream is not null)
            await _upstream.DisposeAsync();
    }
}
