using System.Diagnostics;
using System.Globalization;
using Llasta.Benchmarks.Load;
using Llasta.ChatApi;
using Llasta.Streaming.Server;
using Llasta.Web;
using Microsoft.AspNetCore.Builder;

namespace Llasta.Benchmarks.Services;

/// <summary>
/// A service inside another run of this program, which reads the runtime's own counters for it: native code has no diagnostic
/// port to ask from outside. Allocations are the same in both.
/// </summary>
internal sealed class HostedService : IDisposable
{
    /// <summary>This program's argument that makes it the host.</summary>
    public const string Argument = "host";

    private readonly Process _process;

    private HostedService(Process process, int port)
    {
        _process = process;
        Port = port;
    }

    public int Port { get; }

    /// <param name="service"><c>chatapi</c> or <c>chatbot</c>.</param>
    /// <param name="setting">The way to its upstream, as <c>--name=value</c>.</param>
    public static HostedService Start(string service, string setting)
    {
        var process = OwnProgram.Start(Argument, service, "--urls=http://127.0.0.1:0", setting, "--Logging:LogLevel:Default=None", "--Logging:LogLevel:Microsoft.AspNetCore=None");
        return new HostedService(process, int.Parse(process.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture));
    }

    /// <summary>What the service has allocated so far, and how often it collected.</summary>
    public (long Bytes, int Collections) Allocated()
    {
        _process.StandardInput.WriteLine();
        var answer = _process.StandardOutput.ReadLine()!.Split(' ');
        return (long.Parse(answer[0], CultureInfo.InvariantCulture), int.Parse(answer[1], CultureInfo.InvariantCulture));
    }

    /// <summary>The other end: runs the service, and answers each line of input with the counters until there are no more.</summary>
    public static async Task RunAsync(string service, string[] settings)
    {
        RelayServer.PreferInlineSockets();
        await using WebApplication app = service == "chatbot" ? await ChatbotApplication.CreateAsync([.. settings, "--applicationName=Llasta.Web"]) : ChatApiApplication.Create(settings);
        await app.StartAsync();
        Console.WriteLine(new Uri(app.Urls.First()).Port);
        while (await Console.In.ReadLineAsync() is not null)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{GC.GetTotalAllocatedBytes(precise: true)} {GC.CollectionCount(0)}"));
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
