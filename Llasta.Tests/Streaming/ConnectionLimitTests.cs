using System.Net.Sockets;
using Llasta.Streaming.Server;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Llasta.Tests.Streaming;

/// <summary>How many connections a process serves, and what happens to the others.</summary>
public sealed class ConnectionLimitTests
{
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
        Assert.True(limit.TryEnter());
        Assert.True(limit.TryEnter());
        Assert.False(limit.TryEnter());
        limit.Leave();
        Assert.True(limit.TryEnter());
        Assert.False(limit.TryEnter());
    }

    [Fact]
    public void Refusals_are_logged_once_a_minute_with_their_number()
    {
        var time = new FakeTimeProvider();
        var log = new LinesLogger<ConnectionLimit>();
        var limit = new ConnectionLimit(0, time, log);
        for (var i = 0; i < 5; i++)
            limit.TryEnter();
        Assert.StartsWith("Connections refused: 1.", Assert.Single(log.Lines));

        time.Advance(TimeSpan.FromMinutes(1));
        limit.TryEnter();
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
    public async Task A_process_whose_descriptors_are_used_otherwise_lets_connections_wait_says_so_once_and_recovers()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/prlimit"), "prlimit changes the limit of a running process.");
        await using var server = new HostileServer(new("", "x"));
        await using var api = await HostileProcess.StartAsync(server.BaseUrl);
        // Has loaded what it needs for a request: without native code, that takes descriptors, too.
        Assert.True(await IsAliveAsync(api));
        // The process's own limit of connections doesn't know of this one.
        await api.LimitDescriptorsAsync(free: 4);
        var connections = new List<Socket>();
        for (var i = 0; i < 20; i++)
            connections.Add(await api.ConnectAsync());
        await Eventually.TrueAsync(() => Task.FromResult(api.Log.Any(IsNotAccepted) || api.Log.Any(IsRuntimeEnd)), () => string.Join('\n', api.Log));

        foreach (var connection in connections)
            connection.Dispose();

        await Eventually.TrueAsync(async () => api.Log.Any(IsRuntimeEnd) || await IsAliveAsync(api), () => "The process does not answer any more.");
        Assert.SkipWhen(api.Log.Any(IsRuntimeEnd), "The runtime needed a descriptor for a file of its own and ended. Native code, which is what is published, has no such files.");
        Assert.Single(api.Log, IsNotAccepted);
        Assert.DoesNotContain(api.Log, line => line.StartsWith("fail:", StringComparison.Ordinal));
    }

    private static bool IsRuntimeEnd(string line) => line.StartsWith("Out of memory.", StringComparison.Ordinal);

    private static bool IsNotAccepted(string line) => line.Contains("can't be accepted: TooManyOpenSockets", StringComparison.Ordinal);

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
