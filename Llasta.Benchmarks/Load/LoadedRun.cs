using System.Diagnostics;
using Llasta.Benchmarks.Services;

namespace Llasta.Benchmarks.Load;

/// <summary>Many streams at the same time on one route: what they met, and what it cost.</summary>
internal sealed record LoadedRun(int Complete, int Tokens, TimeSpan Cpu, double[] DelaysMs)
{
    /// <summary>In µs of all the route's services; null on a route without any.</summary>
    public double? CpuPerToken => Cpu == TimeSpan.Zero ? null : Cpu.TotalMicroseconds / Tokens;

    /// <param name="route">The way to go.</param>
    /// <param name="streams">How many at the same time; they begin spread over one interval.</param>
    /// <param name="tokens">The length of each.</param>
    /// <param name="interval">From token to token.</param>
    /// <param name="prompt">What to ask another model server than the token source; null asks the source.</param>
    public static async Task<LoadedRun> StartAsync(Route route, int streams, int tokens, TimeSpan interval, string? prompt = null)
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
