using System.Diagnostics;

namespace Llasta.Benchmarks.Services;

/// <summary>Starts this program again in another role.</summary>
internal static class OwnProgram
{
    public static Process Start(params string[] args)
    {
        // The program's own executable under `dotnet run`, but dotnet under `dotnet Llasta.Benchmarks.dll`.
        var self = Environment.ProcessPath!;
        string[] all = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [typeof(OwnProgram).Assembly.Location, .. args] : args;
        return Process.Start(new ProcessStartInfo(self, all) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }
}
