using Llasta.Benchmarks.Load;
using Llasta.Benchmarks.Services;

namespace Llasta.Benchmarks.Measures;

/// <summary>Measures the resident memory per open stream: new processes, a few streams to warm them up, then many slow streams.</summary>
internal static class OpenStreams
{
    private const int WarmUp = 50;

    public static async Task MeasureAsync(Installation installation, Uri upstream, BenchmarkOptions options, Report report)
    {
        var rows = new List<(string, Figure[])>();
        string[] names;
        await using (var routes = await Routes.StartAsync(installation, upstream))
            names = [.. routes.All.Where(route => route.Services.Length > 0).Select(route => route.Name)];
        foreach (var name in names)
        {
            // New processes for each route, because they would reuse the memory of an earlier route's streams.
            await using var routes = await Routes.StartAsync(installation, upstream);
            var route = routes[name];
            await LoadedRun.RunAsync(route, WarmUp, 50, TimeSpan.FromMilliseconds(20), options.Upstream is null ? null : "Say yes.");
            var before = Memory(route);
            var prompt = options.Upstream is null ? TokenSource.Prompt(3600, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)) : "Write an essay of 2000 words.";
            var open = new List<TokenStream>();
            for (var i = 0; i < options.OpenStreams; i++)
            {
                var stream = new TokenStream(route.Port, route.Path, null);
                open.Add(stream);
                await stream.SendAsync(route.Body(prompt));
            }

            var reading = open.Select(stream => stream.ReadAsync(5)).ToArray();
            await Task.WhenAll(reading);
            var after = Memory(route);
            var alive = open.Count(stream => stream.Events >= 5);
            foreach (var stream in open)
                stream.Dispose();
            rows.Add((name,
            [
                new("before MB", before / 1e6),
                new("open MB", after / 1e6),
                new("KB per stream", (after - before) / 1024.0 / options.OpenStreams),
                new("streams alive", alive),
            ]));
        }

        report.Add($"Memory with {options.OpenStreams} open streams of 1 token/s", rows);
    }

    private static long Memory(Route route) => route.Services.Sum(service => service.Memory);
}
