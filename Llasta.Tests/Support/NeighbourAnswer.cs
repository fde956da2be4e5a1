using Xunit;

namespace Llasta.Tests.Support;

/// <summary>An answer whose tokens a <see cref="HostileServer"/> sends when the test says so.</summary>
internal sealed class NeighbourAnswer : IDisposable
{
    private readonly HostileServer _server;
    private readonly StreamReader _reader;

    private NeighbourAnswer(HostileServer server, StreamReader reader)
    {
        _server = server;
        _reader = reader;
    }

    /// <summary>Asks, and reads the first token.</summary>
    public static async Task<NeighbourAnswer> BeginAsync(HostileProcess api, HostileServer server)
    {
        var asking = api.AskAsync(HostileServer.Neighbour);
        await server.SendTokenAsync("first");
        var response = await asking;
        response.EnsureSuccessStatusCode();
        var answer = new NeighbourAnswer(server, new StreamReader(await response.Content.ReadAsStreamAsync(Chatbot.Cancelled)));
        await answer.ReceiveAsync("first");
        return answer;
    }

    /// <summary>Sends token after token, each once the one before has arrived.</summary>
    /// <param name="tokens">How many.</param>
    public async Task ExchangeAsync(int tokens)
    {
        for (var i = 0; i < tokens; i++)
        {
            await _server.SendTokenAsync($"token {i}");
            await ReceiveAsync($"token {i}");
        }
    }

    private async Task ReceiveAsync(string token)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Chatbot.Cancelled);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        string? line;
        do
        {
            line = await _reader.ReadLineAsync(limit.Token);
            Assert.NotNull(line);
        }
        while (line != $"data: \"{token}\"");
    }

    public void Dispose() => _reader.Dispose();
}
