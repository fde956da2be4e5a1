using Llasta.ServiceDefaults;

namespace Llasta.ChatApi;

/// <summary>The chat API as a process of its own.</summary>
public static class ChatApiApplication
{
    /// <summary>Builds the application; the caller runs it.</summary>
    /// <param name="args">Settings as command-line arguments, like <c>--urls http://127.0.0.1:8081</c>.</param>
    public static WebApplication Create(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(StartUp.WithoutWatching(args));
        builder.AddServiceDefaults();
        builder.AddChatApi();

        var app = builder.Build();
        app.UseTrustedRequests();
        app.MapServiceDefaults();
        app.MapChatApi();
        return app;
    }
}
