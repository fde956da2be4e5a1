using System.Collections.Concurrent;
using System.Diagnostics;
using Llasta.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>Telemetry at the end of a process.</summary>
public class LastTelemetryTests
{
    /// <summary>A pod's reserve is 10 s (docs/operations.md); the SDK itself takes up to 15 s if the collector doesn't answer.</summary>
    private const int MostMilliseconds = 3000;

    [Fact]
    public async Task What_is_left_is_sent_when_a_service_stops_and_has_a_time_limit()
    {
        var limits = new ConcurrentDictionary<string, int>();
        var builder = WebApplication.CreateSlimBuilder(["--OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "--urls=http://127.0.0.1:0"]);
        builder.AddServiceDefaults();
        builder.Services.ConfigureOpenTelemetryTracerProvider(traces => traces.AddProcessor(new Processor<Activity>("traces", limits)));
        builder.Services.ConfigureOpenTelemetryMeterProvider(metrics => metrics.AddReader(new Reader("metrics", limits)));
        builder.Services.ConfigureOpenTelemetryLoggerProvider(logs => logs.AddProcessor(new Processor<LogRecord>("logs", limits)));
        await using var app = builder.Build();
        await app.StartAsync(Chatbot.Cancelled);

        await app.StopAsync(Chatbot.Cancelled);

        Assert.Equal(["logs", "metrics", "traces"], limits.Keys.Order());
        Assert.All(limits.Values, limit => Assert.InRange(limit, 0, MostMilliseconds));
    }

    private sealed class Processor<T>(string signal, ConcurrentDictionary<string, int> limits) : BaseProcessor<T>
    {
        protected override bool OnShutdown(int timeoutMilliseconds) => limits.TryAdd(signal, timeoutMilliseconds);
    }

    private sealed class Reader(string signal, ConcurrentDictionary<string, int> limits) : MetricReader
    {
        protected override bool OnShutdown(int timeoutMilliseconds) => limits.TryAdd(signal, timeoutMilliseconds);
    }
}
