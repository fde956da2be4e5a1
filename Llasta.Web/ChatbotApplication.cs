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
        var builder = WebApplication.CreateSlimBuilder(args);
        // The output of a build has a list of where the page's files are; published output has the files, and no list.
        builder.WebHost.UseStaticWebAssets();
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
        app.UseDefaultFiles();
        // Called explicitly, so that routing sees the path that UseDefaultFiles has written.
        app.UseRouting();
        app.MapServiceDefaults();
        if (forwards)
            app.MapChatApiForwarder();
        else
            app.MapChatApi();
        app.MapStaticAssets();
        return app;
    }

    private static async Task<string> StartSimulatorAsync()
    {
        var simulator = ModelSimApplication.Create(["--urls", "http://127.0.0.1:0"]);
        await simulator.StartAsync();
        return $"{simulator.Urls.First()}/v1";
    }
}
