using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>How a partial answer is continued, and what happens where a server doesn't.</summary>
public sealed class ContinuationTests
{
    private const string VllmModels = """{"data":[{"id":"Qwen/Qwen3-8B","owned_by":"vllm","max_model_len":16384}]}""";
    private const string OtherModels = """{"data":[{"id":"some-model"}]}""";

    private static readonly object Partial = new { messages = new object[] { new { role = "user", content = "Hello" }, new { role = "assistant", content = "The first half of the ans", reasoning = "hm" } }, @continue = true, thinking = true };

    private static readonly object PartialThought = new { messages = new object[] { new { role = "user", content = "Hello" }, new { role = "assistant", content = "", reasoning = "Okay, let me" } }, @continue = true, thinking = true };

    [Theory]
    [InlineData("content")]
    [InlineData("reasoning")]
    [InlineData("reasoning_content")]
    public async Task A_continuation_is_text_whatever_the_server_calls_it(string field)
    {
        await using var server = await ScriptedAsync(VllmModels, _ => RawUpstream.Chunk(field, "wer.") + RawUpstream.Finish);

        var answer = await server.Chatbot.AskAsync(Partial);

        Assert.Equal(("wer.", "", "done", false), (answer.Text, answer.Reasoning, answer.State, answer.Restarted));
        var body = Assert.Single(server.Bodies);
        Assert.True(body.GetProperty("continue_final_message").GetBoolean());
        Assert.False(body.GetProperty("add_generation_prompt").GetBoolean());
        Assert.False(body.GetProperty("chat_template_kwargs").GetProperty("enable_thinking").GetBoolean());
        var last = body.GetProperty("messages")[1];
        Assert.Equal(("hm", "hm"), (last.GetProperty("reasoning").GetString(), last.GetProperty("reasoning_content").GetString()));
    }

    [Theory]
    [InlineData(" <th", "is")]
    [InlineData("\n", "\n1. One")]
    [InlineData("<")]
    [InlineData("\n")]
    public async Task A_continuation_may_begin_like_a_tag(params string[] pieces)
    {
        await using var server = await ScriptedAsync(OtherModels, _ => string.Concat(pieces.Select(piece => RawUpstream.Chunk("content", piece))) + RawUpstream.Finish);

        var answer = await server.Chatbot.AskAsync(Partial);

        Assert.Equal((string.Concat(pieces), "", "done", false), (answer.Text, answer.Reasoning, answer.State, answer.Restarted));
        Assert.Single(server.Bodies);
    }

    [Fact]
    public async Task A_thought_is_continued_inside_the_thought()
    {
        await using var server = await ScriptedAsync(VllmModels, _ => RawUpstream.Chunk("reasoning", " think.") + RawUpstream.Chunk("content", "\n\nYes.") + RawUpstream.Finish);

        var answer = await server.Chatbot.AskAsync(PartialThought);

        Assert.Equal((" think.", "\n\nYes.", "done", false), (answer.Reasoning, answer.Text, answer.State, answer.Restarted));
        var body = Assert.Single(server.Bodies);
        Assert.Equal("<think>\nOkay, let me", body.GetProperty("messages")[1].GetProperty("content").GetString());
        Assert.True(body.GetProperty("continue_final_message").GetBoolean());
        Assert.True(body.GetProperty("chat_template_kwargs").GetProperty("enable_thinking").GetBoolean());
    }

    [Fact]
    public async Task A_thought_that_is_continued_without_a_parser_ends_at_its_tag()
    {
        await using var server = await ScriptedAsync(VllmModels, body => body.TryGetProperty("continue_final_message", out _)
            ? RawUpstream.Chunk("content", " think.</th") + RawUpstream.Chunk("content", "ink>\n\nYes.") + RawUpstream.Finish
            : RawUpstream.Chunk("content", "<think>Well.</think>No.") + RawUpstream.Finish);
        await server.Chatbot.AskAsync(Chatbot.User("Hello"));

        var answer = await server.Chatbot.AskAsync(PartialThought);

        Assert.Equal((" think.", "Yes.", "done", false), (answer.Reasoning, answer.Text, answer.State, answer.Restarted));
    }

