using System.Text.Json;
using Xunit;

namespace Llasta.Tests.ModelSim;

public sealed class DisconnectTests
{
    [Theory]
    [InlineData("queued", true, "QueueDelay", "00:10:00")]
    [InlineData("queued", false, "QueueDelay", "00:10:00")]
    [InlineData("queued", true, "FirstTokenDelay", "00:10:00")]
    [InlineData("thinking", true, "TokensPerSecond", "0.001")]
    [InlineData("thinking", false, "TokensPerSecond", "0.001")]
    [InlineData("answering", true, "TokensPerSecond", "0.001", false)]
    [InlineData("answering", true, "Fault", "endless", false)]
    public async Task A_client_that_leaves_aborts_its_request(string phase, bool stream, string setting, string value, bool thinking = true)
    {
        await using var sim = await SimServer.StartAsync();
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(SimServer.Stop);
        var body = SimServer.Ask("Hi", request =>
        {
            request["stream"] = stream;
            if (thinking)
                SimServer.Think(request);
        });
        var reading = Task.Run(async () =>
        {
            using var response = await sim.SendAsync(body, leave.Token, ($"X-Sim-{setting}", value));
            await response.Content.CopyToAsync(Stream.Null, leave.Token);
        }, SimServer.Stop);
        // A fault begins some tokens into its phase.
        var running = setting == "Fault" ? "faulted" : "running";
        await sim.LastRequestAsync(request => request.GetProperty("phase").GetString() == phase && request.GetProperty("state").GetString() == running);

        var left = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);

        var request = await sim.LastRequestAsync(request => request.GetProperty("abortedAt").ValueKind == JsonValueKind.Number);
        Assert.Equal(setting == "Fault" ? "faulted" : "aborted", request.GetProperty("state").GetString());
        Assert.Equal(phase, request.GetProperty("phase").GetString());
        Assert.True(request.GetProperty("abortedAt").GetInt64() >= left);
        await SettledAsync(sim);
    }

    [Fact]
    public async Task A_client_that_leaves_after_DONE_has_aborted_nothing()
    {
        await using var sim = await SimServer.StartAsync();
        await sim.StreamAsync(SimServer.Ask("Hi"));
        sim.Client.CancelPendingRequests();
        using var other = new HttpClient { BaseAddress = sim.Client.BaseAddress };
        var requests = JsonElement.Parse(await other.GetStringAsync("/sim/requests", SimServer.Stop)).GetProperty("requests");
        Assert.Equal(("finished", JsonValueKind.Null), (requests[0].GetProperty("state").GetString(), requests[0].GetProperty("abortedAt").ValueKind));
    }

    /// <summary>Nothing is left running or waiting.</summary>
    private static Task SettledAsync(SimServer sim) => SimServer.UntilAsync(async () =>
    {
        var metrics = await sim.Client.GetStringAsync("/metrics", SimServer.Stop);
        return metrics.Contains("vllm:num_requests_running{engine=\"0\",model_name=\"Qwen/Qwen3-8B\"} 0.0", StringComparison.Ordinal)
            && metrics.Contains("vllm:num_requests_waiting{engine=\"0\",model_name=\"Qwen/Qwen3-8B\"} 0.0", StringComparison.Ordinal);
    });
}
