using System.Diagnostics;
using Llasta.AppHost.Model;
using Xunit;

namespace Llasta.AppHost.Tests;

/// <summary>The AppHost as a user starts it, in a process of its own.</summary>
internal static class AppHostProcess
{
    /// <summary>Runs it to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var start = new ProcessStartInfo("dotnet", [typeof(BackendChoice).Assembly.Location, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["ASPIRE_INTERACTIVITY_ENABLED"] = "false" },
        };
        using var process = Process.Start(start)!;
        try
        {
            var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(cancellation), process.StandardError.ReadToEndAsync(cancellation));
            await process.WaitForExitAsync(cancellation).WaitAsync(TimeSpan.FromMinutes(3), cancellation);
            return (process.ExitCode, (await output)[0], (await output)[1]);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }
}
