using Llasta.ModelSim.Endpoints;
using Llasta.ModelSim.Generation;
using Llasta.ModelSim.Protocol;
using Llasta.ModelSim.Settings;
using Llasta.ServiceDefaults;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;

namespace Llasta.ModelSim;

/// <summary>A server that speaks vLLM's OpenAI dialect and says, in prepared answers, that no real model is connected.</summary>
public static partial class ModelSimApplication
{
    /// <summary>
    /// Builds the server; <c>StartAsync</c> returns once it listens, which is after <see cref="ModelSimOptions.StartupDelay"/>.
    /// It reads <c>Sim:</c> settings and <c>--urls</c> from <paramref name="args"/>, then from the environment, and no files:
    /// inside another process it shares nothing with that process's own application. Without a URL it listens on
    /// <c>http://localhost:8000</c>, as vLLM does; with port 0 the bound address is in <c>app.Urls</c> after the start.
    /// </summary>
    /// <param name="args">Such as <c>--urls http://127.0.0.1:0 --Sim:TokensPerSecond 0</c>.</param>
    /// <param name="configure">Changes the settings after that.</param>
    /// <exception cref="OptionsValidationException">A setting has a wrong value; the message names it.</exception>
    public static WebApplication Create(string[] args, Action<ModelSimOptions>? configure = null) => Create(args, configure, ownProcess: false);

    private static WebApplication Create(string[] args, Action<ModelSimOptions>? configure, bool ownProcess)
    {
        ArgumentNullException.ThrowIfNull(args);
        var options = StartUpSettings.Bind(args, configure);
        var builder = WebApplication.CreateEmptyBuilder(new() { ApplicationName = typeof(ModelSimApplication).Namespace });
        builder.WebHost.UseKestrelCore().UseUrls(StartUpSettings.Urls(args)).ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // uvicorn waits for slow readers without a limit.
            kestrel.Limits.MinResponseDataRate = null;
        });
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true)
            .SetMinimumLevel(LogLevel.Warning)
            .AddFilter(typeof(ModelSimApplication).FullName, LogLevel.Information);
        if (ownProcess)
        {
            // Inside another process that process's telemetry sees the simulator's requests as well.
            builder.Configuration.AddEnvironmentVariables();
            // A container's way to name its port. The addresses are set above, and the framework warns of a second source.
            builder.Configuration["HTTP_PORTS"] = null;
            builder.AddTelemetry();
        }
        else
        {
            // The stop signal is for the other application, which drains and needs this model meanwhile.
            builder.Services.AddSingleton<IHostLifetime, EmbeddedLifetime>();
        }

        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(new LiveSettings(options));
        builder.Services.AddSingleton<Engine>();
        builder.Services.AddHostedService(services => services.GetRequiredService<Engine>());
        // The simulator's own settings bound the shutdown.
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Timeout.InfiniteTimeSpan);

        var app = builder.Build();
        var engine = app.Services.GetRequiredService<Engine>();
        app.UseTrustedHosts();
        app.Use((context, next) => engine.Settings.Current.ApiKey is { Length: > 0 } key && !ApiKey.Accepts(context.Request, key)
            ? ApiKey.RefuseAsync(context.Response)
            : next(context));
        app.Use((context, next) => DescribeUnroutedAsync(context, next, engine.Settings));
        app.MapPost("/v1/chat/completions", context => ChatCompletions.HandleAsync(context, engine));
        app.MapServer(engine);
        app.MapControl(engine);
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(ModelSimApplication).FullName!);
        app.Lifetime.ApplicationStarted.Register(() =>
        {
            var addresses = string.Join(", ", app.Urls);
            Started(logger, options.Model, addresses);
        });
        return app;
    }

    /// <summary>Runs the server until it is told to stop.</summary>
    /// <returns>The process's exit code: 1, after one line on standard error, when it can't start.</returns>
    public static Task<int> RunAsync(string[] args) => StartUp.RunAsync(() => Task.FromResult(Create(args, configure: null, ownProcess: true)));

    // FastAPI's own bodies for a path or a method that it has no route for; the Rust front end has none.
    private static async Task DescribeUnroutedAsync(HttpContext context, RequestDelegate next, LiveSettings settings)
    {
        await next(context);
        var status = context.Response.StatusCode;
        if (!context.Response.HasStarted && (status == 405 || (status == 404 && context.GetEndpoint() is null)) && settings.Current.FrontEnd != FrontEnd.Rust)
            await context.Response.WriteJsonAsync(status, $$"""{"detail":"{{ReasonPhrases.GetReasonPhrase(status)}}"}""");
    }

    private sealed class EmbeddedLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Simulating {Model} at {Addresses}: no real model is connected")]
    private static partial void Started(ILogger logger, string model, string addresses);
}
