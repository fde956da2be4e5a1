using System.Diagnostics;
using Llasta.Benchmarks.Services;

namespace Llasta.Benchmarks.Load;

/// <summary>Runs the token source in a separate process, so that it doesn't compete with the reader for one process's threads.</summary>
internal sealed class SourceProcess : IDisposable
{
    /// <summary>The argument with which this program runs as the token source.</summary>
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
