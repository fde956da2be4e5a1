using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>How a process ends.</summary>
public class DrainTests
{
    [Theory]
    [CombinatorialForms]
    public async Task A_running_answer_finishes_while_new_turns_are_refused_as_retryable_and_readiness_is_gone(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form);
        await chatbot.SetAsync("""{"TokensPerSecond":100}""");
        using var running = await chatbot.SendAsync(Chatbot.User("300 tokens, please."));

        var stopping = chatbot.Front.StopAsync(Chatbot.Cancelled);
        await Eventually.TrueAsync(async () => (await chatbot.Client.GetAsync("/health", Chatbot.Cancelled)).StatusCode == HttpStatusCode.ServiceUnavailable, () => "The drain has not begun.");

        var (status, problem, refused) = await chatbot.RefusedAsync(Chatbot.User("Hello"));
        Assert.Equal((503, "unreachable", true), (status, problem.GetProperty("code").GetString(), problem.GetProperty("retryable").GetBoolean()));
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.Equal(HttpStatusCode.OK, (await chatbot.Client.GetAsync("/alive", Chatbot.Cancelled)).StatusCode);
        // The page of a reader whose answer still runs asks for the state of the model.
        Assert.Equal(HttpStatusCode.OK, (await chatbot.Client.GetAsync("/api/model", Chatbot.Cancelled)).StatusCode);

        Assert.Equal("done", (await Answer.ReadAsync(running)).State);
        await stopping;
    }

    [Theory]
    [InlineData(Form.ChatApiAlone)]
    [InlineData(Form.SingleProcess)]
    public async Task An_answer_that_does_not_fit_the_drain_time_ends_as_truncated(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form, settings: "Chat:DrainTimeout=00:00:00.3");
        await chatbot.SetAsync("""{"TokensPerSecond":20}""");
        using var running = await chatbot.SendAsync(Chatbot.User("2000 tokens, please."));

        var stopping = chatbot.Api.StopAsync(Chatbot.Cancelled);
        var answer = await Answer.ReadAsync(running);
        await stopping;

        Assert.Equal("truncated", answer.State);
        await chatbot.ModelSawAsync(request => request.GetProperty("abortedAt").ValueKind != JsonValueKind.Null);
    }

    [Fact]
    public async Task A_front_that_runs_out_of_drain_time_closes_its_streams_and_the_models()
    {
        await using var chatbot = await Chatbot.StartAsync(Form.Split, settings: "Chat:DrainTimeout=00:00:00.3");
        await chatbot.SetAsync("""{"TokensPerSecond":20}""");
        using var running = await chatbot.SendAsync(Chatbot.User("2000 tokens, please."));

        await chatbot.Front.StopAsync(Chatbot.Cancelled);

        await chatbot.ModelSawAsync(request => request.GetProperty("abortedAt").ValueKind != JsonValueKind.Null);
    }

    [Fact]
    public async Task A_chat_API_that_has_gone_is_passed_over()
    {
        var gone = new TcpListener(IPAddress.Loopback, 0);
        gone.Start();
        var address = gone.LocalEndpoint;
        gone.Stop();
        await using var chatbot = await Chatbot.StartAsync(Form.Split, settings: $"services:chatapi:http:1=http://{address}");

        for (var i = 0; i < 6; i++)
            Assert.Equal("done", (await chatbot.AskAsync(Chatbot.User("Hello"))).State);
    }
}
