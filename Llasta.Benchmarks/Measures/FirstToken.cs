using Llasta.Benchmarks.Load;
using Llasta.Benchmarks.Services;

namespace Llasta.Benchmarks.Measures;

/// <summary>Measures the time from the request to the first token, with one request at a time and alternating routes.</summary>
internal static class FirstToken
{
    private const int WarmUp = 50;

    public static async Task MeasureAsync(Installation installation, Uri upstream, BenchmarkOptions options, Report report)
    {
        await using var routes = await Routes.StartAsync(installation, upstream);
        var prompt = options.Upstream is null ? TokenSource.Prompt(2, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1)) : "Say yes.";
        var times = routes.All.ToDictionary(route => route.Name, _ => new List<double>());
        for (var i = 0; i < WarmUp + options.Rounds * 100; i++)
        {
            foreach (var route in routes.All)
            {
                using var stream = new TokenStream(route.Port, route.Path, null);
                await stream.SendAsync(route.Body(prompt));
                if (!await stream.ReadAsync())
                    throw new InvalidOperationException($"{route.Name} did not answer: {stream.ResponseStart}");
                if (i >= WarmUp)
                    times[route.Name].Add(LoadedRun.Milliseconds(stream.FirstTokenAt - stream.SentAt));
            }
        }

        var sorted = times.ToDictionary(entry => entry.Key, entry => entry.Value.Order().ToArray());
        double At(string route, double share) => Quantiles.At(sorted[route], share);
        report.Add($"First token, {options.Rounds * 100} requests, one at a time", routes.All.Select(route => (route.Name, new Figure[]
        {
            new("p50 ms", At(route.Name, 0.5)),
            new("p99 ms", At(route.Name, 0.99)),
            new("max ms", At(route.Name, 1)),
            new("added p50 ms", route.Name == Route.Direct ? null : At(route.Name, 0.5) - At(Route.Direct, 0.5)),
            new("added p99 ms", route.Name == Route.Direct ? null : At(route.Name, 0.99) - At(Route.Direct, 0.99)),
        })));
    }
}
