using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace Llasta.Tests.ModelSim;

/// <summary>What vLLM does with single request fields and options, beyond the recorded forms.</summary>
public sealed class DialectTests
{
    [Theory]
    [InlineData(5)]
    [InlineData(0)]
    public async Task A_thinking_budget_is_the_exact_number_of_thinking_tokens(int budget)
    {
        await using var sim = await SimServer.StartAsync();
        var plain = await sim.StreamAsync(SimServer.Ask("Hi"));
        var streamed = await sim.StreamAsync(SimServer.Ask("Hi", body =>
        {
            SimServer.Think(body);
            body["thinking_token_budget"] = budget;
            body["stream_options"] = new JsonObject { ["include_usage"] = true };
        }));
        Assert.Equal(budget, streamed.Usage.GetProperty("completion_tokens_details").GetProperty("reasoning_tokens").GetInt32());
        Assert.Equal("\n\n" + plain.Content, streamed.Content);
    }

    [Fact]
    public async Task No_reasoning_effort_switches_thinking_off_unless_the_template_is_told_otherwise()
    {
        await using var sim = await SimServer.StartAsync();
        var off = await sim.StreamAsync(SimServer.Ask("Hi", body => { body.Remove("chat_template_kwargs"); body["reasoning_effort"] = "none"; }));
        var on = await sim.StreamAsync(SimServer.Ask("Hi", body => { SimServer.Think(body); body["reasoning_effort"] = "none"; }));
        Assert.Equal(("", true), (off.Thinking, on.Thinking.Length > 0));
    }

    [Fact]
    public async Task A_stop_string_ends_the_answer_before_it_appears()
    {
        await using var sim = await SimServer.StartAsync();
        var whole = await sim.StreamAsync(SimServer.Ask("Hi"));
        var stopped = await sim.StreamAsync(SimServer.Ask("Hi", body => body["stop"] = new JsonArray("absent", "prepared", "What works")));
        Assert.Equal(whole.Content[..whole.Content.IndexOf("What works", StringComparison.Ordinal)], stopped.Content);
        Assert.Equal("What works", stopped.Chunks[^1].GetProperty("choices")[0].GetProperty("stop_reason").GetString());
    }

    [Theory]
    [InlineData("python", "🎉🎉")]
    [InlineData("rust", "🎉🎉\uFFFD")]
    public async Task Half_a_character_at_the_limit_is_left_out_or_replaced(string frontEnd, string end)
    {
        await using var sim = await SimServer.StartAsync();
        Assert.DoesNotContain('\uFFFD', (await sim.StreamAsync(SimServer.Ask("🎉🎉🎉"), ("X-Sim-Front-End", frontEnd))).Content);
        var answers = new List<string>();
        for (var limit = 20; limit < 60; limit++)
            answers.Add((await sim.StreamAsync(SimServer.Ask("🎉🎉🎉", body => body["max_tokens"] = limit), ("X-Sim-Front-End", frontEnd))).Content);
        Assert.Contains(answers, answer => answer.EndsWith(end, StringComparison.Ordinal));
        Assert.Equal(frontEnd == "rust", answers.Any(answer => answer.Contains('\uFFFD', StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Half_a_character_is_an_empty_delta_until_its_other_half_follows()
    {
        await using var sim = await SimServer.StartAsync();
        var streamed = await sim.StreamAsync(SimServer.Ask("🎉"));
        var deltas = streamed.Chunks.Select(chunk => chunk.GetProperty("choices")[0].GetProperty("delta").GetProperty("content").GetString()).ToList();
        var emoji = deltas.IndexOf(" 🎉");
        Assert.True(emoji > 0);
        Assert.Equal("", deltas[emoji - 1]);
    }

    [Fact]
    public async Task A_waiting_stream_is_kept_alive_by_comments()
    {
        await using var sim = await SimServer.StartAsync(options => options.QueueDelay = TimeSpan.FromHours(1));
        using var response = await sim.SendAsync(SimServer.Ask("Hi"), ("X-Sim-KeepAliveInterval", "00:00:00.005"));
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(SimServer.Stop), Encoding.UTF8);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(": keep-alive", await reader.ReadLineAsync(SimServer.Stop));
            Assert.Equal("", await reader.ReadLineAsync(SimServer.Stop));
        }
    }

    [Fact]
    public async Task Requests_above_the_admission_limit_are_refused_as_vLLM_does()
    {
        await using var sim = await SimServer.StartAsync(options => (options.MaxQueuedRequests, options.QueueDelay) = (1, TimeSpan.FromHours(1)));
        using (await sim.SendAsync(SimServer.Ask("Hi")))
        {
            await sim.LastRequestAsync(request => request.GetProperty("phase").GetString() == "queued");
            using var refused = await sim.SendAsync(SimServer.Ask("Hi"));
            Assert.Equal(Recording.Answer("vllm-0.32.0-queue", "refused").Form(), (await Recording.ReadAsync(refused)).Form());
        }
        // The first client has left, which frees its place.
        await SimServer.UntilAsync(async () => await sim.Client.GetStringAsync("/load", SimServer.Stop) == """{"server_load":0}""");
        using var accepted = await sim.SendAsync(SimServer.Ask("Hi"));
        Assert.Equal(200, (int)accepted.StatusCode);
    }

    [Theory]
    [InlineData("vllm-0.32.0", "thinking", "python")]
    [InlineData("vllm-0.32.0-rust-frontend", "thinking", "rust")]
    public async Task The_request_id_becomes_the_answers(string server, string name, string frontEnd)
    {
        await using var sim = await SimServer.StartAsync();
        using var request = Recording.Request(server, name);
        request.Headers.Add("X-Request-Id", "turn-42");
        request.Headers.Add("X-Sim-FrontEnd", frontEnd);
        using var response = await sim.Client.SendAsync(request, SimServer.Stop);
        Assert.Contains("\"id\":\"chatcmpl-turn-42\"", await response.Content.ReadAsStringAsync(SimServer.Stop), StringComparison.Ordinal);
    }
}
