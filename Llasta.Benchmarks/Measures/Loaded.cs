using Llasta.Benchmarks.Load;
using Llasta.Benchmarks.Services;

namespace Llasta.Benchmarks.Measures;

/// <summary>Measures the CPU time per token and the delay that a route adds to each token, with many streams of 50 tokens/s.</summary>
internal static class Loaded
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    public static async Task MeasureAsync(Installation installation, Uri upstream, BenchmarkOptions options, Report report)
    {
        await using var routes = await Routes.StartAsync(installation, upstream);
        var prompt = options.Upstream is null ? null : "Write an essay of 400 words about rivers.";
        var tokens = options.Seconds * 50;
        foreach (var route in routes.All)
        {
            for (var i = 0; i < 2; i++)
                await LoadedRun.RunAsync(route, options.Streams[0], tokens, Interval, prompt);
        }

        foreach (var streams in options.Streams)
        {
            var runs = routes.All.ToDictionary(route => route, _ => new List<LoadedRun>());
            for (var round = 0; round < options.Rounds; round++)
            {
                foreach (var route in routes.All)
                    runs[route].Add(await LoadedRun.RunAsync(route, streams, tokens, Interval, prompt));
            }

            var direct = Delays(runs[routes[Route.Direct]]);
            var nginx = routes.All.FirstOrDefault(route => route.Name == Route.Nginx) is { } proxy ? Cpu(runs[proxy]) : null;
            report.Add($"{streams} streams of 50 tokens/s, median of {options.Rounds} rounds", routes.All.Select(route =>
            {
                var delays = Delays(runs[route]);
                var hasClock = delays[0] > 0;
                double? Added(int i) => route.Name == Route.Direct || !hasClock ? null : delays[i] - direct[i];
                return (route.Name, new Figure[]
                {
                    new("CPU µs/token", Cpu(runs[route])),
                    new("× nginx", Cpu(runs[route]) / nginx),
                    new("delay p50 ms", hasClock ? delays[0] : null),
                    new("p99 ms", hasClock ? delays[1] : null),
                    new("max ms", hasClock ? delays[2] : null),
                    new("added p50 ms", Added(0)),
                    new("added p99 ms", Added(1)),
                    new("lost streams", runs[route].Sum(run => streams - run.Complete)),
                });
            }));
        }
    }

    private static double? Cpu(List<LoadedRun> runs) => runs[0].CpuPerToken is null ? null : runs.Select(run => run.CpuPerToken!.Value).Median();

    private static double[] Delays(List<LoadedRun> runs) =>
    [
        runs.Select(run => Quantiles.At(run.DelaysMs, 0.5)).Median(),
        runs.Select(run => Quantiles.At(run.DelaysMs, 0.99)).Median(),
        runs.Max(run => Quantiles.At(run.DelaysMs, 1)),
    ];
}
