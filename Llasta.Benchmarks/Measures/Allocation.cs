using Llasta.Benchmarks.Load;
using Llasta.Benchmarks.Services;

namespace Llasta.Benchmarks.Measures;

/// <summary>
/// Measures the bytes allocated per token in steady state with the runtime's counter (<c>GC.GetTotalAllocatedBytes</c>). The counter is
/// read while all streams are running and none starts or ends.
/// </summary>
internal static class Allocation
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    public static async Task MeasureAsync(BenchmarkOptions options, Report report)
    {
        using var source = new SourceProcess();
        using var chatApi = HostedService.Start("chatapi", $"--OPENAI_API_BASE_URL={source.Address}v1");
        using var chatbot = HostedService.Start("chatbot", $"--services:chatapi:http:0=http://127.0.0.1:{chatApi.Port}");
        var route = new Route(Route.Chatbot, chatbot.Port, "/api/chat", true, []);
        var streams = options.Streams[0];
        await LoadedRun.RunAsync(route, streams, 100, Interval);

        var tokens = (options.Seconds + 6) * 50;
        var arrivals = new Arrivals(streams * tokens);
        var open = Enumerable.Range(0, streams).Select(_ => new TokenStream(route.Port, route.Path, arrivals)).ToArray();
        foreach (var stream in open)
            await stream.SendAsync(route.Body(TokenSource.Prompt(tokens, Interval, Interval)));
        var reading = Task.WhenAll(open.Select(stream => stream.ReadAsync()));
        await Task.Delay(TimeSpan.FromSeconds(3));
        var (api, bot, before) = (chatApi.Allocated(), chatbot.Allocated(), arrivals.Tokens);
        await Task.Delay(TimeSpan.FromSeconds(options.Seconds));
        var (apiAfter, botAfter, after) = (chatApi.Allocated(), chatbot.Allocated(), arrivals.Tokens);
        await reading;
        foreach (var stream in open)
            stream.Dispose();

        Figure[] Figures((long Bytes, int Collections) from, (long Bytes, int Collections) to) =>
        [
            new("bytes/token", (to.Bytes - from.Bytes) / (double)(after - before)),
            new("collections", to.Collections - from.Collections),
            new("tokens", after - before),
        ];
        report.Add($"Allocation in steady state, {streams} streams of 50 tokens/s", [("chatapi", Figures(api, apiAfter)), ("chatbot", Figures(bot, botAfter))]);
    }
}
