using System.Text.Json.Nodes;
using Xunit;

namespace Llasta.Tests.ModelSim;

public sealed class ContinuationTests
{
    [Theory]
    [InlineData("Tell me about the weather 🌦️ in Zürich")]
    [InlineData("everything")]
    public async Task An_answer_continues_from_every_character(string question)
    {
        await using var sim = await SimServer.StartAsync();
        var whole = await sim.StreamAsync(SimServer.Ask(question));
        for (var cut = 0; cut <= whole.Content.Length; cut++)
        {
            // Half a surrogate pair is no text that JSON could carry.
            if (cut > 0 && char.IsHighSurrogate(whole.Content[cut - 1]))
                continue;
            var partial = whole.Content[..cut];
            var rest = JsonNode.Parse(await sim.ReadAsync(Continue(question, partial, SimServer.Whole)))!["choices"]![0]!;
            Assert.Equal(whole.Content, partial + (string?)rest["message"]!["content"]);
            Assert.Equal("stop", (string?)rest["finish_reason"]);
        }
    }

    [Fact]
    public async Task An_answer_after_thinking_continues_from_every_token()
    {
        await using var sim = await SimServer.StartAsync();
        var whole = await sim.StreamAsync(SimServer.Ask("code", SimServer.Think));
        Assert.StartsWith("\n\n", whole.Content, StringComparison.Ordinal);
        for (var limit = 80; limit < 120; limit++)
        {
            var cut = await sim.StreamAsync(SimServer.Ask("code", body => { SimServer.Think(body); body["max_tokens"] = limit; }));
            Assert.Equal("length", cut.FinishReason);
            var rest = await sim.StreamAsync(Continue("code", cut.Content, body => body["messages"]![1]!["reasoning"] = cut.Thinking));
            Assert.Equal(whole.Content, (cut.Content.Length > 0 ? cut.Content : "\n\n") + rest.Content);
            Assert.Equal("", rest.Thinking);
        }
    }

    [Fact]
    public async Task A_thought_continues_inside_the_thought_from_every_token()
    {
        await using var sim = await SimServer.StartAsync();
        var whole = await sim.StreamAsync(SimServer.Ask("Why?", SimServer.Think));
        for (var limit = 2; limit < 60; limit++)
        {
            var cut = await sim.StreamAsync(SimServer.Ask("Why?", body => { SimServer.Think(body); body["max_tokens"] = limit; }));
            Assert.Equal("", cut.Content);
            var rest = await sim.StreamAsync(Continue("Why?", "<think>" + cut.Thinking, SimServer.Think));
            Assert.Equal((whole.Thinking, whole.Content), (cut.Thinking + rest.Thinking, rest.Content));
        }
    }

    [Fact]
    public async Task A_thought_of_another_model_is_closed_before_the_answer()
    {
        await using var sim = await SimServer.StartAsync();
        var rest = await sim.StreamAsync(Continue("Hi", "<think>\nI am a real model and", SimServer.Think));
        Assert.Equal(("\n", "\n\n" + (await sim.StreamAsync(SimServer.Ask("Hi"))).Content), (rest.Thinking, rest.Content));
    }

    [Fact]
    public async Task A_partial_answer_of_another_model_gets_a_short_ending()
    {
        await using var sim = await SimServer.StartAsync();
        var rest = await sim.StreamAsync(Continue("Hi", "I am a real model and"));
        Assert.Contains("no real model is connected", rest.Content, StringComparison.Ordinal);
        Assert.Equal("stop", rest.FinishReason);
    }

    [Theory]
    [InlineData(true, "Cannot set both `continue_final_message` and `add_generation_prompt` to True.")]
    [InlineData(null, "continue_final_message and add_generation_prompt are not compatible.")]
    public async Task Continuing_and_a_generation_prompt_exclude_each_other(bool? addGenerationPrompt, string message)
    {
        await using var sim = await SimServer.StartAsync();
        var (status, error) = await sim.GetErrorAsync(Continue("Hi", "Hello", body =>
        {
            body.Remove("add_generation_prompt");
            if (addGenerationPrompt is { } value)
                body["add_generation_prompt"] = value;
        }));
        Assert.Equal(400, (int)status);
        Assert.StartsWith(message, (string?)error["error"]!["message"], StringComparison.Ordinal);
        Assert.Equal("BadRequestError", (string?)error["error"]!["type"]);
    }

    private static JsonObject Continue(string question, string partial, Action<JsonObject>? change = null) => SimServer.Ask(question, body =>
    {
        body["continue_final_message"] = true;
        body["add_generation_prompt"] = false;
        body["messages"]!.AsArray().Add((JsonNode)new JsonObject { ["role"] = "assistant", ["content"] = partial });
        change?.Invoke(body);
    });
}
