using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Reflection;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Llasta.AppHost.Model;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Llasta.AppHost.Tests;

/// <summary>The real thing, started by the orchestrator that comes with Aspire's packages.</summary>
public sealed class RunTests
{
    [Fact]
    public async Task Started_with_the_simulator_it_becomes_healthy_answers_through_the_page_and_logs_no_error()
    {
        SkipWithoutOrchestrator();
        var cancellation = TestContext.Current.CancellationToken;
        var errors = new ConcurrentQueue<string>();
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Llasta_AppHost>(["--Model:Backend=sim"], cancellation);
        builder.Services.AddLogging(logging => logging.AddProvider(new Errors(errors)));
        await using var app = await builder.BuildAsync(cancellation);
        await app.StartAsync(cancellation);
        foreach (var resource in (string[])["vllm", "chatapi", "chatbot"])
            await app.ResourceNotifications.WaitForResourceHealthyAsync(resource, cancellation);

        using var page = app.CreateHttpClient("chatbot", "http");
        Assert.Contains("\"simulated\":true", await page.GetStringAsync("/api/model", cancellation), StringComparison.Ordinal);
        var question = new { messages = new[] { new { role = "user", content = "Hello!" } }, thinking = true };
        using var answer = await page.PostAsJsonAsync("/api/chat", question, cancellation);
        var events = await answer.Content.ReadAsStringAsync(cancellation);
        Assert.StartsWith("event: start", events, StringComparison.Ordinal);
        Assert.Contains("event: reasoning", events, StringComparison.Ordinal);
        Assert.Contains("\"state\":\"done\"", events, StringComparison.Ordinal);

        var models = await app.Services.GetRequiredService<ResourceCommandService>().ExecuteCommandAsync("vllm", "list-models", cancellation);
        Assert.True(models.Success, models.Message);
        Assert.Equal("Qwen/Qwen3-8B", models.Data?.Value);

        var state = app.ResourceNotifications.TryGetCurrentState("vllm", out var current) ? current.Snapshot.Properties : [];
        Assert.Contains(state, property => property is { Name: "Backend", Value: "sim" });

        await app.StopAsync(cancellation);
        Assert.Empty(errors);
    }

    private static void SkipWithoutOrchestrator()
    {
        var orchestrator = Environment.GetEnvironmentVariable("DcpPublisher__CliPath") ?? typeof(BackendChoice).Assembly
            .GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(data => data.Key.Equals("dcpclipath", StringComparison.OrdinalIgnoreCase))?.Value;
        Assert.SkipUnless(File.Exists(orchestrator), $"The orchestrator isn't there ({orchestrator ?? "no path to it"}), so the AppHost was NOT started.");
    }

    private sealed class Errors(ConcurrentQueue<string> errors) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => new Logger(categoryName, errors);

        public void Dispose()
        {
        }

        private sealed class Logger(string category, ConcurrentQueue<string> errors) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

            // A health check that fails while its service starts is an error in the log of health checks, and in no other sense.
            public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error && !category.StartsWith("Microsoft.Extensions.Diagnostics.HealthChecks", StringComparison.Ordinal);

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            {
                if (IsEnabled(logLevel))
                    errors.Enqueue($"{category}: {formatter(state, exception)} {exception}");
            }
        }
    }
}
