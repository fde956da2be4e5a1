using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Llasta.Benchmarks.Load;
using Llasta.Benchmarks.Services;

namespace Llasta.Benchmarks.Measures;

/// <summary>
/// Measures the time from the moment a reader closes its request until the simulator sees its own connection closed, in each phase of a
/// turn. The simulator records whole milliseconds.
/// </summary>
internal static partial class Stop
{
    /// <summary>Streams per batch. The simulator records its last 256 requests, so a batch must be smaller.</summary>
    private const int Streams = 30;

    private const string Endless = "Write 20000 tokens.";

    private static readonly (string Phase, string Settings, bool Thinking, int Events)[] Phases =
    [
        ("queued", """{"QueueDelay":60000,"ThinkingTokens":0}""", false, 1),
        ("thinking", """{"QueueDelay":0,"ThinkingTokens":20000}""", true, 3),
        ("answering", """{"QueueDelay":0,"ThinkingTokens":0}""", false, 3),
    ];

    public static async Task MeasureAsync(Installation installation, BenchmarkOptions options, Report report)
    {
        await using var simulator = await installation.StartSimulatorAsync("--Sim:TokensPerSecond", "100", "--Sim:FirstTokenDelay", "20", "--Sim:ContextWindow", "1000000");
        var upstream = new Uri($"http://127.0.0.1:{simulator.Port}");
        await using var routes = await Routes.StartAsync(installation, upstream, nginx: false);
        using var http = new HttpClient { BaseAddress = upstream };
        var rows = new List<(string, Figure[])>();
        foreach (var (phase, settings, thinking, events) in Phases)
        {
            using var content = new StringContent(settings, new System.Net.Http.Headers.MediaTypeHeaderValue("application/json"));
            using var changed = await http.PutAsync("/sim/settings", content);
            changed.EnsureSuccessStatusCode();
            foreach (var route in routes.All)
            {
                var delays = new List<double>();
                var lost = 0;
                for (var round = 0; round < options.Rounds + 1; round++)
                {
                    var batch = await BatchAsync(route, http, thinking, phase == "queued" && !route.IsChat ? 0 : events);
                    // The first round is the warm-up.
                    if (round == 0)
                        continue;
                    delays.AddRange(batch.Where(delay => delay is not null).Select(delay => delay!.Value));
                    lost += batch.Count(delay => delay is null);
                }

                var sorted = delays.Order().ToArray();
                rows.Add(($"{phase}, {route.Name}",
                [
                    new("stops", sorted.Length + lost),
                    new("p50 ms", Quantiles.At(sorted, 0.5)),
                    new("p99 ms", Quantiles.At(sorted, 0.99)),
                    new("max ms", Quantiles.At(sorted, 1)),
                    new("never seen", lost),
                ]));
            }
        }

        report.Add("Stop to upstream closed", rows);
    }

    private static async Task<List<double?>> BatchAsync(Route route, HttpClient simulator, bool thinking, int events)
    {
        using (await simulator.DeleteAsync("/sim/requests"))
        {
        }

        var random = new Random(1);
        var stops = new List<(string? Id, long At)>();
        await Task.WhenAll(Enumerable.Range(0, Streams).Select(async i =>
        {
            await Task.Delay(i * 5);
            var stream = new TokenStream(route.Port, route.Path, null);
            await stream.SendAsync(route.Body(Endless, thinking));
            if (events > 0)
                await stream.ReadAsync(events);
            await Task.Delay(random.Next(50, 150));
            var at = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
            stream.Dispose();
            lock (stops)
                stops.Add((TurnId().Match(stream.ResponseStart) is { Success: true } match ? match.Groups[1].Value : null, at));
        }));

        var deadline = DateTimeOffset.UtcNow.AddSeconds(5);
        while (true)
        {
            var log = await simulator.GetFromJsonAsync<JsonElement>("/sim/requests");
            var aborted = log.GetProperty("requests").EnumerateArray()
                .Select(request => (Id: request.GetProperty("id").GetString()!, At: request.GetProperty("abortedAt")))
                .Where(request => request.At.ValueKind == JsonValueKind.Number)
                .Select(request => (request.Id, At: request.At.GetInt64())).ToList();
            if (aborted.Count < Streams && DateTimeOffset.UtcNow < deadline)
            {
                await Task.Delay(20);
                continue;
            }

            if (stops.All(stop => stop.Id is not null))
                return [.. stops.Select(stop => aborted.FirstOrDefault(request => request.Id.EndsWith(stop.Id!, StringComparison.Ordinal)) is { Id: not null } found ? Math.Max(0, found.At - stop.At) : (double?)null)];

            // A queued request on the direct route has received nothing that identifies it, so the two lists are matched by time.
            var seen = aborted.Select(request => request.At).Order().ToArray();
            return [.. stops.Select(stop => stop.At).Order().Select((at, i) => i < seen.Length ? Math.Max(0, seen[i] - at) : (double?)null)];
        }
    }

    [GeneratedRegex("\"id\":\"(?:chatcmpl-)?([0-9a-f-]+)\"")]
    private static partial Regex TurnId();
}
