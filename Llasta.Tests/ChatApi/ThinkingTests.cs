using System.Text;
using Llasta.ModelSim;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>However a server sends thinking, the page sees the same.</summary>
public class ThinkingTests
{
    private const string Tagged = "<think>\nLet me see: 1 < 2, and </thin isn't the end. é😀\n</think>\n\nIt is **so**.";
    private const string Thought = "Let me see: 1 < 2, and </thin isn't the end. é😀\n";
    private const string Said = "It is **so**.";

    [Theory]
    [CombinatorialForms(ReasoningField.Reasoning)]
    [CombinatorialForms(ReasoningField.ReasoningContent)]
    [CombinatorialForms(ReasoningField.Both)]
    [CombinatorialForms(ReasoningField.Tags)]
    public async Task Every_wire_form_of_thinking_comes_out_as_reasoning_events(Form form, ReasoningField field)
    {
        await using var chatbot = await Chatbot.StartAsync(form);
        var expected = await chatbot.AskAsync(Chatbot.User("Think about this.", thinking: true));
        await chatbot.SetAsync($$"""{"ReasoningField":"{{System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(field.ToString())}}"}""");

        var answer = await chatbot.AskAsync(Chatbot.User("Think about this.", thinking: true));

        Assert.Equal(expected.Reasoning.Trim(), answer.Reasoning.Trim());
        Assert.Equal(expected.Text.Trim(), answer.Text.Trim());
        Assert.NotEmpty(answer.Reasoning.Trim());
        Assert.NotEmpty(answer.Text.Trim());
        Assert.DoesNotContain("<think>", answer.Reasoning + answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tags_are_found_wherever_chunks_split_them()
    {
        var split = 0;
        await using var upstream = await RawUpstream.StartAsync(http =>
            http.Response.WriteAsync(RawUpstream.Chunk("content", Tagged[..split]) + RawUpstream.Chunk("content", Tagged[split..]) + RawUpstream.Finish, Chatbot.Cancelled));
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        for (split = 0; split <= Tagged.Length; split++)
        {
            // Between the halves of a surrogate pair there is no text to split.
            if (split > 0 && char.IsHighSurrogate(Tagged[split - 1]))
                continue;
            var answer = await chatbot.AskAsync(Chatbot.User("?", thinking: true));
            Assert.Equal((Thought, Said, "done"), (answer.Reasoning, answer.Text, answer.State));
        }
    }

    [Fact]
    public async Task Tags_are_found_when_every_character_is_a_chunk()
    {
        var stream = string.Concat(Tagged.EnumerateRunes().Select(rune => RawUpstream.Chunk("content", rune.ToString()))) + RawUpstream.Finish;
        await using var upstream = await RawUpstream.StartAsync(http => http.Response.WriteAsync(stream, Chatbot.Cancelled));
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        var answer = await chatbot.AskAsync(Chatbot.User("?", thinking: true));

        Assert.Equal((Thought, Said, "done"), (answer.Reasoning, answer.Text, answer.State));
    }

    [Fact]
    public async Task The_stream_means_the_same_wherever_the_network_splits_its_bytes()
    {
        var bytes = Encoding.UTF8.GetBytes(RawUpstream.Chunk("content", "<think>\nA é") + RawUpstream.Chunk("content", "\n</think>\n\nB 😀") + RawUpstream.Finish);
        var split = 0;
        await using var upstream = await RawUpstream.StartAsync(async http =>
        {
            await http.Response.Body.WriteAsync(bytes.AsMemory(0, split), Chatbot.Cancelled);
            await http.Response.Body.FlushAsync(Chatbot.Cancelled);
            await http.Response.Body.WriteAsync(bytes.AsMemory(split), Chatbot.Cancelled);
        });
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        for (split = 0; split <= bytes.Length; split++)
        {
            var answer = await chatbot.AskAsync(Chatbot.User("?", thinking: true));
            Assert.Equal(("A é\n", "B 😀", "done"), (answer.Reasoning, answer.Text, answer.State));
        }
    }

    [Theory]
    [InlineData("<thoughts>no tag", "<thoughts>no tag")]
    [InlineData("  <th", "  <th")]
    [InlineData("1 < 2", "1 < 2")]
    [InlineData("Say <think> and </think>", "Say <think> and </think>")]
    public async Task Text_that_only_looks_like_a_tag_is_text(string sent, string text)
    {
        await using var upstream = await RawUpstream.StartAsync(http => http.Response.WriteAsync(RawUpstream.Chunk("content", sent) + RawUpstream.Finish, Chatbot.Cancelled));
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        var answer = await chatbot.AskAsync(Chatbot.User("?", thinking: true));

        Assert.Equal(("", text, "done"), (answer.Reasoning, answer.Text, answer.State));
    }

    [Fact]
    public async Task A_thought_without_an_end_is_all_reasoning()
    {
        await using var upstream = await RawUpstream.StartAsync(http => http.Response.WriteAsync(
            RawUpstream.Chunk("content", "<think>\non and on </thi") + """data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}""" + "\n\ndata: [DONE]\n\n", Chatbot.Cancelled));
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        var answer = await chatbot.AskAsync(Chatbot.User("?", thinking: true));

        Assert.Equal(("on and on </thi", "", "thinking-limit"), (answer.Reasoning, answer.Text, answer.State));
    }
}
