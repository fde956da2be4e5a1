using System.Diagnostics;
using System.Globalization;
using Llasta.ChatApi;
using Llasta.Streaming.Server;
using Llasta.Web;
using Microsoft.AspNetCore.Builder;

namespace Llasta.Benchmarks.Services;

/// <summary>
/// Hosts a service in a second process of this program, which reads the runtime's counters. A natively compiled service has no diagnostic
/// port that would allow reading them from outside. Both forms allocate the same.
/// </summary>
internal sealed class HostedService : IDisposable
{
    /// <summary>The argument with which this program runs as the host.</summary>
    public const string Argument = "host";

    private readonly Process _process;

    private HostedService(Process process, int port)
    {
        _process = process;
        Port = port;
    }

    public int Port { get; }

    /// <param name="service"><c>chatapi</c> or <c>chatbot</c>.</param>
    /// <param name="setting">The setting that contains the upstream address, as <c>--name=value</c>.</param>
    public static HostedService Start(string service, string setting)
    {
        var process = OwnProgram.Start(Argument, service, "--urls=http://127.0.0.1:0", "--environment=Production", setting, "--Logging:LogLevel:Default=None", "--Logging:LogLevel:Microsoft.AspNetCore=None");
        return new HostedService(process, int.Parse(process.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture));
    }

    /// <summary>The bytes that the service has allocated so far, and the number of its garbage collections.</summary>
    public (long Bytes, int Collections) Allocated()
    {
        _process.StandardInput.WriteLine();
        var answer = _process.StandardOutput.ReadLine()!.Split(' ');
        return (long.Parse(answer[0], CultureInfo.InvariantCulture), int.Parse(answer[1], CultureInfo.InvariantCulture));
    }

    /// <summary>Runs the service in the second process and prints the counters for each line of input, until the input ends.</summary>
    public static async Task RunAsync(string service, string[] settings)
    {
        RelayServer.PreferInlineSockets();
        await using WebApplication app = service == "chatbot" ? await ChatbotApplication.CreateAsync(settings) : ChatApiApplication.Create(settings);
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
