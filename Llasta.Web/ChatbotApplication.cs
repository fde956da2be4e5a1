using Llasta.ChatApi;
using Llasta.ServiceDefaults;

namespace Llasta.Web;

/// <summary>The page, and the forwarder to the chat API.</summary>
public static class ChatbotApplication
{
    /// <summary>
    /// Builds the application; the caller runs it. If a chat API is configured (<c>services:chatapi</c>, as Aspire and the manifests name
    /// it), <c>/api</c> is forwarded there. Otherwise this process hosts the chat API. Without an <c>OPENAI_API_BASE_URL</c>, it then uses a
    /// model server on this machine or the simulator, where <see cref="Launch"/> allows a guess.
    /// </summary>
    /// <param name="args">Settings as command-line arguments, like <c>--urls http://127.0.0.1:8080</c>.</param>
    public static async Task<WebApplication> CreateAsync(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            // Not the current folder: it may contain another program's settings.
            ContentRootPath = AppContext.BaseDirectory,
            Args = StartUp.WithoutWatching(args),
        });
        builder.AddServiceDefaults();
        var launch = Launch.Of(args, builder.Environment);
        if (!HasAddress(builder.Configuration))
            builder.WebHost.UseUrls(launch.DefaultAddress());

        IReadOnlyList<string> lines = [];
        var forwards = builder.Configuration.GetSection("services:chatapi").Exists();
        if (forwards)
        {
            builder.AddChatApiForwarder();
        }
        else
        {
            lines = await ModelChoice.ApplyAsync(builder.Configuration, launch.MaySearch);
            builder.AddChatApi();
        }

        if (launch.IsInteractive)
            builder.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        var app = builder.Build();
        app.UseSecurityHeaders();
        app.UseTrustedRequests();
        app.MapServiceDefaults();
        if (forwards)
            app.MapChatApiForwarder();
        else
            app.MapChatApi();
        app.MapPage();
        app.Lifetime.ApplicationStarted.Register(() => Say(launch.IsInteractive ? [.. lines, $"The page is at {PageAddress(app)} (Ctrl+C to stop)."] : lines));
        return app;
    }

    /// <summary>The address for a browser on this machine, once the application listens.</summary>
    internal static string PageAddress(WebApplication app) => BindingAddress.Parse(app.Urls.First()) is { Host: "*" or "+" or "0.0.0.0" or "[::]" } any
        ? $"{any.Scheme}://localhost:{any.Port}"
        : app.Urls.First();

    private static bool HasAddress(ConfigurationManager configuration) =>
        new[] { WebHostDefaults.ServerUrlsKey, WebHostDefaults.HttpPortsKey, WebHostDefaults.HttpsPortsKey }.Any(key => !string.IsNullOrEmpty(configuration[key]))
        || configuration.GetSection("Kestrel:Endpoints").Exists();

    private static void Say(IReadOnlyList<string> lines)
    {
        foreach (var line in lines)
            Console.WriteLine(line);
    }
}
