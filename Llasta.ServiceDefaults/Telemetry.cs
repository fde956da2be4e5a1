using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Llasta.ServiceDefaults;

/// <summary>OpenTelemetry over OTLP.</summary>
public static class Telemetry
{
    private const string CollectorSetting = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>
    /// Sends logs, metrics and traces over OTLP when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set; otherwise nothing listens
    /// and nothing is paid. The other <c>OTEL_*</c> variables are the SDK's own.
    /// </summary>
    /// <exception cref="OptionsValidationException">The address, a header or a certificate is wrong.</exception>
    public static void AddTelemetry(this IHostApplicationBuilder builder)
    {
        var collector = builder.Configuration[CollectorSetting];
        if (string.IsNullOrWhiteSpace(collector))
            return;
        // The SDK would say nothing, and send nothing.
        if (!(Uri.TryCreate(collector, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"))
            throw new OptionsValidationException(CollectorSetting, typeof(Uri), [$"{CollectorSetting} is '{StartUp.WithoutCredentials(collector)}'; it must be an http or https address, like http://localhost:4317."]);
        CheckExporter(address);

        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });
        builder.Services.AddOpenTelemetry()
            // In Kubernetes the pod's name. The SDK names no instance, and the counters of two pods would be one series. Aspire names its own.
            .ConfigureResource(resource => resource
                .AddAttributes([new("service.instance.id", Environment.MachineName)])
                .AddEnvironmentVariableDetector())
            .WithMetrics(metrics => metrics
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation()
                .AddMeter("Llasta.*"))
            .WithTracing(tracing => tracing
                .AddSource("Llasta.*")
                // Probes come every few seconds and would drown the turns.
                .AddAspNetCoreInstrumentation(o => o.Filter = http => !Health.IsProbe(http.Request.Path))
                // An https model's requests; over plain HTTP the turn's own span is the client's.
                .AddHttpClientInstrumentation())
            .UseOtlpExporter();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddHostedService<TelemetryFailures>();
        // Services stop in the reverse order of their registration: this one last.
        builder.Services.Insert(0, ServiceDescriptor.Singleton<IHostedService, LastTelemetry>());
    }

    /// <summary>Makes an exporter, as the SDK does later: what it then says about a wrong header or certificate doesn't name the setting.</summary>
    private static void CheckExporter(Uri collector)
    {
        try
        {
            new OtlpTraceExporter(new OtlpExporterOptions { Endpoint = collector }).Dispose();
        }
        catch (Exception e)
        {
            throw new OptionsValidationException(CollectorSetting, typeof(OtlpExporterOptions), [$"OTEL_EXPORTER_OTLP_HEADERS (like key=value,key=value), OTEL_EXPORTER_OTLP_CERTIFICATE or a client certificate is wrong: {e.Message}"]);
        }
    }
}
