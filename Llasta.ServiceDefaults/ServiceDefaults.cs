using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Console;

namespace Llasta.ServiceDefaults;

/// <summary>What every service of the chatbot has: telemetry, health and service discovery.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>Checks the settings of the framework that a service has, and registers telemetry, health checks and service discovery.</summary>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">A setting is wrong.</exception>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
    {
        StartUp.CheckAddresses(builder.Configuration);
        StartUp.CheckLog(builder.Configuration);
        builder.QuietFramework();
        builder.FormatLog();
        builder.AddTelemetry();
        builder.AddHealth();
        builder.Services.AddServiceDiscovery();
        return builder;
    }

    /// <summary>Maps <c>/health</c> and <c>/alive</c>.</summary>
    public static WebApplication MapServiceDefaults(this WebApplication app)
    {
        app.MapHealth();
        return app;
    }

    /// <summary>The form of the log as it is set. A slim builder chooses one itself, and the setting has no effect.</summary>
    private static void FormatLog(this IHostApplicationBuilder builder)
    {
        if (builder.Configuration[StartUp.LogFormat] is { Length: > 0 } format)
            builder.Services.PostConfigure<ConsoleLoggerOptions>(console => console.FormatterName = format);
    }

    /// <summary>
    /// Turns off the framework's two lines per request; the chat API logs one line per turn. No request waits for the log. The first
    /// source, so that any other setting overrides it.
    /// </summary>
    private static void QuietFramework(this IHostApplicationBuilder builder) => ((IConfigurationBuilder)builder.Configuration).Sources.Insert(0, new MemoryConfigurationSource
    {
        InitialData = new Dictionary<string, string?>
        {
            ["Logging:LogLevel:Default"] = "Information",
            ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning",
            // Otherwise every request has an activity and a log scope even without telemetry. With telemetry the activity exists anyway.
            ["Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics"] = "None",
            ["Logging:LogLevel:System.Net.Http"] = "Warning",
            // A start that failed, with its whole trace: StartUp says it in one line.
            ["Logging:LogLevel:Microsoft.Extensions.Hosting.Internal.Host"] = "Critical",
            // Otherwise a log that nobody reads fills up, and then whoever logs waits: no answer goes on, and no probe is answered.
            ["Logging:Console:QueueFullMode"] = "DropWrite",
            // The level and the text of an event stay together, whatever sorts or searches the lines.
            ["Logging:Console:FormatterOptions:SingleLine"] = "true",
        },
    });
}
