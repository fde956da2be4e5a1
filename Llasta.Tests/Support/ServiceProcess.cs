using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace Llasta.Tests.Support;

/// <summary>A service as the process that it is. Disposing ends it.</summary>
internal sealed partial class ServiceProcess : IDisposable
{
    /// <summary>Variables that would configure the process, on a developer's machine or in CI's container.</summary>
    private static readonly string[] Configuring = ["DOTNET_ENVIRONMENT", "ASPNETCORE_ENVIRONMENT", "ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS", "DOTNET_RUNNING_IN_CONTAINER", "OPENAI_API_BASE_URL", "OPENAI_API_KEY", "OPENAI_API_KEY_FILE", TestProcess.WatchSettings];

    private readonly Process _process;

    private ServiceProcess(Process process) => _process = process;

    /// <summary>The id of the process.</summary>
    public int Id => _process.Id;

    /// <param name="project">The service's project.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Additional environment variables.</param>
    public static ServiceProcess Start(string project, string[] arguments, params (string Name, string Value)[] environment)
    {
        // Every project's output has a folder of its own beside this one's.
        var assembly = project == "Llasta.Web" ? "llasta.dll" : $"{project}.dll";
        var path = Path.Combine(AppContext.BaseDirectory.Replace("Llasta.Tests", project, StringComparison.Ordinal), assembly);
        var start = new ProcessStartInfo("dotnet", [path, .. arguments]) { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = AppContext.BaseDirectory };
        foreach (var name in Configuring)
            start.Environment.Remove(name);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return new(Process.Start(start)!);
    }

    /// <summary>Runs a process to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(string project, string[] arguments, params (string Name, string Value)[] environment)
    {
        using var service = Start(project, arguments, environment);
        var output = service._process.StandardOutput.ReadToEndAsync(Chatbot.Cancelled);
        var error = await service._process.StandardError.ReadToEndAsync(Chatbot.Cancelled);
        await service._process.WaitForExitAsync(Chatbot.Cancelled);
        return (service._process.ExitCode, await output, error);
    }

    /// <summary>Waits until the process writes a line.</summary>
    /// <returns>The match in that line.</returns>
    public async Task<Match> WaitForAsync(Regex line)
    {
        var read = new StringBuilder();
        while (await _process.StandardOutput.ReadLineAsync(Chatbot.Cancelled) is { } text)
        {
            if (line.Match(text) is { Success: true } match)
                return match;
            read.AppendLine(text);
        }

        throw new InvalidOperationException($"The process ended before it wrote '{line}'. It wrote: {read}{await _process.StandardError.ReadToEndAsync(Chatbot.Cancelled)}");
    }

    /// <summary>Reads all that the process writes, until it ends.</summary>
    /// <param name="lines">Gets the lines as they come.</param>
    public Task CollectAsync(ConcurrentQueue<string> lines)
    {
        return Task.WhenAll(CollectAsync(_process.StandardOutput), CollectAsync(_process.StandardError));

        async Task CollectAsync(StreamReader from)
        {
            while (await from.ReadLineAsync(Chatbot.Cancelled) is { } line)
                lines.Enqueue(line);
        }
    }

    /// <summary>Waits until a process says where it listens.</summary>
    /// <param name="lines">What it writes.</param>
    public static async Task<string> AddressAsync(ConcurrentQueue<string> lines)
    {
        var address = "";
        await Eventually.TrueAsync(() => Task.FromResult((address = lines.Select(line => Listening().Match(line).Groups[1].Value).FirstOrDefault(match => match.Length > 0, "")).Length > 0), () => string.Join('\n', lines));
        return address;
    }

    /// <summary>Asks the process to stop, as an operator does, and waits until it has (not on Windows).</summary>
    public async Task StopAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        await _process.WaitForExitAsync(Chatbot.Cancelled);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    [GeneratedRegex("Now listening on: (http://.*)$")]
    private static partial Regex Listening();
}
