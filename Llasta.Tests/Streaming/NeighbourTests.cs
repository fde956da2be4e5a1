using System.Net.Sockets;
using System.Text;
using Xunit;

namespace Llasta.Tests.Streaming;

/// <summary>
/// Whatever a server or a client sends, the streams beside it go on: their tokens arrive while the hostile bytes are still being sent. The
/// chat API has one polling thread here, so nobody is served by another.
/// </summary>
public sealed class NeighbourTests
{
    private const int Tokens = 50;

    private string _last = "";

    [Theory]
    [InlineData("comments")]
    [InlineData("comments in chunks of one byte")]
    [InlineData("extensions of small chunks")]
    [InlineData("tokens")]
    [InlineData("escaped tokens")]
    [InlineData("empty deltas")]
    public async Task A_neighbour_s_tokens_arrive_while_a_server_sends_without_end(string shape)
    {
        await using var server = new HostileServer(HostileAnswer.All[shape]);
        await using var api = await HostileProcess.StartAsync(server.BaseUrl);
        using var neighbour = await NeighbourAnswer.BeginAsync(api, server);
        using var reader = new CancellationTokenSource();
        // The head of the answer comes with its first token, which may never come.
        var reading = DiscardAsync(api.AskAsync("hostile"), reader.Token);
        await Eventually.TrueAsync(() => Task.FromResult(server.Sent > 8 << 20), () => $"{server.Sent} bytes were sent.");

        var sentBefore = server.Sent;
        await neighbour.ExchangeAsync(Tokens);

        Assert.True(server.Ended == 0, $"The hostile answer has ended: {_last}");
        await Eventually.TrueAsync(() => Task.FromResult(server.Sent > sentBefore), () => "The hostile stream stands still.");
        await reader.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    [Theory]
    [InlineData("informational responses")]
    [InlineData("a head")]
    [InlineData("a chunk extension")]
    [InlineData("leading zeros")]
    [InlineData("a trailer")]
    public async Task Framing_without_end_is_cut_and_a_neighbour_s_tokens_arrive(string shape)
    {
        await using var server = new HostileServer(HostileAnswer.All[shape]);
        await using var api = await HostileProcess.StartAsync(server.BaseUrl);
        using var neighbour = await NeighbourAnswer.BeginAsync(api, server);
        using var hostile = await api.AskAsync("hostile");
        var answer = await hostile.Content.ReadAsStringAsync(Chatbot.Cancelled);

        await neighbour.ExchangeAsync(Tokens);

        // What the sockets on both sides hold may have been sent before the cut.
        await Eventually.TrueAsync(() => Task.FromResult(server.Ended == 1), () => $"The connection is open after {server.Sent} bytes: {answer}");
        Assert.True(!hostile.IsSuccessStatusCode || answer.Contains("event: e", StringComparison.Ordinal), answer);
    }

    [Fact]
    public async Task A_neighbour_s_tokens_arrive_while_a_client_sends_requests_without_end()
    {
        await using var server = new HostileServer(new("", "x"));
        await using var api = await HostileProcess.StartAsync(server.BaseUrl);
        using var neighbour = await NeighbourAnswer.BeginAsync(api, server);
        using var client = await api.ConnectAsync();
        using var stop = new CancellationTokenSource();
        var answered = 0L;
        var sending = Task.Run(async () =>
        {
            var requests = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n", 1000)));
            while (true)
                await client.SendAsync(requests, stop.Token);
        }, CancellationToken.None);
        var receiving = Task.Run(async () =>
        {
            var buffer = new byte[64 << 10];
            while (await client.ReceiveAsync(buffer, stop.Token) is > 0 and var read)
                Interlocked.Add(ref answered, read);
        }, CancellationToken.None);
        await Eventually.TrueAsync(() => Task.FromResult(Interlocked.Read(ref answered) > 1 << 20), () => $"{answered} bytes of answers came.");

        await neighbour.ExchangeAsync(Tokens);

        Assert.False(sending.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receiving);
    }

    private async Task DiscardAsync(Task<HttpResponseMessage> asking, CancellationToken cancellation)
    {
        using var response = await asking.WaitAsync(cancellation);
        var body = await response.Content.ReadAsStreamAsync(cancellation);
        var buffer = new byte[64 << 10];
        while (await body.ReadAsync(buffer, cancellation) is > 0 and var read)
            _last = Encoding.UTF8.GetString(buffer, Math.Max(0, read - 500), Math.Min(read, 500));
    }
}
