using System.Diagnostics;
using System.Globalization;
using Llasta.Benchmarks.Load;
using Llasta.Benchmarks.Services;

namespace Llasta.Benchmarks.Measures;

/// <summary>
/// Runs many slow streams through both services for a long time. Memory must stay flat and every stream must complete, even if other
/// readers don't read while the model keeps sending to them.
/// </summary>
internal static class Soak
{
    /// <returns>The exit code of the process: 1 if a stream was lost, otherwise 0.</returns>
    public static async Task<int> RunAsync(Installation installation, BenchmarkOptions options)
    {
        var length = TimeSpan.FromMinutes(options.Minutes);
        var settings = new Dictionary<string, string?> { ["Chat__IdleTimeout"] = (length + TimeSpan.FromMinutes(5)).ToString("c", CultureInfo.InvariantCulture) };
        using var source = new SourceProcess();
        await using var simulator = await installation.StartSimulatorAsync("--Sim:TokensPerSecond", "0", "--Sim:Fault", "Endless", "--Sim:FirstTokenDelay", "0", "--Sim:ContextWindow", "1000000");
        // The stalled readers use the simulator as their model, because it waits for slow readers and the token source doesn't.
        await using var slow = await Routes.StartAsync(installation, source.Address, settings, nginx: false);
        await using var flood = await Routes.StartAsync(installation, new Uri($"http://127.0.0.1:{simulator.Port}"), settings, nginx: false);
        var slowRoute = slow[Route.Chatbot];
        var stalledRoute = flood[Route.Chatbot];

        var stalled = new List<TokenStream>();
        for (var i = 0; i < options.Stalled; i++)
        {
            var stream = new TokenStream(stalledRoute.Port, stalledRoute.Path, null);
            await stream.SendAsync(stalledRoute.Body("Say something."), receiveBuffer: 4096);
            stalled.Add(stream);
        }

        var tokens = (int)length.TotalSeconds;
        var body = slowRoute.Body(TokenSource.Prompt(tokens, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)));
        var arrivals = new Arrivals(options.OpenStreams * tokens);
        var open = new List<TokenStream>();
        for (var i = 0; i < options.OpenStreams; i++)
        {
            var stream = new TokenStream(slowRoute.Port, slowRoute.Path, arrivals);
            await stream.SendAsync(body);
            open.Add(stream);
        }

        var reading = Task.WhenAll(open.Select(stream => stream.ReadAsync()));
        var startedAt = Stopwatch.GetTimestamp();
        Console.WriteLine($"{options.OpenStreams} streams of 1 token/s for {options.Minutes} min, {options.Stalled} readers that never read");
        Console.WriteLine("   seconds   tokens     chatapi MB   chatbot MB   stalled: chatapi MB   chatbot MB");
        do
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{Stopwatch.GetElapsedTime(startedAt).TotalSeconds,10:0} {arrivals.Tokens,8} {Megabytes(slowRoute.Services[1]),14:0.0} {Megabytes(slowRoute.Services[0]),12:0.0} {Megabytes(stalledRoute.Services[1]),21:0.0} {Megabytes(stalledRoute.Services[0]),12:0.0}"));
        }
        while (await Task.WhenAny(reading, Task.Delay(TimeSpan.FromSeconds(Math.Max(2, length.TotalSeconds / 20)))) != reading);

        var complete = open.Count(stream => stream.Complete && stream.Events >= tokens + 2);
        Console.WriteLine($"{complete} of {options.OpenStreams} streams complete, {arrivals.Tokens} of {(long)options.OpenStreams * tokens} tokens arrived");
        foreach (var stream in open.Concat(stalled))
            stream.Dispose();
        return complete == options.OpenStreams ? 0 : 1;
    }

    private static double Megabytes(ServiceProcess service) => service.Memory / 1e6;
}
