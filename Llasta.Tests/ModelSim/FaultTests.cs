using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace Llasta.Tests.ModelSim;

public sealed class FaultTests
{
    private static readonly (string, string) Afterwards = ("X-Sim-Fault-After-Tokens", "3");

    public static TheoryData<string> Phases => ["before-headers", "queued", "thinking", "answering", "after-finish"];

    [Theory]
    [InlineData("unauthorized", 401, """{"error":"Unauthorized"}""")]
    [InlineData("not-found", 404, """{"error":{"message":"The model `Qwen/Qwen3-8B` does not exist. Valid aliases: Qwen/Qwen3-8B.","type":"NotFoundError","param":"model","code":404}}""")]
    [InlineData("error", 500, """{"error":{"message":"EngineCore encountered an issue. See stack trace (above) for the root cause.","type":"InternalServerError","param":null,"code":500}}""")]
    [InlineData("overflow", 400, """{"error":{"message":"This model's maximum context length is 16384 tokens. However, your prompt contains at least 16385 input tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value=16385)","type":"BadRequestError","param":"input_tokens","code":400}}""")]
    public async Task A_refusal_is_vLLMs(string fault, int status, string body)
    {
        await using var sim = await SimServer.StartAsync();
        using var response = await sim.SendAsync(SimServer.Ask("Hi"), ("X-Sim-Fault", fault));
        Assert.Equal((status, body), ((int)response.StatusCode, await response.Content.ReadAsStringAsync(SimServer.Stop)));
        await AssertStateAsync(sim, "faulted");
    }

    [Theory]
    [InlineData("busy", "vllm-0.32.0-queue", "refused")]
    [InlineData("stopping", "vllm-0.32.0-stopping", "with-shutdown-timeout--new-while-stopping-300")]
    [InlineData("error", "vllm-0.32.0-stopping", "engine-killed--turn-after-100")]
    public async Task A_refusal_is_the_recorded_one(string fault, string server, string name)
    {
        await using var sim = await SimServer.StartAsync();
        using var response = await sim.SendAsync(SimServer.Ask("Hi"), ("X-Sim-Fault", fault));
        Assert.Equal(Recording.Answer(server, name).Form(), (await Recording.ReadAsync(response)).Form());
        using var health = await sim.Client.GetAsync("/health", SimServer.Stop);
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
    }

    [Fact]
    public async Task A_router_without_its_worker_answers_in_plain_text()
    {
        await using var sim = await SimServer.StartAsync();
        using var response = await sim.SendAsync(SimServer.Ask("Hi"), ("X-Sim-Fault", "router-error"));
        var recorded = Recording.Answer("vllm-router-0.1.17", "worker-down");
        var answer = await Recording.ReadAsync(response);
        Assert.Equal((recorded.Status, recorded.ContentType, Start(recorded.Body)), (answer.Status, answer.ContentType, Start(answer.Body)));

        static string Start(string body) => body[..body.IndexOf("http", StringComparison.Ordinal)];
    }

    [Theory]
    [InlineData("thinking")]
    [InlineData("answering")]
    [InlineData("after-finish")]
    public async Task A_dying_engine_ends_the_stream_as_recorded(string phase)
    {
        await using var sim = await SimServer.StartAsync();
        var text = await FailAsync(sim, "engine-death", phase);
        Assert.Equal(LastEvents(Recording.Answer("vllm-0.32.0-stopping", "engine-killed--running").Body), LastEvents(text));
        AssertTokens(text, phase);
    }

    [Fact]
    public async Task An_engine_that_is_dead_before_the_first_token_is_the_first_event()
    {
        await using var sim = await SimServer.StartAsync();
        var text = await FailAsync(sim, "engine-death", "queued");
        Assert.Equal(string.Join("\n\n", LastEvents(Recording.Answer("vllm-0.32.0-stopping", "engine-killed--running").Body)) + "\n\n", text);
    }

    [Fact]
    public async Task An_engine_that_is_dead_before_the_headers_is_a_500()
    {
        await using var sim = await SimServer.StartAsync();
        using var response = await sim.SendAsync(SimServer.Ask("Hi"), ("X-Sim-Fault", "engine-death"), ("X-Sim-FaultPhase", "before-headers"));
        Assert.Equal(Recording.Answer("vllm-0.32.0-stopping", "engine-killed--turn-after-100").Form(), (await Recording.ReadAsync(response)).Form());
    }

