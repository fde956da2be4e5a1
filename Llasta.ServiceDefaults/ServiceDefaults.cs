using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Llasta.ServiceDefaults;

/// <summary>What every service of the chatbot has: telemetry, health, service discovery and a graceful drain.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>Registers telemetry, health checks, service discovery and the drain.</summary>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
    {
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
}
