using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Llasta.Tests.ChatApi;

public class TurnTests
{
    [Theory]
    [CombinatorialForms]
    public async Task A_turn_streams_its_answer_and_tells_model_usage_and_timings(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form);

        var answer = await chatbot.AskAsync(Chatbot.User("What are you?", thinking: true));

        Assert.Equal("done", answer.State);
        Assert.NotEmpty(answer.Reasoning);
        Assert.Contains("simulator", answer.Text, StringComparison.OrdinalIgnoreCase);
        Assert.Equal("Qwen/Qwen3-8B", answer.Start.GetProperty("model").GetString());
        Assert.Equal(16384, answer.Start.GetProperty("contextWindow").GetInt32());
        var usage = answer.End!.Value.GetProperty("usage");
        Assert.True(usage.GetProperty("promptTokens").GetInt32() > 0);
        Assert.InRange(usage.GetProperty("reasoningTokens").GetInt32(), 1, usage.GetProperty("completionTokens").GetInt32() - 1);
        var timings = answer.End.Value.GetProperty("timings");
        Assert.True(timings.GetProperty("firstTokenMs").GetDouble() > 0);
        Assert.True(timings.GetProperty("relayMs").GetDouble() > 0);
    }

    [Theory]
    [CombinatorialForms]
    public async Task An_answer_cut_anywhere_continues_to_the_same_whole(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form);
        var whole = await chatbot.AskAsync(Chatbot.User("Show me a table.", thinking: true));

        for (var cut = 1; cut < whole.Text.Length; cut += 37)
        {
            // Qwen3's template strips a partial answer's leading newlines; half a surrogate pair is no text.
            if (whole.Text[..cut].Trim('\n').Length == 0 || char.IsHighSurrogate(whole.Text[cut - 1]))
                continue;
            var rest = await chatbot.AskAsync(new
            {
                messages = new object[]
                {
                    new { role = "user", content = "Show me a table." },
                    new { role = "assistant", content = whole.Text[..cut], reasoning = whole.Reasoning },
                },
                thinking = true,
                @continue = true,
            });
            Assert.Equal(("done", ""), (rest.State, rest.Reasoning));
            Assert.Equal(whole.Text, whole.Text[..cut] + rest.Text);
        }
    }

    [Fact]
    public async Task The_model_is_asked_in_its_own_words()
    {
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone);

        await chatbot.AskAsync(new { messages = new object[] { new { role = "system", content = "Be brief." }, new { role = "user", content = "Hi" }, new { role = "assistant", content = "Hello.", reasoning = "old" }, new { role = "user", content = "Go" } }, thinking = true });
        var thinking = (await chatbot.ModelSawAsync(_ => true)).GetProperty("body");
        await chatbot.AskAsync(new { messages = new object[] { new { role = "user", content = "Go" } }, thinking = false, sampling = new { temperature = 0.1, topP = 0.2, maxTokens = 30 } });
        var plain = (await chatbot.ModelSawAsync(_ => true)).GetProperty("body");

        Assert.Equal((0.6, 0.95, 20, true), Sampling(thinking));
        Assert.Equal((0.1, 0.2, 20, false), Sampling(plain));
        Assert.Equal(30, plain.GetProperty("max_tokens").GetInt32());
        Assert.False(thinking.TryGetProperty("max_tokens", out _));
        Assert.True(thinking.GetProperty("stream_options").GetProperty("include_usage").GetBoolean());
        // The template drops old turns' thinking; it isn't sent.
        Assert.False(thinking.GetProperty("messages")[2].TryGetProperty("reasoning", out _));

        static (double, double, int, bool) Sampling(JsonElement body) => (
            body.GetProperty("temperature").GetDouble(),
            body.GetProperty("top_p").GetDouble(),
            body.GetProperty("top_k").GetInt32(),
            body.GetProperty("chat_template_kwargs").GetProperty("enable_thinking").GetBoolean());
    }

    [Theory]
    [CombinatorialForms]
    public async Task Silence_is_kept_alive_by_comments(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form, settings: "Chat:HeartbeatInterval=00:00:00.05");
        await chatbot.SetAsync("""{"QueueDelay":"00:10:00"}""");

        using var response = await chatbot.SendAsync(Chatbot.User("Hello"));
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Chatbot.Cancelled));
        var comments = 0;
        while (comments < 3)
        {
            if (await reader.ReadLineAsync(Chatbot.Cancelled) == ": keep-alive")
                comments++;
        }
    }

    [Fact]
    public async Task Heartbeats_and_tokens_never_mix()
    {
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, settings: "Chat:HeartbeatInterval=00:00:00.001");
        var whole = await chatbot.AskAsync(Chatbot.User("300 tokens, please."));
        await chatbot.SetAsync("""{"TokensPerSecond":300}""");

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => chatbot.AskAsync(Chatbot.User("300 tokens, please."))));

        Assert.All(answers, answer => Assert.Equal((whole.Text, "done"), (answer.Text, answer.State)));
    }

    [Theory]
    [CombinatorialForms]
    public async Task The_model_is_told_with_its_state_and_remembered(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form);

        var status = await chatbot.Client.GetFromJsonAsync<JsonElement>("/api/model", Chatbot.Cancelled);

        Assert.Equal("ready", status.GetProperty("state").GetString());
        Assert.Equal("Qwen/Qwen3-8B", status.GetProperty("model").GetString());
        Assert.Equal(16384, status.GetProperty("contextWindow").GetInt32());
        Assert.True(status.GetProperty("simulated").GetBoolean());
        Assert.NotEmpty(status.GetProperty("version").GetString()!);
    }

    [Theory]
    [InlineData("http://127.0.0.1:1/v1", "loading")]
    [InlineData("http://no-such-host.invalid/v1", "unreachable")]
    public async Task A_model_that_is_away_is_told_apart_and_refuses_turns_as_unreachable(string baseUrl, string state)
    {
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: baseUrl);

        var status = await chatbot.Client.GetFromJsonAsync<JsonElement>("/api/model", Chatbot.Cancelled);
        var (refused, problem, _) = await chatbot.RefusedAsync(Chatbot.User("Hello"));

        Assert.Equal(state, status.GetProperty("state").GetString());
        Assert.NotEmpty(status.GetProperty("detail").GetString()!);
        Assert.Equal((503, "unreachable", true), (refused, problem.GetProperty("code").GetString(), problem.GetProperty("retryable").GetBoolean()));
    }

    [Fact]
    public async Task A_server_restarted_with_another_model_is_found_out()
    {
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone);
        await chatbot.AskAsync(Chatbot.User("Hello"));
        await chatbot.SetAsync("""{"Model":"Qwen/Qwen3-8B-FP8"}""");

        var answer = await chatbot.AskAsync(Chatbot.User("Hello"));

        Assert.Equal(("done", "Qwen/Qwen3-8B-FP8"), (answer.State, answer.Start.GetProperty("model").GetString()));
    }

    [Fact]
    public async Task A_wrong_key_is_the_operators_to_mend()
    {
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, model => model.ApiKey = "secret", settings: "OPENAI_API_KEY=wrong");
        await using var right = await Chatbot.StartAsync(Form.ChatApiAlone, model => model.ApiKey = "secret", settings: "OPENAI_API_KEY=secret");

        var (status, problem, _) = await chatbot.RefusedAsync(Chatbot.User("Hello"));

        Assert.Equal((502, "model-auth"), (status, problem.GetProperty("code").GetString()));
        Assert.Contains("OPENAI_API_KEY", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal("done", (await right.AskAsync(Chatbot.User("Hello"))).State);
    }

    [Fact]
    public async Task A_key_in_a_file_comes_before_the_variable()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "secret\n", Chatbot.Cancelled);
            await using var chatbot = await Chatbot.StartAsync(
                Form.ChatApiAlone, model => model.ApiKey = "secret", settings: ["OPENAI_API_KEY=wrong", $"OPENAI_API_KEY_FILE={file}"]);

            Assert.Equal("done", (await chatbot.AskAsync(Chatbot.User("Hello"))).State);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [CombinatorialForms]
    public async Task A_conversation_over_the_window_is_refused_with_the_counts(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form, model => model.ContextWindow = 64);

        var (status, problem, _) = await chatbot.RefusedAsync(Chatbot.User(string.Concat(Enumerable.Repeat("many words ", 100))));

        Assert.Equal((400, "context-overflow"), (status, problem.GetProperty("code").GetString()));
        Assert.Equal(64, problem.GetProperty("contextWindow").GetInt32());
        Assert.True(problem.GetProperty("promptTokens").GetInt32() >= 64);
    }

    [Theory]
    [CombinatorialForms]
    public async Task Tokens_are_counted_by_the_models_own_tokenizer(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form);

        using var response = await chatbot.Client.PostAsJsonAsync("/api/tokens", Chatbot.User("Hello there"), Chatbot.Cancelled);
        var count = await response.Content.ReadFromJsonAsync<JsonElement>(Chatbot.Cancelled);

        Assert.True(count.GetProperty("count").GetInt32() > 2);
        Assert.Equal(16384, count.GetProperty("contextWindow").GetInt32());
    }

    [Fact]
    public async Task A_long_conversation_is_counted_although_the_model_lists_its_tokens()
    {
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone);

        using var response = await chatbot.Client.PostAsJsonAsync("/api/tokens", Chatbot.User(string.Concat(Enumerable.Repeat("word ", 60_000))), Chatbot.Cancelled);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.True((await response.Content.ReadFromJsonAsync<JsonElement>(Chatbot.Cancelled)).GetProperty("count").GetInt32() > 60_000);
    }

    [Theory]
    [InlineData("""{"count":9,"max_model_len":null}""")]
    [InlineData("""{"max_model_len":{"count":1},"tokens":[1,2],"count":9}""")]
    public async Task A_count_without_a_window_is_a_count(string counted)
    {
        await using var upstream = await RawUpstream.StartAsync(_ => Task.CompletedTask, """{"data":[{"id":"m","max_model_len":100}]}""", tokenize: _ => counted);
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        using var response = await chatbot.Client.PostAsJsonAsync("/api/tokens", Chatbot.User("Hello"), Chatbot.Cancelled);

        Assert.Equal(9, (await response.Content.ReadFromJsonAsync<JsonElement>(Chatbot.Cancelled)).GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task A_server_that_does_not_count_tokens_is_answered_with_501()
    {
        await using var upstream = await RawUpstream.StartAsync(http => http.Response.WriteAsync(RawUpstream.Finish, Chatbot.Cancelled));
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        using var response = await chatbot.Client.PostAsJsonAsync("/api/tokens", Chatbot.User("Hello"), Chatbot.Cancelled);

        Assert.Equal(HttpStatusCode.NotImplemented, response.StatusCode);
    }

    [Theory]
    [InlineData("<html>hello</html>")]
    [InlineData("""{"data":"none"}""")]
    [InlineData("""{"data":[{"object":"model"}]}""")]
    [InlineData("[1")]
    public async Task Nonsense_instead_of_a_list_of_models_is_a_problem_and_not_a_crash(string body)
    {
        await using var upstream = await RawUpstream.StartAsync(_ => Task.CompletedTask, body);
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        var (status, problem, _) = await chatbot.RefusedAsync(Chatbot.User("Hello"));
        var state = await chatbot.Client.GetFromJsonAsync<JsonElement>("/api/model", Chatbot.Cancelled);

        Assert.Equal((502, "model-error"), (status, problem.GetProperty("code").GetString()));
        Assert.Equal("unreachable", state.GetProperty("state").GetString());
    }
}
