using System.Diagnostics;
using Llasta.Benchmarks.Services;

namespace Llasta.Benchmarks.Load;

/// <summary>The result of many concurrent streams on one route.</summary>
/// <param name="Complete">The number of streams that arrived completely.</param>
/// <param name="Tokens">The number of tokens that arrived.</param>
/// <param name="Cpu">The CPU time of all the route's services.</param>
/// <param name="DelaysMs">Each token's delay in ms, in ascending order; empty if the tokens contain no timestamp.</param>
internal sealed record LoadedRun(int Complete, int Tokens, TimeSpan Cpu, double[] DelaysMs)
{
    /// <summary>CPU time of all the route's services, in µs per token; null if the route has no service.</summary>
    public double? CpuPerToken => Cpu == TimeSpan.Zero ? null : Cpu.TotalMicroseconds / Tokens;

    /// <summary>Runs the streams to their end.</summary>
    /// <param name="route">The route to measure.</param>
    /// <param name="streams">The number of concurrent streams. Their starts are spread out, so that their tokens are not all due at the same time.</param>
    /// <param name="tokens">The number of tokens in each stream.</param>
    /// <param name="interval">The time between two tokens of a stream.</param>
    /// <param name="prompt">The prompt for a model server other than the token source; null for the token source.</param>
    public static async Task<LoadedRun> RunAsync(Route route, int streams, int tokens, TimeSpan interval, string? prompt = null)
    {
        var arrivals = new Arrivals(streams * tokens);
        var body = route.Body(prompt ?? TokenSource.Prompt(tokens, interval, interval));
        var before = CpuTime(route);
        var running = new Task<(bool, int)>[streams];
        for (var i = 0; i < streams; i++)
        {
            running[i] = Task.Run(() => OneAsync(route, body, arrivals));
            await Task.Delay(i % Math.Max(1, streams / 50) == 0 ? 10 : 0);
        }

        var ended = await Task.WhenAll(running);
        var cpu = CpuTime(route) - before;
        var delays = arrivals.Delays.ToArray().Select(Milliseconds).Order().ToArray();
        return new LoadedRun(ended.Count(stream => stream.Item1), delays.Length > 0 ? delays.Length : ended.Sum(stream => stream.Item2), cpu, delays);
    }

    public static double Milliseconds(long ticks) => ticks * 1000.0 / Stopwatch.Frequency;

    private static async Task<(bool Complete, int Events)> OneAsync(Route route, byte[] body, Arrivals arrivals)
    {
        using var stream = new TokenStream(route.Port, route.Path, arrivals);
        await stream.SendAsync(body);
        await stream.ReadAsync();
        return (stream.Complete, stream.Events);
    }

    private static TimeSpan CpuTime(Route route) => route.Services.Aggregate(TimeSpan.Zero, (sum, service) => sum + service.CpuTime);
}
