using System.Net;
using System.Net.Sockets;
using Llasta.ChatApi;
using Llasta.ChatApi.Upstream;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>What thousands of turns would ask the model's server at the same time is asked once.</summary>
public sealed class SharedQuestionsTests
{
    [Fact]
    public async Task Silent_turns_share_one_connection_that_tells_whether_the_server_is_there()
    {
        using var server = new RawServer();
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: $"http://{server.Authority}/v1");
        var model = chatbot.Api.Services.GetRequiredService<ModelServer>();

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => model.AcceptsConnectionsAsync(Chatbot.Cancelled)));

        Assert.All(answers, Assert.True);
        // Connections that were made wait to be accepted: the next one would be here.
        await server.AcceptAsync();
        Assert.False(server.AcceptAsync().IsCompleted);
    }

    [Fact]
    public async Task A_machine_that_has_gone_is_not_waited_for_longer_than_a_connection_may_take()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere the connections may be refused.");
        // Connections beyond those that wait to be accepted get no answer.
        using var full = new Socket(SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        full.Listen(0);
        var waiting = Enumerable.Range(0, 4).Select(_ => new Socket(SocketType.Stream, ProtocolType.Tcp)).ToList();
        var connecting = waiting.ConvertAll(socket => socket.ConnectAsync(full.LocalEndPoint!));
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: $"http://{full.LocalEndPoint}/v1", settings: "Chat:ConnectTimeout=00:00:00.2");
        var model = chatbot.Api.Services.GetRequiredService<ModelServer>();

        Assert.True(await model.AcceptsConnectionsAsync(Chatbot.Cancelled).WaitAsync(TimeSpan.FromSeconds(10), Chatbot.Cancelled));
        Assert.Contains(connecting, connection => !connection.IsCompleted);
        waiting.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public async Task Turns_share_one_list_of_models()
    {
        using var server = new RawServer();
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: $"http://{server.Authority}/v1");
        var models = chatbot.Api.Services.GetRequiredService<ModelDirectory>();

        var turns = Enumerable.Range(0, 50).Select(_ => models.RediscoverAsync(Chatbot.Cancelled).AsTask()).ToArray();
        using (var left = new CancellationTokenSource())
        {
            var leaving = models.RediscoverAsync(left.Token).AsTask();
            await left.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        }

        const string List = """{"data":[{"id":"m"}]}""";
        var request = await server.AcceptRequestAsync();
        await request.SendAsync($"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {List.Length}\r\n\r\n{List}");

        Assert.All(await Task.WhenAll(turns), found => Assert.Equal("m", found.Model?.Name));
    }

    [Fact]
    public async Task A_model_that_is_loaded_when_it_is_used_is_not_asked_about_its_thinking()
    {
        var counted = 0;
        await using var upstream = await RawUpstream.StartAsync(_ => Task.CompletedTask, """{"data":[{"id":"a","status":{"value":"unloaded"}},{"id":"qwen3:8b","status":{"value":"unloaded"}}]}""", tokenize: _ => $$"""{"count":{{++counted}}}""");
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        var states = await Task.WhenAll(((string[])["a", "qwen3:8b"]).Select(name => chatbot.Client.GetStringAsync($"/api/model?model={name}", Chatbot.Cancelled)));

        Assert.Equal(0, counted);
        Assert.DoesNotContain("\"thinking\"", states[0], StringComparison.Ordinal);
        Assert.Contains("\"thinking\":true", states[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tokens_are_counted_after_another_server_has_taken_the_address()
    {
        var isVllm = true;
        await using var upstream = await RawUpstream.StartAsync(_ => Task.CompletedTask, tokenize: _ => isVllm ? """{"count":3,"max_model_len":100}""" : """{"tokens":[1,2]}""");
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);
        var services = chatbot.Api.Services;
        var (counter, server, request) = (services.GetRequiredService<TokenCounter>(), services.GetRequiredService<ModelServer>(), new Llasta.ChatApi.Contract.TokensRequest([]));

        Assert.Equal(3, (await counter.CountAsync(server, "m", request, Chatbot.Cancelled))?.Count);
        isVllm = false;
        Assert.Null(await counter.CountAsync(server, "m", request, Chatbot.Cancelled));
        isVllm = true;
        Assert.Equal(3, (await counter.CountAsync(server, "m", request, Chatbot.Cancelled))?.Count);
    }
}
