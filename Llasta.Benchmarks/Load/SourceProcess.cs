using System.Diagnostics;

namespace Llasta.Benchmarks.Load;

/// <summary>The token source in a process of its own, so that its work isn't taken for the reader's.</summary>
internal sealed class SourceProcess : IDisposable
{
    /// <summary>This program's argument that makes it the source.</summary>
    public const string Argument = "token-source";

    private readonly Process _process = OwnProgram.Start(Argument);

    public SourceProcess() => Address = new Uri($"http://127.0.0.1:{_process.StandardOutput.ReadLine()}");

    public Uri Address { get; }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}

/// <summary>This program once more, in another role.</summary>
internal static class OwnProgram
{
    public static Process Start(params string[] args)
    {
        // Under `dotnet run` this is the program's own executable; under `dotnet Llasta.Benchmarks.dll` it is dotnet.
        var self = Environment.ProcessPath!;
        string[] all = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [typeof(OwnProgram).Assembly.Location, .. args] : args;
        return Process.Start(new ProcessStartInfo(self, all) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }
}