    [Fact]
    public async Task A_dying_engine_behind_the_Rust_front_end_is_a_reset()
    {
        await using var sim = await SimServer.StartAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => sim.ReadAsync(SimServer.Ask("Hi"), ("X-Sim-Fault", "engine-death"), ("X-Sim-FrontEnd", "rust"), Afterwards));
        await AssertStateAsync(sim, "faulted");
    }

    [Fact]
    public async Task A_proxys_page_is_HTML_with_status_200()
    {
        await using var sim = await SimServer.StartAsync();
        using var response = await sim.SendAsync(SimServer.Ask("Hi"), ("X-Sim-Fault", "html"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/html", response.Content.Headers.ContentType?.MediaType);
    }

    [Theory]
    [InlineData("refuse", "answering")]
    [InlineData("cut", "before-headers")]
    public async Task A_refused_connection_brings_no_response(string fault, string phase)
    {
        await using var sim = await SimServer.StartAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => sim.SendAsync(SimServer.Ask("Hi"), ("X-Sim-Fault", fault), ("X-Sim-FaultPhase", phase)));
        await AssertStateAsync(sim, "faulted");
    }

    [Theory]
    [MemberData(nameof(Phases))]
    public async Task A_stall_is_silent_until_the_client_leaves(string phase)
    {
        await using var sim = await SimServer.StartAsync();
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(SimServer.Stop);
        var reading = ReadToEndAsync(sim, phase, leave.Token);
        await AssertStateAsync(sim, "faulted");
        Assert.False(reading.IsCompleted);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        await sim.LastRequestAsync(request => request.GetProperty("abortedAt").ValueKind != JsonValueKind.Null);

        static async Task ReadToEndAsync(SimServer sim, string phase, CancellationToken stop)
        {
            using var response = await sim.SendAsync(SimServer.Ask("Hi", SimServer.Think), stop, ("X-Sim-Fault", "stall"), ("X-Sim-FaultPhase", phase), Afterwards);
            await response.Content.ReadAsByteArrayAsync(stop);
        }
    }

    [Theory]
    [MemberData(nameof(Phases))]
    public async Task A_cut_breaks_the_connection(string phase)
    {
        await using var sim = await SimServer.StartAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => sim.ReadAsync(SimServer.Ask("Hi", SimServer.Think), ("X-Sim-Fault", "cut"), ("X-Sim-FaultPhase", phase), Afterwards));
        await AssertStateAsync(sim, "faulted");
    }

    [Theory]
    [MemberData(nameof(Phases))]
    public async Task An_end_is_clean_and_without_DONE(string phase)
    {
        await using var sim = await SimServer.StartAsync();
        var text = await FailAsync(sim, "end", phase);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
        Assert.Equal(phase == "after-finish", text.Contains("\"finish_reason\":\"stop\"", StringComparison.Ordinal));
        AssertTokens(text, phase);
    }

    [Theory]
    [MemberData(nameof(Phases))]
    public async Task An_error_in_the_stream_is_followed_by_DONE(string phase)
    {
        await using var sim = await SimServer.StartAsync();
        var text = await FailAsync(sim, "error-in-stream", phase);
        Assert.EndsWith("data: {\"error\": {\"message\": \"Internal server error\", \"type\": \"InternalServerError\", \"param\": null, \"code\": 500}}\n\ndata: [DONE]\n\n", text, StringComparison.Ordinal);
        AssertTokens(text, phase);
    }

    [Theory]
    [MemberData(nameof(Phases))]
    public async Task An_abort_has_a_finish_reason_of_its_own(string phase)
    {
        await using var sim = await SimServer.StartAsync();
        var text = await FailAsync(sim, "abort", phase);
        Assert.Contains("\"finish_reason\":\"abort\"", text, StringComparison.Ordinal);
        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
        AssertTokens(text, phase);
    }

    [Theory]
    [MemberData(nameof(Phases))]
    public async Task A_malformed_chunk_stands_among_good_ones(string phase)
    {
        await using var sim = await SimServer.StartAsync();
        var text = await FailAsync(sim, "malformed", phase);
        var bad = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Where(frame => frame.Contains("no JSON", StringComparison.Ordinal));
        Assert.Equal("data: {\"id\": chatcmpl, this is no JSON", Assert.Single(bad));
        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Phases))]
    public async Task A_truncated_chunk_ends_inside_its_JSON(string phase)
    {
        await using var sim = await SimServer.StartAsync();
        var text = await FailAsync(sim, "truncated-json", phase);
        Assert.EndsWith("\"choices\":[", text, StringComparison.Ordinal);
        AssertTokens(text, phase);
    }

    [Theory]
    [InlineData("endless", true)]
    [InlineData("endless-line", false)]
    public async Task What_has_no_end_goes_on_until_the_client_leaves(string fault, bool inLines)
    {
        await using var sim = await SimServer.StartAsync();
        using (var response = await sim.SendAsync(SimServer.Ask("Hi"), ("X-Sim-Fault", fault), ("X-Sim-FaultPhase", "queued")))
        await using (var stream = await response.Content.ReadAsStreamAsync(SimServer.Stop))
        {
            var block = new byte[100_000];
            await stream.ReadExactlyAsync(block, SimServer.Stop);
            Assert.Equal(inLines, block.Contains((byte)'\n'));
        }
        await sim.LastRequestAsync(request => request.GetProperty("abortedAt").ValueKind != JsonValueKind.Null);
    }

    [Fact]
    public async Task A_whole_answer_fails_with_an_error_document()
    {
        await using var sim = await SimServer.StartAsync();
        using var response = await sim.SendAsync(SimServer.Ask("Hi", SimServer.Whole), ("X-Sim-Fault", "error-in-stream"));
        Assert.Equal((500, """{"error":{"message":"Internal server error","type":"InternalServerError","param":null,"code":500}}"""),
            ((int)response.StatusCode, await response.Content.ReadAsStringAsync(SimServer.Stop)));
        await AssertStateAsync(sim, "faulted");
    }

    [Fact]
    public async Task A_whole_answer_can_be_aborted()
    {
        await using var sim = await SimServer.StartAsync();
        var aborted = await sim.ReadAsync(SimServer.Ask("Hi", SimServer.Whole), ("X-Sim-Fault", "abort"));
        Assert.Equal("abort", (string?)JsonNode.Parse(aborted)!["choices"]![0]!["finish_reason"]);
    }

    [Fact]
    public async Task A_fault_can_be_armed_for_a_number_of_requests()
    {
        await using var sim = await SimServer.StartAsync();
        using var settings = new StringContent("""{"Fault":"error","FaultTimes":2}""", Encoding.UTF8, "application/json");
        (await sim.Client.PutAsync("/sim/settings", settings, SimServer.Stop)).EnsureSuccessStatusCode();
        var statuses = new List<int>();
        for (var i = 0; i < 4; i++)
            using (var response = await sim.SendAsync(SimServer.Ask("Hi")))
                statuses.Add((int)response.StatusCode);
        Assert.Equal([500, 500, 200, 200], statuses);
    }

    private static string[] LastEvents(string stream) => stream.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[^2..];

    private static Task<string> FailAsync(SimServer sim, string fault, string phase) =>
        sim.ReadAsync(SimServer.Ask("Hi", SimServer.Think), ("X-Sim-Fault", fault), ("X-Sim-FaultPhase", phase), Afterwards);

    private static void AssertTokens(string text, string phase)
    {
        int Count(string member) => text.Split($"\"delta\":{{\"{member}\":\"").Length - 1;
        if (phase is "before-headers" or "queued")
            Assert.DoesNotContain("\"role\"", text, StringComparison.Ordinal);
        if (phase == "thinking")
            Assert.Equal(3, Count("reasoning"));
        if (phase == "answering")
            Assert.InRange(Count("content"), 3, 4);
    }

    private static Task<JsonElement> AssertStateAsync(SimServer sim, string state) => sim.LastRequestAsync(request => request.GetProperty("state").GetString() == state);
}
