using System.Text.Json;

namespace Llasta.Benchmarks.Services;

/// <summary>A route to the model server.</summary>
/// <param name="Name">The name in the results.</param>
/// <param name="Port">The loopback port to connect to.</param>
/// <param name="Path">The path of the request.</param>
/// <param name="IsChat">Whether the request is one of the chat API; otherwise it is an OpenAI-compatible one.</param>
/// <param name="Services">The services whose costs count, the first one to receive a request first.</param>
internal sealed record Route(string Name, int Port, string Path, bool IsChat, ServiceProcess[] Services)
{
    public const string Direct = "direct";
    public const string Nginx = "nginx";
    public const string ChatApi = "chatapi";
    public const string Chatbot = "chatbot → chatapi";

    /// <summary>The request's body as JSON: the chat API's, or that of OpenAI-compatible servers.</summary>
    public byte[] Body(string prompt, bool thinking = false) => JsonSerializer.SerializeToUtf8Bytes(IsChat
        ? new { messages = Messages(prompt), thinking, @continue = false }
        : (object)new { model = "Qwen/Qwen3-8B", messages = Messages(prompt), stream = true, chat_template_kwargs = new { enable_thinking = thinking } });

    private static object[] Messages(string prompt) => [new { role = "user", content = prompt }];
}

/// <summary>All routes to one model server, with their processes.</summary>
internal sealed class Routes : IAsyncDisposable
{
    private readonly List<ServiceProcess> _services = [];

    public List<Route> All { get; } = [];

    /// <summary>Starts the services of all routes.</summary>
    /// <param name="installation">The services to start.</param>
    /// <param name="upstream">The address of the model server, which is already running and keeps running.</param>
    /// <param name="chatSettings">Environment variables of the chat API and the chatbot.</param>
    /// <param name="nginx">Whether to include nginx, if it is installed.</param>
    public static async Task<Routes> StartAsync(Installation installation, Uri upstream, Dictionary<string, string?>? chatSettings = null, bool nginx = true)
    {
        var routes = new Routes();
        routes.All.Add(new Route(Route.Direct, upstream.Port, "/v1/chat/completions", false, []));
        if (nginx && await Installation.StartNginxAsync(upstream) is { } proxy)
            routes.All.Add(new Route(Route.Nginx, proxy.Port, "/v1/chat/completions", false, [routes.Keep(proxy)]));
        var chatApi = routes.Keep(await installation.StartChatApiAsync(upstream, chatSettings));
        routes.All.Add(new Route(Route.ChatApi, chatApi.Port, "/api/chat", true, [chatApi]));
        var chatbot = routes.Keep(await installation.StartChatbotAsync(chatApi, chatSettings));
        routes.All.Add(new Route(Route.Chatbot, chatbot.Port, "/api/chat", true, [chatbot, chatApi]));
        return routes;
    }

    public Route this[string name] => All.Single(route => route.Name == name);

    public async ValueTask DisposeAsync()
    {
        foreach (var service in _services)
            await service.DisposeAsync();
    }

    private ServiceProcess Keep(ServiceProcess service)
    {
        _services.Add(service);
        return service;
    }
}
