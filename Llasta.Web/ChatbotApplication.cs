using Llasta.ChatApi;
using Llasta.ModelSim;
using Llasta.ServiceDefaults;

namespace Llasta.Web;

/// <summary>The page, and the forwarder to the chat API.</summary>
public static class ChatbotApplication
{
    /// <summary>
    /// Builds the application; the caller runs it. If a chat API is configured (<c>services:chatapi</c>, as Aspire and the manifests name
    /// it), <c>/api</c> is forwarded there. Otherwise this process hosts the chat API, and in Development without an
    /// <c>OPENAI_API_BASE_URL</c> also the simulator.
    /// </summary>
    /// <param name="args">Settings as command-line arguments, like <c>--urls http://127.0.0.1:8080</c>.</param>
    public static async Task<WebApplication> CreateAsync(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            // The current folder is anyone's: it may hold another program's settings, and a watcher of a home folder visits all of it.
            ContentRootPath = AppContext.BaseDirectory,
            Args = ["--hostBuilder:reloadConfigOnChange=false", .. args],
        });
        builder.AddServiceDefaults();

        var forwards = builder.Configuration.GetSection("services:chatapi").Exists();
        if (forwards)
        {
            builder.AddChatApiForwarder();
        }
        else
        {
            if (builder.Environment.IsDevelopment() && string.IsNullOrEmpty(builder.Configuration["OPENAI_API_BASE_URL"]))
                builder.Configuration["OPENAI_API_BASE_URL"] = await StartSimulatorAsync();
            builder.AddChatApi();
        }

        var app = builder.Build();
        app.UseSecurityHeaders();
        app.UseTrustedRequests();
        app.MapServiceDefaults();
        if (forwards)
            app.MapChatApiForwarder();
        else
            app.MapChatApi();
        app.MapPage();
        return app;
    }

    private static async Task<string> StartSimulatorAsync()
    {
        var simulator = ModelSimApplication.Create(["--urls", "http://127.0.0.1:0"]);
        await simulator.StartAsync();
        return $"{simulator.Urls.First()}/v1";
    }
}
