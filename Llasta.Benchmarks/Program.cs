using Llasta.Benchmarks;
using Llasta.Benchmarks.Load;
using Llasta.Benchmarks.Measures;
using Llasta.Benchmarks.Services;
using Llasta.Streaming.Server;

if (args is ["--help" or "-h", ..])
{
    Console.WriteLine(BenchmarkOptions.Help);
    return 0;
}

if (args is [HostedService.Argument, var service, .. var settings])
{
    await HostedService.RunAsync(service, settings);
    return 0;
}

// The readers in this process also need less CPU this way.
RelayServer.PreferInlineSockets();
if (args is [SourceProcess.Argument])
{
    using var tokens = new TokenSource();
    await tokens.RunAsync();
    return 0;
}

try
{
    var mode = args is ["soak" or "neighbour", ..] ? args[0] : "";
    var options = BenchmarkOptions.Parse(mode.Length > 0 ? args.AsSpan(1) : args);
    var installation = new Installation(options);
    var report = new Report();
    if (mode == "neighbour")
    {
        await installation.PublishBothFormsAsync();
        await Neighbour.MeasureAsync(installation, options, report);
        if (options.Json is { } json)
            report.WriteJson(json);
        return 0;
    }

    await installation.PublishAsync();
    if (mode == "soak")
        return await Soak.RunAsync(installation, options);

    using var source = options.Upstream is null ? new SourceProcess() : null;
    var upstream = options.Upstream ?? source!.Address;
    Console.WriteLine($"{Environment.ProcessorCount} cores, {DateTimeOffset.UtcNow:u}, model server: {(source is null ? upstream : "the token source")}");
    if (options.Measures("start"))
        await StartUpTime.MeasureAsync(installation, upstream, options, report);
    if (options.Measures("first-token"))
        await FirstToken.MeasureAsync(installation, upstream, options, report);
    if (options.Measures("cpu"))
        await Loaded.MeasureAsync(installation, upstream, options, report);
    if (options.Measures("memory"))
        await OpenStreams.MeasureAsync(installation, upstream, options, report);
    if (options.Measures("stop") && options.Upstream is null)
        await Stop.MeasureAsync(installation, options, report);
    if (options.Measures("allocation") && options.Upstream is null)
        await Allocation.MeasureAsync(options, report);
    if (options.Json is { } file)
        report.WriteJson(file);
    return 0;
}
catch (Exception e) when (e is FormatException or InvalidOperationException)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 1;
}