    /// <summary>A thought that was cut at its very end is followed by the answer, and a chat API that has just started knows nothing of the server.</summary>
    [Theory]
    [InlineData("reasoning", "Anew.", "Anew.", "Yes.")]
    [InlineData("content", "<think>Anew.</think>", "Anew.", "Yes.")]
    [InlineData("content", "Anew.\n</think>\n\n", "Anew.\n", "Yes.")]
    public async Task An_answer_is_not_taken_for_the_rest_of_a_thought(string field, string thought, string reasoning, string text)
    {
        await using var server = await ScriptedAsync(VllmModels, body => body.TryGetProperty("continue_final_message", out _)
            ? RawUpstream.Chunk("content", "\n\nYes") + RawUpstream.Chunk("content", ", the answer.") + RawUpstream.Finish
            : RawUpstream.Chunk(field, thought) + RawUpstream.Chunk("content", "Yes.") + RawUpstream.Finish);

        var answer = await server.Chatbot.AskAsync(PartialThought);

        Assert.Equal((reasoning, text, "done", true), (answer.Reasoning, answer.Text, answer.State, answer.Restarted));

        // Now it is known how this server sends thinking.
        var next = await server.Chatbot.AskAsync(PartialThought);

        Assert.Equal(("done", false), (next.State, next.Restarted));
        Assert.Equal(field == "reasoning", next.Reasoning.Length == 0);
    }

    [Fact]
    public async Task A_thought_starts_over_where_the_server_can_not_continue_it()
    {
        await using var server = await ScriptedAsync(OtherModels, _ => RawUpstream.Chunk("reasoning", "Anew.") + RawUpstream.Chunk("content", "Yes.") + RawUpstream.Finish);

        var answer = await server.Chatbot.AskAsync(PartialThought);

        Assert.Equal(("Anew.", "Yes.", true), (answer.Reasoning, answer.Text, answer.Restarted));
        Assert.Equal(1, Assert.Single(server.Bodies).GetProperty("messages").GetArrayLength());
    }

    [Theory]
    [InlineData("openai", "nothing")]
    [InlineData("auto", "refuses-the-field")]
    [InlineData("auto", "refuses-the-role")]
    [InlineData("auto", "thinks-in-a-field")]
    [InlineData("auto", "thinks-in-tags")]
    [InlineData("auto", "thinks-in-a-split-tag")]
    [InlineData("auto", "thinks-after-a-line-break")]
    [InlineData("auto", "thinks-in-a-field-after-a-line-break")]
    public async Task A_server_that_does_not_continue_is_asked_again_and_the_reader_is_told(string kind, string how)
    {
        await using var server = await ScriptedAsync(OtherModels, body =>
        {
            var continued = body.GetProperty("messages").EnumerateArray().Last().GetProperty("role").GetString() == "assistant";
            return how switch
            {
                "refuses-the-field" when body.TryGetProperty("continue_final_message", out _) => """400{"error":{"message":"Unknown parameter: 'continue_final_message'."}}""",
                "refuses-the-role" when continued => """400{"message":"Expected last role User or Tool for serving but got assistant"}""",
                "thinks-in-a-field" when continued => RawUpstream.Chunk("reasoning", "A new thought") + RawUpstream.Chunk("content", "A new answer") + RawUpstream.Finish,
                "thinks-in-tags" when continued => RawUpstream.Chunk("content", "<think>A new thought</think>A new answer") + RawUpstream.Finish,
                "thinks-in-a-split-tag" when continued => RawUpstream.Chunk("content", " <th") + RawUpstream.Chunk("content", "ink>A new thought</think>A new answer") + RawUpstream.Finish,
                "thinks-after-a-line-break" when continued => RawUpstream.Chunk("content", "\n") + RawUpstream.Chunk("content", "<think>") + RawUpstream.Chunk("content", "A new thought</think>A new answer") + RawUpstream.Finish,
                "thinks-in-a-field-after-a-line-break" when continued => RawUpstream.Chunk("content", "\n") + RawUpstream.Chunk("reasoning", "A new thought") + RawUpstream.Chunk("content", "A new answer") + RawUpstream.Finish,
                _ => RawUpstream.Chunk("content", "The whole answer.") + RawUpstream.Finish,
            };
        }, $"Chat:Server={kind}");

        for (var turn = 0; turn < 2; turn++)
        {
            server.Bodies.Clear();
            var answer = await server.Chatbot.AskAsync(Partial);

            Assert.Equal(("The whole answer.", "", "done", true), (answer.Text, answer.Reasoning, answer.State, answer.Restarted));
            Assert.Equal(1, server.Bodies[^1].GetProperty("messages").GetArrayLength());
        }

        // The second time the server is not tried first.
        Assert.Single(server.Bodies);
    }

