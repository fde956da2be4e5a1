using System.Diagnostics;
using Xunit;

namespace Llasta.Tests.Manifests;

/// <summary>A program of the Kubernetes world that a test uses where it is installed, and without which the test is skipped.</summary>
internal static class Tool
{
    /// <summary>Runs the program and returns what it printed, standard error included where it failed.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string program, params string[] arguments)
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? program + ".exe" : program)).FirstOrDefault(File.Exists);
        Assert.SkipWhen(path is null, $"{program} is not on the PATH.");

        using var process = Process.Start(new ProcessStartInfo(path!, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, process.ExitCode == 0 ? await output : await output + errors);
    }
}
