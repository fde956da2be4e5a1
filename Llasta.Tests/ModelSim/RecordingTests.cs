using Llasta.ModelSim;
using Xunit;

namespace Llasta.Tests.ModelSim;

/// <summary>Holds the simulator to vLLM's recorded answers.</summary>
public sealed class RecordingTests
{
    // Left out: what the simulator refuses instead, and where its own texts are longer than the recorded limit.
    private static readonly Dictionary<string, (Action<ModelSimOptions> Configure, string[] LeftOut)> Servers = new()
    {
        ["vllm-0.32.0"] = (_ => { }, ["completions", "n-2", "logprobs", "length-in-answer", "stop-string"]),
        ["vllm-0.32.0-no-parser"] = (options => options.ReasoningField = ReasoningField.Tags, []),
        ["vllm-0.32.0-parser-deepseek_r1"] = (options => options.ThinkingTokens = 5, []),
        ["vllm-0.32.0-key"] = (options => (options.ApiKey, options.PromptTokensDetails, options.RequestMetrics) = ("secret", true, true), []),
        ["vllm-0.32.0-details"] = (options => (options.ThinkingTokens, options.PromptTokensDetails, options.RequestMetrics) = (5, true, true), []),
        ["vllm-0.32.0-window-256"] = (options => options.ContextWindow = 256, ["fills-window", "fills-window-whole"]),
        // The Rust front end's sentences about single fields are serde's, which the simulator doesn't reproduce.
        ["vllm-0.32.0-rust-frontend"] = (options => options.FrontEnd = FrontEnd.Rust,
        [
            "bad-json", "cache-salt-empty", "length-in-answer", "max-tokens-0", "max-tokens-negative", "no-messages", "null-content", "overflow-prompt", "reasoning-effort-wrong",
            "stop-string", "temperature-negative", "temperature-text", "template-kwargs-wrong", "tools-unparsed", "top-k-wrong", "top-p-0", "two-errors",
        ]),
    };

    public static TheoryData<string, string> Pairs
    {
        get
        {
            var pairs = new TheoryData<string, string>();
            foreach (var (server, (_, leftOut)) in Servers)
                foreach (var name in Recording.Names(server).Except(leftOut))
                    pairs.Add(server, name);
            return pairs;
        }
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task An_answer_has_the_recorded_form(string server, string name)
    {
        await using var sim = await SimServer.StartAsync(Servers[server].Configure);
        using var request = Recording.Request(server, name);
        using var response = await sim.Client.SendAsync(request, SimServer.Stop);
        Assert.Equal(Recording.Answer(server, name).Form(), (await Recording.ReadAsync(response)).Form());
    }

    [Theory]
    [InlineData("completions", "/v1/completions")]
    [InlineData("n-2", "n other than 1")]
    [InlineData("logprobs", "logprobs")]
    public async Task A_feature_that_is_not_simulated_is_refused_in_vLLMs_form(string name, string what)
    {
        await using var sim = await SimServer.StartAsync();
        using var request = Recording.Request("vllm-0.32.0", name);
        using var response = await sim.Client.SendAsync(request, SimServer.Stop);
        Assert.Equal((501, $$$"""{"error":{"message":"The simulator doesn't support {{{what}}}; no real model is connected.","type":"NotImplementedError","param":null,"code":501}}"""),
            ((int)response.StatusCode, await response.Content.ReadAsStringAsync(SimServer.Stop)));
    }
}
