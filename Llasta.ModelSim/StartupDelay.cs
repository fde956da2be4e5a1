using Llasta.ModelSim.Settings;

namespace Llasta.ModelSim;

/// <summary>Holds the start back before the server listens, as a loading vLLM does: connections are refused meanwhile.</summary>
internal sealed class StartupDelay(LiveSettings settings, TimeProvider time) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.Delay(settings.Current.StartupDelay, time, cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
