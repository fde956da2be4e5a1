using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Llasta.ServiceDefaults;

/// <summary>What every service of the chatbot has: telemetry, health, service discovery and a graceful drain.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>Registers telemetry, health checks, service discovery and the drain.</summary>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
    {
        builder.QuietFramework();
        builder.AddTelemetry();
        builder.AddHealth();
        builder.AddDrain();
        builder.Services.AddServiceDiscovery();
        return builder;
    }

    /// <summary>Maps <c>/health</c> and <c>/alive</c>.</summary>
    public static WebApplication MapServiceDefaults(this WebApplication app)
    {
        app.MapHealth();
        return app;
    }

    /// <summary>Two lines per request say nothing that the turn's own line doesn't. As the first source, so that any setting wins.</summary>
    private static void QuietFramework(this IHostApplicationBuilder builder) => ((IConfigurationBuilder)builder.Configuration).Sources.Insert(0, new MemoryConfigurationSource
    {
        InitialData = new Dictionary<string, string?>
        {
            ["Logging:LogLevel:Default"] = "Information",
            ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning",
            // Otherwise every request has an activity and a log scope, with telemetry or without; with it, the activity is there all the same.
            ["Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics"] = "None",
            ["Logging:LogLevel:System.Net.Http"] = "Warning",
        },
    });
}
