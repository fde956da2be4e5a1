using System.Net;
using System.Net.Sockets;
using Llasta.ChatApi.Upstream;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>Looking for model servers on this machine.</summary>
public class LocalModelServerTests
{
    [Fact]
    public async Task Servers_that_answer_are_found_in_the_preferred_order()
    {
        await using var second = await StartAsync("""{"object":"list","data":[{"id":"nomic-embed-text"},{"id":"qwen3:8b","owned_by":"library"}]}""");
        await using var first = await StartAsync("""{"object":"list","data":[{"id":"Qwen/Qwen3-8B","owned_by":"vllm"}]}""");

        var found = await FindAsync(("vLLM", PortOf(first)), ("llama.cpp", UnusedPort()), ("Ollama", PortOf(second)));

        Assert.Equal([new LocalModelServer("vLLM", first.BaseUrl, "Qwen/Qwen3-8B"), new LocalModelServer("Ollama", second.BaseUrl, "qwen3:8b")], found);
    }

    [Fact]
    public async Task A_server_that_requires_a_key_is_found_but_its_model_is_not_known()
    {
        await using var server = await StartAsync("""{"error":{"message":"Unauthorized"}}""", StatusCodes.Status401Unauthorized);

        var found = Assert.Single(await FindAsync(("vLLM", PortOf(server))));

        Assert.True(found.RequiresKey);
        Assert.Equal(server.BaseUrl, found.BaseUrl);
    }

    [Theory]
    [InlineData("<html>Hello</html>", StatusCodes.Status200OK)]
    [InlineData("""{"object":"list","data":[]}""", StatusCodes.Status200OK)]
    [InlineData("""{"detail":"Not Found"}""", StatusCodes.Status404NotFound)]
    public async Task Another_program_on_the_port_is_no_model_server(string body, int status)
    {
        await using var server = await StartAsync(body, status);

        Assert.Empty(await FindAsync(("vLLM", PortOf(server))));
    }

    [Fact]
    public async Task A_server_that_says_nothing_is_not_waited_for()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();

        Assert.Empty(await LocalModelServers.FindAsync([("vLLM", ((IPEndPoint)silent.LocalEndpoint).Port)], TimeSpan.FromMilliseconds(1), Chatbot.Cancelled));
    }

    [Fact]
    public async Task A_name_reaches_the_terminal_without_control_characters()
    {
        await using var server = await StartAsync("""{"data":[{"id":"m\u001b[31mred"}]}""");

        Assert.Equal("m [31mred", Assert.Single(await FindAsync(("vLLM", PortOf(server)))).Model);
    }

    private static Task<RawUpstream> StartAsync(string models, int status = StatusCodes.Status200OK) =>
        RawUpstream.StartAsync(_ => Task.CompletedTask, models, status);

    /// <summary>With a time limit that a busy machine keeps.</summary>
    private static Task<IReadOnlyList<LocalModelServer>> FindAsync(params (string Name, int Port)[] candidates) =>
        LocalModelServers.FindAsync(candidates, TimeSpan.FromSeconds(30), Chatbot.Cancelled);

    private static int PortOf(RawUpstream server) => new Uri(server.BaseUrl).Port;

    private static int UnusedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
