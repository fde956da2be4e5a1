using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Llasta.ServiceDefaults;

internal static class Health
{
    private const string Readiness = "/health";
    private const string Liveness = "/alive";
    private const string Live = "live";

    internal static void AddHealth(this IHostApplicationBuilder builder) => builder.Services.AddHealthChecks()
        .AddCheck("self", () => HealthCheckResult.Healthy(), [Live]);

    /// <summary>
    /// <c>/health</c> is readiness: this process accepts new work. It never asks whether the model is up, because the page must be
    /// reachable to say that the model is loading. <c>/alive</c> is liveness. Both answer in every environment.
    /// </summary>
    internal static void MapHealth(this WebApplication app)
    {
        app.MapHealthChecks(Readiness);
        app.MapHealthChecks(Liveness, new HealthCheckOptions { Predicate = check => check.Tags.Contains(Live) });
    }

    internal static bool IsProbe(PathString path) => path == Readiness || path == Liveness;
}
