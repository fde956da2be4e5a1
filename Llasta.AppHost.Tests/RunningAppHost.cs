using System.Collections.Concurrent;
using System.Reflection;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Llasta.AppHost.Model;
using Llasta.AppHost.Tests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

[assembly: AssemblyFixture(typeof(RunningAppHost))]

namespace Llasta.AppHost.Tests;

/// <summary>The AppHost with the simulator and the dashboard, started once by the orchestrator from Aspire's packages.</summary>
public sealed class RunningAppHost : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private DistributedApplication? _app;

    /// <summary>What was logged as an error so far.</summary>
    public ConcurrentQueue<string> Errors { get; } = new();

    /// <summary>The application. Skips the test where the orchestrator is missing.</summary>
    public DistributedApplication App
    {
        get
        {
            Assert.SkipWhen(_app is null, $"The orchestrator is not at '{Orchestrator}', so the AppHost was NOT started.");
            return _app!;
        }
    }

    private static string? Orchestrator => Environment.GetEnvironmentVariable("DcpPublisher__CliPath") ?? typeof(BackendChoice).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(data => data.Key.Equals("dcpclipath", StringComparison.OrdinalIgnoreCase))?.Value;

    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(Orchestrator))
            return;

        using var limit = new CancellationTokenSource(Patience);
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Llasta_AppHost>(
            new DistributedApplicationTestingBuilderOptions { EnableDashboard = true }, ["--Model:Backend=sim"], cancellationToken: limit.Token);
        builder.Services.AddLogging(logging => logging.AddProvider(new ErrorLog(Errors)));
        _app = await builder.BuildAsync(limit.Token);
        await _app.StartAsync(limit.Token);
        foreach (var resource in (string[])["vllm", "chatapi", "chatbot"])
            await _app.ResourceNotifications.WaitForResourceHealthyAsync(resource, limit.Token);
    }

    /// <summary>Runs a command of the dashboard, such as <c>start</c>, on a resource.</summary>
    public async Task<ExecuteCommandResult> CommandAsync(string resource, string command) =>
        await App.Services.GetRequiredService<ResourceCommandService>().ExecuteCommandAsync(resource, command, TestContext.Current.CancellationToken);

    public async Task WaitForAsync(string resource, string state)
    {
        using var limit = Limit();
        await App.ResourceNotifications.WaitForResourceAsync(resource, state, limit.Token);
    }

    public async Task StartAgainAsync(string resource)
    {
        var started = await CommandAsync(resource, "start");
        Assert.True(started.Success, started.Message);
        using var limit = Limit();
        await App.ResourceNotifications.WaitForResourceHealthyAsync(resource, limit.Token);
    }

    /// <summary>The value of a property that the dashboard shows without "Show all".</summary>
    public string? ShownProperty(string resource, string name) => App.ResourceNotifications.TryGetCurrentState(resource, out var state)
        ? state.Snapshot.Properties.SingleOrDefault(property => property.Name == name && property.IsHighlighted)?.Value?.ToString()
        : null;

    public async ValueTask DisposeAsync()
    {
        if (_app is null)
            return;
        using var limit = new CancellationTokenSource(Patience);
        await _app.StopAsync(limit.Token);
        await _app.DisposeAsync();
    }

    private static CancellationTokenSource Limit()
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        return limit;
    }

    private sealed class ErrorLog(ConcurrentQueue<string> errors) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => new Logger(categoryName, errors);

        public void Dispose()
        {
        }

        private sealed class Logger(string category, ConcurrentQueue<string> errors) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

            // A health check that fails while its service starts or is stopped is logged as an error of health checks.
            public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error && !category.StartsWith("Microsoft.Extensions.Diagnostics.HealthChecks", StringComparison.Ordinal);

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            {
                if (IsEnabled(logLevel))
                    errors.Enqueue($"{category}: {formatter(state, exception)} {exception}");
            }
        }
    }
}
