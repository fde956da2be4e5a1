using Llasta.ModelSim.Generation;

namespace Llasta.ModelSim;

/// <summary>
/// Starts and stops as vLLM does. Until the model has loaded, the port refuses connections. After SIGTERM, the engine dies at once
/// or, with a shutdown timeout, lets running streams finish while the port still answers; streams that outlast the timeout are silent
/// on a closed port.
/// </summary>
internal sealed class ServerLifecycle(Engine engine) : IHostedLifecycleService
{
    // For the last events of streams whose clients read slowly.
    private static readonly TimeSpan LastWrites = TimeSpan.FromSeconds(5);

    // The host waits for the delay before it opens the port.
    public Task StartingAsync(CancellationToken cancellationToken) => Task.Delay(engine.Settings.Current.StartupDelay, engine.Time, cancellationToken);

    // The host waits for it before it closes the port.
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        var options = engine.Settings.Current;
        if (options.ShutdownTimeout == TimeSpan.Zero)
            await engine.DieAsync();
        else
            await engine.DrainAsync(options.ShutdownTimeout, cancellationToken);
        engine.EndAfter(engine.State switch
        {
            EngineState.Dead => LastWrites,
            EngineState.Silent => options.ShutdownSilence,
            _ => TimeSpan.Zero,
        });
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
