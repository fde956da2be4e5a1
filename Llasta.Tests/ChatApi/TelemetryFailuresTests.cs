using Llasta.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>A collector that takes no telemetry.</summary>
public class TelemetryFailuresTests
{
    [Fact]
    public async Task Telemetry_that_cannot_be_sent_is_told_in_one_line()
    {
        using var log = new AllLines();
        var builder = WebApplication.CreateSlimBuilder(["--OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "--urls=http://127.0.0.1:0"]);
        builder.AddServiceDefaults();
        builder.Logging.AddProvider(log);
        await using (var app = builder.Build())
        {
            await app.StartAsync(Chatbot.Cancelled);
            // Sends what is left.
            await app.StopAsync(Chatbot.Cancelled);
        }

        var (level, line) = Assert.Single(log.Take(), line => line.Line.Contains("OTEL_EXPORTER_OTLP_ENDPOINT", StringComparison.Ordinal));
        Assert.Equal(LogLevel.Warning, level);
        Assert.Contains("refused", line, StringComparison.Ordinal);
    }
}