    /// <summary>What one reader's request brings about is nothing that the others' answers could lose.</summary>
    [Theory]
    [InlineData("refused", OtherModels, """400{"error":{"message":"max_tokens=5000000 cannot be greater than max_model_len=16384."}}""")]
    [InlineData("refused", VllmModels, """400{"error":{"message":"max_tokens=5000000 cannot be greater than max_model_len=16384.","param":"max_tokens"}}""")]
    [InlineData("refused", VllmModels, """400{"error":{"message":"Conversation roles must alternate user/assistant/user/assistant/..."}}""")]
    [InlineData("refused", VllmModels, """400{"error":{"message":"continue_final_message is set but the final message does not appear in the chat after applying the chat template!"}}""")]
    [InlineData("A tag, please", VllmModels, "<think>")]
    public async Task What_one_reader_makes_of_a_continuation_changes_nothing_for_others(string message, string models, string continuation)
    {
        await using var server = await ScriptedAsync(models, body => body.ToString() switch
        {
            var sent when !sent.Contains(message, StringComparison.Ordinal) => RawUpstream.Chunk("content", "wer.") + RawUpstream.Finish,
            _ when continuation.StartsWith("400", StringComparison.Ordinal) => continuation,
            var sent when sent.Contains("continue_final_message", StringComparison.Ordinal) => RawUpstream.Chunk("content", continuation) + RawUpstream.Finish,
            _ => RawUpstream.Chunk("content", "Anew.") + RawUpstream.Finish,
        });

        using var one = await server.Chatbot.SendAsync(new { messages = new object[] { new { role = "user", content = message }, new { role = "assistant", content = "Here" } }, @continue = true, sampling = new { maxTokens = 5000000 } });
        _ = await one.Content.ReadAsStringAsync(Chatbot.Cancelled);
        var other = await server.Chatbot.AskAsync(Partial);

        Assert.Equal(("wer.", "done", false), (other.Text, other.State, other.Restarted));
    }

    [Fact]
    public async Task A_refused_continuation_costs_a_server_that_is_not_known_no_other_field()
    {
        await using var server = await ScriptedAsync(OtherModels, body => body.ToString().Contains("continue_final_message", StringComparison.Ordinal)
            ? """400{"error":{"message":"Conversation roles must alternate."}}"""
            : RawUpstream.Chunk("content", "Anew.") + RawUpstream.Finish);

        var answer = await server.Chatbot.AskAsync(Partial);

        Assert.Equal(("Anew.", true), (answer.Text, answer.Restarted));
        await server.Chatbot.AskAsync(Chatbot.User("Hello"));

        Assert.True(server.Bodies[^1].TryGetProperty("stream_options", out _));
    }

    [Fact]
    public async Task A_thought_that_contains_its_end_starts_over()
    {
        await using var server = await ScriptedAsync(VllmModels, _ => RawUpstream.Chunk("reasoning", "Anew.") + RawUpstream.Chunk("content", "Yes.") + RawUpstream.Finish);

        var answer = await server.Chatbot.AskAsync(new { messages = new object[] { new { role = "user", content = "Hello" }, new { role = "assistant", content = "", reasoning = "The tag </think> ends" } }, @continue = true, thinking = true });

        Assert.Equal(("Anew.", "Yes.", true), (answer.Reasoning, answer.Text, answer.Restarted));
        Assert.Equal(1, Assert.Single(server.Bodies).GetProperty("messages").GetArrayLength());
    }

