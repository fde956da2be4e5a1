using System.Text.Json.Nodes;
using Xunit;

namespace Llasta.Tests.ModelSim;

public sealed class AnswerTests
{
    [Theory]
    [InlineData("Hello!")]
    [InlineData("What are you?")]
    [InlineData("How do I connect a real model?")]
    [InlineData("Show me a table")]
    [InlineData("everything")]
    public async Task Every_answer_says_what_speaks_and_how_to_connect_a_model(string question)
    {
        await using var sim = await SimServer.StartAsync();
        var answer = (await sim.StreamAsync(SimServer.Ask(question))).Content;
        Assert.Contains("simulator", answer, StringComparison.Ordinal);
        Assert.Contains("o real model is connected", answer, StringComparison.Ordinal);
        Assert.Contains("OPENAI_API_BASE_URL=http://host:8000/v1", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Make a table, please", "|:-----|")]
    [InlineData("Write some code", "```python")]
    [InlineData("Math?", "$$\nx_{1,2}")]
    [InlineData("Math?", "\\begin{aligned}")]
    [InlineData("A table with line breaks", "<br>")]
    [InlineData("Warning and footnotes", "> [!WARNING]")]
    [InlineData("Warning and footnotes", "[^1]: ")]
    [InlineData("In Arabic", "| العربية | مرحبًا بالعالم |")]
    [InlineData("In Chinese", "**“真正的”**模型")]
    [InlineData("everything", "> [!NOTE]")]
    [InlineData("everything", "שלום עולם")]
    [InlineData("a LIST of things", "\n- [x] streaming")]
    [InlineData("a list and a table", "|:-----|")]
    [InlineData("Show everything", "<script>")]
    [InlineData("My cat is grey", "> My cat is grey")]
    public async Task A_word_in_the_last_message_brings_its_content(string question, string content)
    {
        await using var sim = await SimServer.StartAsync();
        Assert.Contains(content, (await sim.StreamAsync(SimServer.Ask(question))).Content, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_word_inside_another_brings_nothing()
    {
        await using var sim = await SimServer.StartAsync();
        var answer = (await sim.StreamAsync(SimServer.Ask("Is decoding comfortable to listen to?"))).Content;
        Assert.InRange(Words(answer), 100, 250);
        Assert.DoesNotContain("```", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1 word", 1)]
    [InlineData("Write about 45 words", 45)]
    [InlineData("a 2,000-word essay", 2000)]
    [InlineData("3.5k words", 3500)]
    public async Task A_length_in_words_is_exact(string question, int words)
    {
        await using var sim = await SimServer.StartAsync();
        Assert.Equal(words, Words((await sim.StreamAsync(SimServer.Ask(question))).Content));
    }

    [Theory]
    [InlineData(20)]
    [InlineData(500)]
    [InlineData(8000)]
    public async Task A_length_in_tokens_is_met_to_within_a_word(int tokens)
    {
        await using var sim = await SimServer.StartAsync();
        var text = await sim.ReadAsync(SimServer.Ask($"{tokens} tokens", SimServer.Whole));
        Assert.InRange((int)JsonNode.Parse(text)!["usage"]!["completion_tokens"]!, tokens, tokens + 5);
    }

    [Fact]
    public async Task Sampling_thinking_and_limits_change_nothing_in_the_answer()
    {
        await using var sim = await SimServer.StartAsync();
        var plain = await sim.StreamAsync(SimServer.Ask("Hi"));
        var other = await sim.StreamAsync(SimServer.Ask("Hi", body =>
        {
            SimServer.Think(body);
            body["temperature"] = 1.5;
            body["seed"] = 7;
            body["max_tokens"] = 4000;
        }));
        Assert.Equal("\n\n" + plain.Content, other.Content);
    }

    [Theory]
    [InlineData("0", 2)]
    [InlineData("1", 3)]
    [InlineData("3000", 3002)]
    public async Task Thinking_has_the_length_that_was_set(string setting, int tokens)
    {
        await using var sim = await SimServer.StartAsync();
        var text = await sim.ReadAsync(SimServer.Ask("Hi", body => { SimServer.Think(body); SimServer.Whole(body); }), ("X-Sim-ThinkingTokens", setting));
        Assert.InRange((int)JsonNode.Parse(text)!["usage"]!["completion_tokens_details"]!["reasoning_tokens"]!, tokens - 1, tokens);
    }

    [Fact]
    public async Task Thinking_hard_takes_longer_and_keeps_to_its_budget()
    {
        await using var sim = await SimServer.StartAsync();
        var quick = await sim.StreamAsync(SimServer.Ask("Why?", SimServer.Think));
        var hard = await sim.StreamAsync(SimServer.Ask("Think hard: why?", SimServer.Think));
        var budgeted = await sim.StreamAsync(SimServer.Ask("Think hard: why?", body => { SimServer.Think(body); body["thinking_token_budget"] = 5; }));
        Assert.True(hard.Thinking.Length > 3 * quick.Thinking.Length);
        Assert.True(budgeted.Thinking.Length < quick.Thinking.Length);
        Assert.NotEqual("", budgeted.Content);
    }

    private static int Words(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
}
