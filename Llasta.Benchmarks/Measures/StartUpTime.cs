using Llasta.Benchmarks.Services;

namespace Llasta.Benchmarks.Measures;

/// <summary>Measures the time from the start of a process to its first response.</summary>
internal static class StartUpTime
{
    public static async Task MeasureAsync(Installation installation, Uri upstream, BenchmarkOptions options, Report report)
    {
        var times = new Dictionary<string, List<ServiceProcess>>();
        for (var i = 0; i < options.Rounds * 3; i++)
        {
            await using var routes = await Routes.StartAsync(installation, upstream);
            foreach (var service in routes.All.Select(route => route.Services.FirstOrDefault()).OfType<ServiceProcess>())
                (times.TryGetValue(service.Name, out var seen) ? seen : times[service.Name] = []).Add(service);
        }

        report.Add($"Process start to first served request, {options.Rounds * 3} starts", times.Select(entry => (entry.Key, new Figure[]
        {
            new("median ms", entry.Value.Select(service => service.StartUp.TotalMilliseconds).Median()),
            new("max ms", entry.Value.Max(service => service.StartUp.TotalMilliseconds)),
        })));
    }
}