    [Fact]
    public async Task An_old_answer_about_the_closing_tag_is_sent_whole()
    {
        await using var server = await ScriptedAsync(VllmModels, _ => RawUpstream.Chunk("content", "Yes.") + RawUpstream.Finish);

        await server.Chatbot.AskAsync(new { messages = new object[] { new { role = "user", content = "What ends a thought?" }, new { role = "assistant", content = "The tag </think>." }, new { role = "user", content = "Sure?" } } });

        var old = Assert.Single(server.Bodies).GetProperty("messages")[1];
        Assert.Equal(("The tag </think>.", ""), (old.GetProperty("content").GetString(), old.GetProperty("reasoning").GetString()));
    }

    [Theory]
    [InlineData("Qwen/Qwen3-8B", 0.6, 20)]
    [InlineData("Qwen/Qwen3-8B-FP8", 0.6, 20)]
    [InlineData("qwen3:8b", 0.6, 20)]
    [InlineData("/data/models/Qwen3-0.6B/", 0.6, 20)]
    [InlineData("Qwen/Qwen3-30B-A3B-Instruct-2507", null, null)]
    [InlineData("Qwen/Qwen3-Coder-30B-A3B-Instruct", null, null)]
    [InlineData("Qwen/Qwen3-VL-8B-Thinking", null, null)]
    [InlineData("meta-llama/Llama-3.1-8B-Instruct", null, null)]
    public async Task Qwens_sampling_goes_to_its_hybrid_models_only(string model, double? temperature, int? topK)
    {
        await using var server = await ScriptedAsync($$"""{"data":[{"id":"{{model}}"}]}""", _ => RawUpstream.Chunk("content", "Yes.") + RawUpstream.Finish);

        await server.Chatbot.AskAsync(Chatbot.User("Hello", thinking: true));

        var body = Assert.Single(server.Bodies);
        Assert.Equal(temperature, body.TryGetProperty("temperature", out var t) ? t.GetDouble() : null);
        Assert.Equal(topK, body.TryGetProperty("top_k", out var k) ? k.GetInt32() : null);
    }

    [Fact]
    public async Task The_operators_sampling_is_sent_unless_the_reader_chose_another()
    {
        await using var server = await ScriptedAsync(OtherModels, _ => RawUpstream.Chunk("content", "Yes.") + RawUpstream.Finish, "Chat:Sampling:Temperature=0.3", "Chat:Sampling:TopK=7");

        await server.Chatbot.AskAsync(new { messages = new[] { new { role = "user", content = "Hello" } }, sampling = new { temperature = 1.5, seed = 7 } });

        var body = Assert.Single(server.Bodies);
        Assert.Equal((1.5, 7, 7), (body.GetProperty("temperature").GetDouble(), body.GetProperty("top_k").GetInt32(), body.GetProperty("seed").GetInt32()));
    }

    private static async Task<Scripted> ScriptedAsync(string models, Func<JsonElement, string> answer, params string[] settings)
    {
        var bodies = new List<JsonElement>();
        var upstream = await RawUpstream.StartAsync(async http =>
        {
            var body = (await JsonDocument.ParseAsync(http.Request.Body, cancellationToken: Chatbot.Cancelled)).RootElement;
            bodies.Add(body);
            var text = answer(body);
            if (text.StartsWith("400", StringComparison.Ordinal))
                (http.Response.StatusCode, text) = (400, text[3..]);
            // Each event is read separately, as a model's tokens are.
            foreach (var part in text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
            {
                await http.Response.WriteAsync($"{part}\n\n", Chatbot.Cancelled);
                await http.Response.Body.FlushAsync(Chatbot.Cancelled);
                await Task.Delay(20, Chatbot.Cancelled);
            }
        }, models);
        return new Scripted(upstream, await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl, settings: settings), bodies);
    }

    private sealed record Scripted(RawUpstream Upstream, Chatbot Chatbot, List<JsonElement> Bodies) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Chatbot.DisposeAsync();
            await Upstream.DisposeAsync();
        }
    }
}
