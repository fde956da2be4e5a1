using System.Text.Json;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>Stop is closing the request: the model's server sees its connection close, in whatever phase the turn is.</summary>
public class StopTests
{
    [Theory]
    [CombinatorialForms("queued", """{"QueueDelay":"00:10:00"}""")]
    [CombinatorialForms("thinking", """{"TokensPerSecond":20,"ThinkingTokens":10000}""")]
    [CombinatorialForms("answering", """{"TokensPerSecond":20,"ThinkingTokens":0}""")]
    [CombinatorialForms("after-finish", """{"Fault":"stall","FaultPhase":"after-finish"}""")]
    public async Task Closing_the_request_closes_the_upstream_connection(Form form, string phase, string settings)
    {
        await using var chatbot = await Chatbot.StartAsync(form, settings: "Chat:HeartbeatInterval=00:00:00.1"); // the head comes with the first token or heartbeat
        await chatbot.SetAsync(settings);

        var response = await chatbot.SendAsync(Chatbot.User("Tell me everything.", thinking: phase == "thinking"));
        var running = await chatbot.ModelSawAsync(request => request.GetProperty("phase").GetString() == phase);
        Assert.Equal(JsonValueKind.Null, running.GetProperty("abortedAt").ValueKind);
        response.Dispose();

        var stopped = await chatbot.ModelSawAsync(request => request.GetProperty("abortedAt").ValueKind != JsonValueKind.Null);
        Assert.Equal(phase, stopped.GetProperty("phase").GetString());
    }

    [Theory]
    [CombinatorialForms]
    public async Task Leaving_before_the_model_has_answered_at_all_closes_the_upstream_connection(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form);
        await chatbot.SetAsync("""{"Fault":"stall","FaultPhase":"before-headers"}""");
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Chatbot.Cancelled);

        var sending = chatbot.SendAsync(Chatbot.User("Hello"), leaving.Token);
        await chatbot.ModelSawAsync(_ => true);
        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        await chatbot.ModelSawAsync(request => request.GetProperty("abortedAt").ValueKind != JsonValueKind.Null);
    }

    [Theory]
    [CombinatorialForms]
    public async Task A_stopped_turn_makes_room_for_the_next(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form, settings: "Chat:MaxConcurrentTurns=1");
        await chatbot.SetAsync("""{"TokensPerSecond":20}""");

        var first = await chatbot.SendAsync(Chatbot.User("Tell me everything."));
        var (status, problem, refused) = await chatbot.RefusedAsync(Chatbot.User("And me?"));
        Assert.Equal((503, "busy", true), (status, problem.GetProperty("code").GetString(), problem.GetProperty("retryable").GetBoolean()));
        Assert.NotNull(refused.Headers.RetryAfter);

        first.Dispose();
        await chatbot.SetAsync("""{"TokensPerSecond":0}""");
        Assert.Equal("done", (await chatbot.AskUntilAcceptedAsync(Chatbot.User("And me?"))).State);
    }
}
