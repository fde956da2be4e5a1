using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace Llasta.ChatApi.Relay;

/// <summary>One timer for all turns: heartbeats, and the end of turns on which nothing moves.</summary>
internal sealed partial class TurnSweep(TimeSpan heartbeatInterval, TimeSpan idleTimeout, TimeProvider time, ILogger<TurnSweep> log) : BackgroundService
{
    private readonly ConcurrentDictionary<Turn, bool> _turns = new();

    public void Add(Turn turn) => _turns.TryAdd(turn, true);

    public void Remove(Turn turn) => _turns.TryRemove(turn, out _);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var shortest = Math.Min(heartbeatInterval.TotalMilliseconds, idleTimeout.TotalMilliseconds);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(Math.Clamp(shortest / 4, 1, 1000)), time);
        try
        {
            // The host cancels this after the drain, so draining turns keep their heartbeats.
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                foreach (var (turn, _) in _turns)
                {
                    // A reader that takes nothing keeps nobody else waiting.
                    _ = SweepAsync(turn);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The host is stopping.
        }
    }

    private async Task SweepAsync(Turn turn)
    {
        try
        {
            await turn.SweepAsync(heartbeatInterval, idleTimeout);
        }
        catch (ObjectDisposedException)
        {
            // It ended while it was looked at.
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or OperationCanceledException)
        {
            LogFailed(log, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "A heartbeat could not be written; its turn ends by itself")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}

internal static class TurnSweepExtensions
{
    /// <summary>Registers the sweep.</summary>
    /// <param name="services">Of the host.</param>
    /// <param name="idleTimeout">Which of the settings, or more, ends an idle turn here.</param>
    internal static void AddTurnSweep(this IServiceCollection services, Func<ChatOptions, TimeSpan> idleTimeout)
    {
        services.AddSingleton(provider =>
        {
            var options = provider.GetRequiredService<IOptions<ChatOptions>>().Value;
            return new TurnSweep(options.HeartbeatInterval, idleTimeout(options), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<TurnSweep>>());
        });
        services.AddHostedService(provider => provider.GetRequiredService<TurnSweep>());
    }
}
