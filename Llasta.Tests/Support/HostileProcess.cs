using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace Llasta.Tests.Support;

/// <summary>
/// The chat API in a process of its own, for attacks on what a test's own process doesn't have: the polling threads that
/// <c>RelayServer.PreferInlineSockets</c> asks for, and limits of the operating system.
/// </summary>
internal sealed partial class HostileProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _log = new();
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private HostileProcess(Process process) => _process = process;

    public Uri Address { get; private set; } = null!;

    public HttpClient Client { get; private set; } = null!;

    /// <summary>What it has logged, line by line.</summary>
    public IReadOnlyCollection<string> Log => _log;

    /// <param name="baseUrl">The model server's address.</param>
    /// <param name="descriptors">The most file descriptors it may open; null for as many as this process.</param>
    /// <param name="settings">Settings, like <c>Chat:MaxMessages=2</c>.</param>
    public static async Task<HostileProcess> StartAsync(string baseUrl, int? descriptors = null, params string[] settings)
    {
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] command = [Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", Path.Combine(AppContext.BaseDirectory, "Llasta.ChatApi.dll"),
            "--urls=http://127.0.0.1:0", "--environment=Production", $"--OPENAI_API_BASE_URL={baseUrl}", "--Chat:Model=m", .. settings.Select(s => $"--{s}")];
        foreach (var argument in (string[])["-c", descriptors is { } limit ? $"ulimit -n {limit}; exec \"$@\"" : "exec \"$@\"", "sh", .. command])
            start.ArgumentList.Add(argument);
        // One thread for all streams: nobody has another one to be served by.
        start.Environment["DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT"] = "1";
        var api = new HostileProcess(Process.Start(start)!);
        api._process.OutputDataReceived += (_, line) => api.Add(line.Data);
        api._process.ErrorDataReceived += (_, line) => api.Add(line.Data);
        api._process.BeginOutputReadLine();
        api._process.BeginErrorReadLine();
        try
        {
            api.Address = await api._address.Task.WaitAsync(TimeSpan.FromSeconds(60), Chatbot.Cancelled);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"The chat API did not start: {string.Join('\n', api.Log)}");
        }

        api.Client = new HttpClient { BaseAddress = api.Address, Timeout = Timeout.InfiniteTimeSpan };
        return api;
    }

    /// <summary>Begins a turn.</summary>
    /// <param name="message">The only message.</param>
    /// <returns>The response, as soon as its head has come.</returns>
    public async Task<HttpResponseMessage> AskAsync(string message)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat")
        {
            Content = new StringContent($$"""{"messages":[{"role":"user","content":"{{message}}"}],"thinking":false}""", Encoding.UTF8, MediaTypeHeaderValue.Parse("application/json")),
        };
        return await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Chatbot.Cancelled);
    }

    public async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, Address.Port, Chatbot.Cancelled);
        return socket;
    }

    /// <summary>Lowers the process's limit of file descriptors while it runs (Linux).</summary>
    /// <param name="free">How many more it may open.</param>
    public async Task LimitDescriptorsAsync(int free)
    {
        // Descriptors are numbered from 0, and the limit is for the number; a gap would be a free one.
        var open = Directory.GetFileSystemEntries($"/proc/{_process.Id}/fd").Length;
        // Only the soft limit, which can be raised again.
        using var prlimit = Process.Start("/usr/bin/prlimit", ["--pid", $"{_process.Id}", $"--nofile={open + free}:"]);
        await prlimit.WaitForExitAsync(Chatbot.Cancelled);
        Assert.Equal(0, prlimit.ExitCode);
    }

    private void Add(string? line)
    {
        if (line is null)
            return;
        _log.Enqueue(line);
        if (Listening().Match(line) is { Success: true } match)
            _address.TrySetResult(new Uri(match.Groups[1].Value));
    }

    [GeneratedRegex("Now listening on: (http://.*)$")]
    private static partial Regex Listening();

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }
}
