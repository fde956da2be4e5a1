using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Llasta.Benchmarks.Services;

/// <summary>A server in a separate process, with its CPU time and memory.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private readonly Process _process;

    private ServiceProcess(string name, int port, Process process, TimeSpan startUp)
    {
        Name = name;
        Port = port;
        _process = process;
        StartUp = startUp;
    }

    public string Name { get; }

    public int Port { get; }

    /// <summary>The time from the start of the process to its first response.</summary>
    public TimeSpan StartUp { get; }

    /// <summary>User and system time so far.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Resident memory now, in bytes.</summary>
    public long Memory
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    public bool HasExited => _process.HasExited;

    /// <summary>Starts an executable and waits until a request for <paramref name="readyPath"/> returns 200.</summary>
    /// <param name="name">The name in results and errors.</param>
    /// <param name="executable">The path of the executable.</param>
    /// <param name="arguments">Returns the arguments for the port that is chosen here.</param>
    /// <param name="environment">Additional environment variables.</param>
    /// <param name="readyPath">The path of the readiness request.</param>
    /// <exception cref="InvalidOperationException">The process exited, or did not respond within 30 s.</exception>
    public static async Task<ServiceProcess> StartAsync(string name, string executable, Func<int, string[]> arguments, IReadOnlyDictionary<string, string?>? environment = null, string readyPath = "/health")
    {
        var port = FreePort();
        var start = new ProcessStartInfo(executable, arguments(port)) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (key, value) in environment ?? new Dictionary<string, string?>())
            start.Environment[key] = value;
        // Settings of this program, which the service must not inherit.
        start.Environment.Remove("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS");
        start.Environment.Remove("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT");

        var startedAt = Stopwatch.GetTimestamp();
        var process = Process.Start(start)!;
        var errors = new List<string>();
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += (_, line) => { if (line.Data is { } text) lock (errors) errors.Add(text); };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        while (!await AnswersAsync(port, readyPath))
        {
            if (process.HasExited || Stopwatch.GetElapsedTime(startedAt) > TimeSpan.FromSeconds(30))
            {
                if (!process.HasExited)
                    process.Kill();
                await process.WaitForExitAsync();
                throw new InvalidOperationException($"{name} ({executable}) did not start. {string.Join(' ', errors)}");
            }
        }

        return new ServiceProcess(name, port, process, Stopwatch.GetElapsedTime(startedAt));
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    internal static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>Sends one request. If the connection is refused, waits only a millisecond, so that the wait adds little to the start time.</summary>
    private static async Task<bool> AnswersAsync(int port, string path)
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, port);
            await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n")));
            var buffer = new byte[64];
            return await socket.ReceiveAsync(buffer) > 12 && buffer.AsSpan().StartsWith("HTTP/1.1 200"u8);
        }
        catch (SocketException)
        {
            await Task.Delay(1);
            return false;
        }
    }
}
