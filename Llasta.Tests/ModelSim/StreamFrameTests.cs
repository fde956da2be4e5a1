using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Xunit;

namespace Llasta.Tests.ModelSim;

public sealed partial class StreamFrameTests
{
    private const string Head = """data: {"id":"chatcmpl-X","object":"chat.completion.chunk","created":1,"model":"Qwen/Qwen3-8B","choices":[""";
    private const string RoleFrame = Head + """{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null,"prompt_text":null}""";

    [Fact]
    public async Task A_thinking_stream_with_usage_is_vLLMs_to_the_byte()
    {
        await using var sim = await SimServer.StartAsync();
        var text = await ReadAsync(sim, "Say 3 words", body =>
        {
            SimServer.Think(body);
            body["stream_options"] = new JsonObject { ["include_usage"] = true };
        });
        AssertFrames(text,
            RoleFrame,
            Delta("reasoning", "\\n"), Delta("reasoning", "Okay"), Delta("reasoning", ","), Delta("reasoning", "\\n"),
            Delta("content", "\\n\\n"), Delta("content", "Each"), Delta("content", " token"), Delta("content", " rememb"), Delta("content", "ers"),
            Head + """{"index":0,"delta":{"content":""},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}]}""",
            Head + """],"usage":{"prompt_tokens":12,"total_tokens":24,"completion_tokens":12,"completion_tokens_details":{"reasoning_tokens":4}},"system_fingerprint":"vllm-0.32.0-llasta-modelsim"}""",
            "data: [DONE]");
    }

    [Fact]
    public async Task Without_usage_the_fingerprint_rides_on_the_finish_chunk()
    {
        await using var sim = await SimServer.StartAsync();
        AssertFrames(await ReadAsync(sim, "Say 1 word"),
            RoleFrame,
            Delta("content", "Each"),
            Head + """{"index":0,"delta":{"content":""},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}],"system_fingerprint":"vllm-0.32.0-llasta-modelsim"}""",
            "data: [DONE]");
    }

    [Fact]
    public async Task Continuous_usage_stands_on_every_chunk()
    {
        await using var sim = await SimServer.StartAsync();
        var streamed = await sim.StreamAsync(SimServer.Ask("Say 3 words", body => body["stream_options"] = new JsonObject { ["include_usage"] = true, ["continuous_usage_stats"] = true }));
        Assert.Equal([0, 1, 2, 3, 4, 5, 5], streamed.Chunks.Select(chunk => chunk.GetProperty("usage").GetProperty("completion_tokens").GetInt32()));
    }

    [Theory]
    [InlineData("reasoning", """{"reasoning":"Okay"}""")]
    [InlineData("reasoning_content", """{"reasoning_content":"Okay"}""")]
    [InlineData("both", """{"reasoning":"Okay","reasoning_content":"Okay"}""")]
    [InlineData("tags", """{"content":"Okay"}""")]
    public async Task Each_age_of_vLLM_has_its_own_field_for_thinking(string field, string delta)
    {
        await using var sim = await SimServer.StartAsync();
        var text = await sim.ReadAsync(SimServer.Ask("Hi", SimServer.Think), ("X-Sim-Reasoning-Field", field));
        Assert.Contains($"\"delta\":{delta}", text, StringComparison.Ordinal);
        Assert.Equal(field == "tags", text.Contains("<think>", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Tokens_are_sent_several_to_a_chunk_when_asked_to()
    {
        await using var sim = await SimServer.StartAsync();
        var single = await sim.StreamAsync(SimServer.Ask("Hi", SimServer.Think));
        var grouped = await sim.StreamAsync(SimServer.Ask("Hi", SimServer.Think), ("X-Sim-TokensPerChunk", "7"));
        Assert.Equal((single.Thinking, single.Content), (grouped.Thinking, grouped.Content));
        Assert.True(grouped.Chunks.Count < single.Chunks.Count / 4);
    }

    [Fact]
    public async Task A_stream_that_hits_the_limit_in_thought_has_no_content()
    {
        await using var sim = await SimServer.StartAsync();
        var streamed = await sim.StreamAsync(SimServer.Ask("Hi", body =>
        {
            SimServer.Think(body);
            body["max_tokens"] = 500;
            body["max_completion_tokens"] = 10;
            body["stream_options"] = new JsonObject { ["include_usage"] = true };
        }));
        Assert.Equal(("length", "", true), (streamed.FinishReason, streamed.Content, streamed.Done));
        Assert.Equal(10, streamed.Usage.GetProperty("completion_tokens").GetInt32());
    }

    [Fact]
    public async Task A_whole_answer_holds_what_the_stream_holds()
    {
        await using var sim = await SimServer.StartAsync();
        var streamed = await sim.StreamAsync(SimServer.Ask("everything 🎉", SimServer.Think));
        var text = await sim.ReadAsync(SimServer.Ask("everything 🎉", body => { SimServer.Think(body); SimServer.Whole(body); }));
        var choice = JsonNode.Parse(text)!["choices"]![0]!;
        Assert.Equal(streamed.Content, (string?)choice["message"]!["content"]);
        Assert.Equal(streamed.Thinking, (string?)choice["message"]!["reasoning"]);
        Assert.Equal("stop", (string?)choice["finish_reason"]);
        Assert.Contains("👩‍🚀", text, StringComparison.Ordinal);
    }

    [GeneratedRegex("\"created\":\\d+,")]
    private static partial Regex Created { get; }

    private static string Delta(string field, string piece) =>
        Head + $$$"""{"index":0,"delta":{"{{{field}}}":"{{{piece}}}"},"logprobs":null,"finish_reason":null,"token_ids":null}]}""";

    private static async Task<string> ReadAsync(SimServer sim, string question, Action<JsonObject>? change = null) =>
        Created.Replace(await sim.ReadAsync(SimServer.Ask(question, change), ("X-Request-Id", "X"), ("X-Sim-ThinkingTokens", "2")), "\"created\":1,");

    private static void AssertFrames(string text, params string[] frames) => Assert.Equal(string.Concat(frames.Select(frame => frame + "\n\n")), text);
}
