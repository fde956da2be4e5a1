using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Llasta.Benchmarks.Load;
using Llasta.Benchmarks.Services;

namespace Llasta.Benchmarks.Measures;

/// <summary>
/// Measures how long readers wait for their tokens while a model server or a client is hostile to the same chat API: the longest time
/// between two tokens, which are sent every 50 ms, and the longest delay of a token from its sending to its arrival. The chat API is measured
/// in both forms: native, and with the JIT compiler. Some readers are connected to the model server itself: the machine's share.
/// </summary>
internal static partial class Neighbour
{
    /// <summary>Readers, so that each polling thread has some.</summary>
    private const int Readers = 8;

    private const int DirectReaders = 4;

    /// <summary>Hostile connections at the same time.</summary>
    private const int Attackers = 2;

    private const int UploadBytes = (4 << 20) - 100;

    private static readonly byte[] Hostile = Ask("hostile");

    /// <summary>What a client does without end, on a connection to the port.</summary>
    private static readonly (string Name, Action<int> Attack)[] Clients =
    [
        ("requests in one packet", SendRequests),
        ("long messages", port => Upload(port, Ask(new string('x', UploadBytes)))),
        ("empty messages", port => Upload(port, Encoding.Latin1.GetBytes($$"""{"messages":[{{string.Concat(Enumerable.Repeat("{},", UploadBytes / 3))}}{}]}"""))),
        ("deep JSON", port => Upload(port, Encoding.Latin1.GetBytes(new string('[', UploadBytes)))),
        ("escaped characters", port => Upload(port, Encoding.Latin1.GetBytes($$"""{"messages":[{"role":"user","content":"{{string.Concat(Enumerable.Repeat("\\ud83e\\udd99", UploadBytes / 12))}}"}]}"""))),
    ];

    public static async Task MeasureAsync(Installation installation, BenchmarkOptions options, Report report)
    {
        using var model = new HostileModel();
        var rows = new List<(string, Figure[])> { ("nobody is hostile", await MeasureAsync(_ => Thread.Sleep(100))) };
        foreach (var (name, answer) in HostileAnswer.All)
        {
            model.Answer = answer;
            rows.Add(($"server: {name}", await MeasureAsync(ReadHostile)));
        }

        model.Answer = HostileAnswer.All["tokens"];
        foreach (var (name, attack) in Clients)
            rows.Add(($"client: {name}", await MeasureAsync(attack)));
        report.Add("A neighbour's tokens, sent every 50 ms: the longest time between two, and the longest delay", rows);

        async Task<Figure[]> MeasureAsync(Action<int> attack)
        {
            Worst native = new(), jit = new(), direct = new();
            for (var round = 0; round < options.Rounds; round++)
            {
                await RunAsync(await installation.StartChatApiAsync(model.Address), model, attack, options.Seconds, native, direct);
                await RunAsync(await installation.StartChatApiAsync(model.Address, jit: true), model, attack, options.Seconds, jit, direct);
            }

            return [new("native: between, ms", native.Between), new("delay, ms", native.Delay), new("JIT: between, ms", jit.Between), new("delay, ms", jit.Delay), new("direct: between, ms", direct.Between), new("delay, ms", direct.Delay)];
        }
    }

    private static async Task RunAsync(ServiceProcess api, HostileModel model, Action<int> attack, int seconds, Worst relayed, Worst direct)
    {
        using var end = new CancellationTokenSource();
        var measuring = false;
        List<Task> readers = [], attackers = [];
        await using (api)
        {
            readers =
            [
                .. Enumerable.Range(0, Readers).Select(_ => Start(() => Read(api.Port, "/api/chat", relayed))),
                .. Enumerable.Range(0, DirectReaders).Select(_ => Start(() => Read(model.Address.Port, "/v1/chat/completions", direct))),
            ];
            await Task.Delay(TimeSpan.FromSeconds(1));
            attackers = [.. Enumerable.Range(0, Attackers).Select(_ => Start(Attack))];
            await Task.Delay(TimeSpan.FromMilliseconds(500));
            Volatile.Write(ref measuring, true);
            await Task.Delay(TimeSpan.FromSeconds(seconds));
            await end.CancelAsync();
            await Task.WhenAll(readers);
        }

        // The end of the chat API has closed their connections.
        await Task.WhenAll(attackers);

        static Task Start(Action action) => Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        void Attack()
        {
            while (!end.IsCancellationRequested)
            {
                try
                {
                    attack(api.Port);
                }
                catch (SocketException)
                {
                    // Cut; once more.
                }
            }
        }

        void Read(int port, string path, Worst worst)
        {
            using var socket = HttpText.Post(port, path, Ask(HostileModel.Neighbour));
            var buffer = new byte[4096];
            var last = Stopwatch.GetTimestamp();
            while (!end.IsCancellationRequested)
            {
                var read = socket.Receive(buffer);
                if (read == 0)
                    throw new InvalidOperationException("The neighbour's answer has ended.");
                // A chunk is sent in one piece. The head of the response has no token.
                var text = Encoding.Latin1.GetString(buffer, 0, read);
                if (SentAt().Match(text) is not { Success: true } sent)
                    continue;
                var now = Stopwatch.GetTimestamp();
                if (Volatile.Read(ref measuring))
                    worst.Add(Stopwatch.GetElapsedTime(last, now), Stopwatch.GetElapsedTime(long.Parse(sent.Groups[1].Value, CultureInfo.InvariantCulture), now));
                last = now;
            }
        }
    }

    /// <summary>Matches the text of a neighbour's token.</summary>
    [GeneratedRegex(@"\(([0-9]+)\)")]
    private static partial Regex SentAt();

    /// <summary>The longest times of several readers, in milliseconds.</summary>
    private sealed class Worst
    {
        private readonly Lock _lock = new();

        public double Between { get; private set; }

        public double Delay { get; private set; }

        public void Add(TimeSpan between, TimeSpan delay)
        {
            lock (_lock)
                (Between, Delay) = (Math.Max(Between, between.TotalMilliseconds), Math.Max(Delay, delay.TotalMilliseconds));
        }
    }

    /// <summary>Reads a hostile answer as fast as it comes.</summary>
    private static void ReadHostile(int port)
    {
        using var socket = HttpText.Post(port, "/api/chat", Hostile);
        HttpText.Drain(socket);
    }

    /// <summary>Sends requests without waiting for the answers.</summary>
    private static void SendRequests(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.Loopback, port);
        var reading = Task.Factory.StartNew(() => HttpText.Drain(socket), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var requests = Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat("GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n", 1000)));
        while (!reading.IsCompleted)
            socket.Send(requests);
    }

    /// <summary>Uploads a body and leaves.</summary>
    private static void Upload(int port, byte[] body)
    {
        using var socket = HttpText.Post(port, "/api/chat", body);
        socket.Receive(new byte[1]);
    }

    private static byte[] Ask(string message) => Encoding.UTF8.GetBytes($$"""{"messages":[{"role":"user","content":"{{message}}"}],"thinking":false}""");
}
