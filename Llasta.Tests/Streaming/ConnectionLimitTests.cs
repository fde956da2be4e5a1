using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Llasta.Streaming;
using Llasta.Streaming.Server;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Llasta.Tests.Streaming;

/// <summary>How many connections a process serves, and what happens to the others.</summary>
public sealed class ConnectionLimitTests : IDisposable
{
    private readonly Socket _connection = new(SocketType.Stream, ProtocolType.Tcp);

    [Theory]
    // Two descriptors for each connection, after those that are open and 64 in reserve.
    [InlineData(1024L, 60, 450L)]
    [InlineData(1_048_576L, 76, 524_218L)]
    // Somebody is served whatever the limit.
    [InlineData(64L, 60, 8L)]
    [InlineData(null, 60, long.MaxValue)]
    public void The_limit_follows_from_the_process_s_descriptors(long? descriptors, int open, long expected) =>
        Assert.Equal(expected, ConnectionLimit.MaxFor(descriptors, open));

    [Fact]
    public void A_connection_that_closes_makes_room_for_another()
    {
        var limit = new ConnectionLimit(2, TimeProvider.System, new LinesLogger<ConnectionLimit>());
        Assert.True(limit.TryEnter(_connection));
        Assert.True(limit.TryEnter(_connection));
        Assert.False(limit.TryEnter(_connection));
        limit.Leave();
        Assert.True(limit.TryEnter(_connection));
        Assert.False(limit.TryEnter(_connection));
    }

    [Fact]
    public void Refusals_are_logged_once_a_minute_with_their_number()
    {
        var time = new FakeTimeProvider();
        var log = new LinesLogger<ConnectionLimit>();
        var limit = new ConnectionLimit(0, time, log);
        for (var i = 0; i < 5; i++)
            limit.TryEnter(_connection);
        Assert.StartsWith("Connections refused: 1.", Assert.Single(log.Lines));

        time.Advance(TimeSpan.FromMinutes(1));
        limit.TryEnter(_connection);
        Assert.Equal(2, log.Lines.Count);
        Assert.StartsWith("Connections refused: 5.", log.Lines[1]);
    }

    [Fact]
    public async Task A_process_without_descriptors_refuses_says_so_once_and_recovers()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The limit is read from /proc.");
        await using var server = new HostileServer(new("", "x"));
        await using var api = await HostileProcess.StartAsync(server.BaseUrl, descriptors: 256);
        var connections = new List<Socket>();
        for (var i = 0; i < 400; i++)
            connections.Add(await api.ConnectAsync());
        await Eventually.TrueAsync(() => Task.FromResult(connections.Exists(IsClosed)), () => "All connections are open.");
        Assert.True(connections.Exists(socket => !IsClosed(socket)), "None was served.");
        await Eventually.TrueAsync(() => Task.FromResult(api.Log.Any(IsRefusal)), () => string.Join('\n', api.Log));

        foreach (var connection in connections)
            connection.Dispose();

        await Eventually.TrueAsync(async () => await IsAliveAsync(api), () => "The process does not answer any more.");
        Assert.Single(api.Log, IsRefusal);
        Assert.DoesNotContain(api.Log, line => line.StartsWith("fail:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_process_whose_descriptors_are_used_otherwise_refuses_says_so_once_and_recovers()
    {
        SkipWithoutPrlimit();
        await using var server = new HostileServer(new("", "x"));
        await using var api = await HostileProcess.StartAsync(server.BaseUrl);
        // Has loaded what it needs for a request: without native code, that takes descriptors, too.
        Assert.True(await IsAliveAsync(api));
        // The process's own limit of connections doesn't know of this one.
        await api.LimitDescriptorsAsync(free: FileDescriptors.Spare + 10);
        var connections = new List<Socket>();
        for (var i = 0; i < 100; i++)
            connections.Add(await api.ConnectAsync());
        await Eventually.TrueAsync(() => Task.FromResult(IsClosed(connections[^1])), () => $"{connections.Count(IsClosed)} are closed. {string.Join('\n', api.Log)}");
        Assert.True(connections.Exists(socket => !IsClosed(socket)), "None was served.");
        await Eventually.TrueAsync(() => Task.FromResult(api.Log.Any(IsRefusal)), () => string.Join('\n', api.Log));

        foreach (var connection in connections)
            connection.Dispose();

        await Eventually.TrueAsync(async () => await IsAliveAsync(api), () => "The process does not answer any more.");
        Assert.Single(api.Log, IsRefusal);
        Assert.DoesNotContain(api.Log, line => line.StartsWith("fail:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_descriptors_a_running_answer_goes_on_and_a_new_turn_is_told_what_to_do()
    {
        SkipWithoutPrlimit();
        await using var server = new HostileServer(new("", "x"));
        await using var api = await HostileProcess.StartAsync(server.BaseUrl);
        using var neighbour = await NeighbourAnswer.BeginAsync(api, server);
        // The connection of the next turn.
        Assert.True(await IsAliveAsync(api));
        await api.LimitDescriptorsAsync(free: FileDescriptors.Spare / 2);

        using var refused = await api.AskAsync("hostile");
        var problem = await refused.Content.ReadAsStringAsync(Chatbot.Cancelled);
        await neighbour.ExchangeAsync(tokens: 10);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, 0L), (refused.StatusCode, server.Sent));
        Assert.Contains("\"code\":\"busy\"", problem, StringComparison.Ordinal);
        Assert.Contains("ulimit -n", problem, StringComparison.Ordinal);

        await api.LimitDescriptorsAsync(free: FileDescriptors.Spare + 10);
        // The server has been reached: what it sends isn't HTTP.
        using var sent = await api.AskAsync("hostile");
        Assert.Equal(HttpStatusCode.BadGateway, sent.StatusCode);
    }

    [Fact]
    public async Task A_connection_that_cannot_be_accepted_is_tried_again_after_a_pause()
    {
        var time = new FakeTimeProvider();
        var log = new LinesLogger<ConnectionLimit>();
        var accepts = 0;
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        await using var listener = new RelayListener(
            socket,
            cancellation => ++accepts == 1 ? ValueTask.FromException<Socket>(new SocketException((int)SocketError.TooManyOpenSockets)) : socket.AcceptAsync(cancellation),
            noDelay: true,
            RelayListenerFactory.Input(MemoryPool<byte>.Shared, most: null),
            new ConnectionLimit(1, time, log),
            time);
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)socket.LocalEndPoint!, Chatbot.Cancelled);

        var accepting = listener.AcceptAsync(Chatbot.Cancelled);
        Assert.Equal((1, false), (accepts, accepting.IsCompleted));
        time.Advance(RelayListener.Pause - TimeSpan.FromTicks(1));
        Assert.Equal((1, false), (accepts, accepting.IsCompleted));
        time.Advance(TimeSpan.FromTicks(1));

        await using var connection = await accepting.AsTask().WaitAsync(TimeSpan.FromSeconds(60), Chatbot.Cancelled);
        Assert.NotNull(connection);
        Assert.Equal(2, accepts);
        Assert.Contains("TooManyOpenSockets", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    public void Dispose() => _connection.Dispose();

    private static void SkipWithoutPrlimit() =>
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/prlimit"), "prlimit changes the limit of a running process.");

    private static bool IsRefusal(string line) => line.Contains("Connections refused", StringComparison.Ordinal);

    private static bool IsClosed(Socket socket) => socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0;

    private static async Task<bool> IsAliveAsync(HostileProcess api)
    {
        try
        {
            using var response = await api.Client.GetAsync("/alive", Chatbot.Cancelled);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
