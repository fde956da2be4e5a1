using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace Llasta.Tests.ModelSim;

public sealed class ServerTests
{
    [Theory]
    [InlineData("")]
    [InlineData("Hello, world!")]
    [InlineData("  indented\n\n\n\tcode  \r\n and 1234567 digits")]
    [InlineData("你好，世界 – Ærøskøbing שלום <think> <b>&amp;</b> $x^2$")]
    public async Task Joined_tokens_are_the_text(string text)
    {
        await using var sim = await SimServer.StartAsync();
        var tokens = await TokenizeAsync(sim, new JsonObject { ["prompt"] = text, ["return_token_strs"] = true });
        Assert.Equal(text, string.Concat(tokens.GetProperty("token_strs").EnumerateArray().Select(piece => piece.GetString())));
        Assert.Equal(tokens.GetProperty("count").GetInt32(), tokens.GetProperty("tokens").GetArrayLength());
        Assert.Equal(16_384, tokens.GetProperty("max_model_len").GetInt32());
    }

    [Fact]
    public async Task An_emoji_is_more_than_one_token()
    {
        await using var sim = await SimServer.StartAsync();
        Assert.Equal(2, (await TokenizeAsync(sim, new JsonObject { ["prompt"] = " 🎉" })).GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task A_token_is_about_four_characters()
    {
        await using var sim = await SimServer.StartAsync();
        var answer = (await sim.StreamAsync(SimServer.Ask("2000 words"))).Content;
        var tokens = await TokenizeAsync(sim, new JsonObject { ["prompt"] = answer });
        Assert.InRange(answer.Length / (double)tokens.GetProperty("count").GetInt32(), 3.5, 5);
    }

    [Fact]
    public async Task Tokenized_messages_count_as_the_prompt_does()
    {
        await using var sim = await SimServer.StartAsync();
        var body = SimServer.Ask("How long is this?", SimServer.Whole);
        var tokens = await TokenizeAsync(sim, new JsonObject { ["messages"] = body["messages"]!.DeepClone(), ["chat_template_kwargs"] = body["chat_template_kwargs"]!.DeepClone() });
        Assert.Equal(tokens.GetProperty("count").GetInt32(), (int)JsonNode.Parse(await sim.ReadAsync(body))!["usage"]!["prompt_tokens"]!);
    }

    [Fact]
    public async Task Metrics_have_vLLMs_names_and_labels()
    {
        await using var sim = await SimServer.StartAsync();
        await sim.StreamAsync(SimServer.Ask("Hi"));
        await sim.StreamAsync(SimServer.Ask("Hi"));
        var metrics = await sim.Client.GetStringAsync("/metrics", SimServer.Stop);
        foreach (var name in (string[])["num_requests_running", "num_requests_waiting", "kv_cache_usage_perc", "prefix_cache_queries_total", "prefix_cache_hits_total", "prompt_tokens_total", "generation_tokens_total", "time_to_first_token_seconds_count", "inter_token_latency_seconds_count", "e2e_request_latency_seconds_sum", "request_queue_time_seconds_count"])
            Assert.Contains($"\nvllm:{name}{{engine=\"0\",model_name=\"Qwen/Qwen3-8B\"}} ", metrics, StringComparison.Ordinal);
        Assert.Contains("vllm:request_success_total{engine=\"0\",finished_reason=\"stop\",model_name=\"Qwen/Qwen3-8B\"} 2.0\n", metrics, StringComparison.Ordinal);
        Assert.Contains("vllm:time_to_first_token_seconds_bucket{engine=\"0\",le=\"+Inf\",model_name=\"Qwen/Qwen3-8B\"} 2.0\n", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("vllm:prefix_cache_hits_total{engine=\"0\",model_name=\"Qwen/Qwen3-8B\"} 0.0", await AfterALongPromptTwiceAsync(sim), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_log_keeps_the_newest_requests_with_their_bodies()
    {
        await using var sim = await SimServer.StartAsync();
        for (var i = 0; i < 300; i++)
            await sim.ReadAsync(SimServer.Ask($"Say {i + 1} words", SimServer.Whole), ("X-Request-Id", $"{i}"), ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        var requests = (await sim.GetAsync("/sim/requests")).GetProperty("requests");
        Assert.Equal(256, requests.GetArrayLength());
        Assert.Equal("chatcmpl-299", requests[255].GetProperty("id").GetString());
        Assert.Equal("Say 300 words", requests[255].GetProperty("body").GetProperty("messages")[0].GetProperty("content").GetString());
        Assert.StartsWith("00-0af7651916cd43dd8448eb211c80319c", requests[255].GetProperty("traceparent").GetString(), StringComparison.Ordinal);
        (await sim.Client.DeleteAsync("/sim/requests", SimServer.Stop)).EnsureSuccessStatusCode();
        Assert.Equal(0, (await sim.GetAsync("/sim/requests")).GetProperty("requests").GetArrayLength());
    }

    [Fact]
    public async Task A_thousand_paced_streams_run_side_by_side()
    {
        await using var sim = await SimServer.StartAsync(options => options.TokensPerSecond = 500);
        var alone = await sim.StreamAsync(SimServer.Ask("table"));
        var all = await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => sim.StreamAsync(SimServer.Ask("table"))));
        Assert.All(all, streamed => Assert.Equal((alone.Content, "stop", true), (streamed.Content, streamed.FinishReason, streamed.Done)));
    }

    private static async Task<string> AfterALongPromptTwiceAsync(SimServer sim)
    {
        var body = SimServer.Ask(string.Concat(Enumerable.Repeat("the same beginning ", 50)));
        await sim.StreamAsync(body);
        await sim.StreamAsync(body);
        return await sim.Client.GetStringAsync("/metrics", SimServer.Stop);
    }

    private static async Task<JsonElement> TokenizeAsync(SimServer sim, JsonObject body)
    {
        using var response = await sim.Client.PostAsync("/tokenize", JsonContent.Create(body), SimServer.Stop);
        return await response.Content.ReadFromJsonAsync<JsonElement>(SimServer.Stop);
    }
}
