using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Llasta.ChatApi;
using Llasta.ChatApi.Upstream;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>How the model is found in the lists that servers give.</summary>
public sealed class ModelListTests
{
    [Theory]
    [InlineData("""{"object":"list","data":[{"id":"nomic-embed-text:latest","object":"model"},{"id":"qwen3:8b","object":"model"}]}""", "qwen3:8b")]
    [InlineData("""{"data":[{"id":"BAAI/bge-m3"},{"id":"whisper-1"},{"id":"some-chat"}]}""", "some-chat")]
    [InlineData("""{"data":[{"id":"text-embedding-x","type":"embeddings"},{"id":"some-chat","type":"llm"}]}""", "some-chat")]
    [InlineData("""[{"id":"some-chat","type":"chat"}]""", "some-chat")]
    [InlineData("""{"models":[{"name":"some-chat"}]}""", "some-chat")]
    [InlineData("""{"data":["some-chat"]}""", "some-chat")]
    [InlineData("""{"data":[{"id":null},{"id":""},{"id":"some-chat"}]}""", "some-chat")]
    [InlineData("""{"data":[{"id":"/data/models/Qwen3-8B/"}]}""", "/data/models/Qwen3-8B/")]
    [InlineData("""{"data":[{"id":"only-embeddings"}]}""", "only-embeddings")]
    [InlineData("""{"data":[{"id":"some-chat"},{"id":"cut""", "some-chat")]
    [InlineData("""{"dat\ud800":1,"data":[{"i\ud800":1,"meta":{"n_\udc00":1},"max_model_\ud800":1,"id":"some-chat"}]}""", "some-chat")]
    [InlineData("""{"data":[{"id":"   "},{"id":"some-chat"}]}""", "some-chat")]
    [InlineData("""{"data":[],"models":[{"name":"some-chat"}]}""", "some-chat")]
    [InlineData("""{"data":null,"models":[{"name":"some-chat"}]}""", "some-chat")]
    [InlineData("""{"models":[],"data":[{"id":"some-chat"}]}""", "some-chat")]
    [InlineData("""{"models":[{"name":"some-chat"}],"data":[{"nothing":1}]}""", "some-chat")]
    [InlineData("""{"models":[{"name":"some-chat"}],"data":[{"id":"cut""", "some-chat")]
    [InlineData("""{"data":[{"id":"e","capabilities":{"completion_chat":false}},{"id":"some-chat","capabilities":{"completion_chat":true}}]}""", "some-chat")]
    [InlineData("""{"data":[{"id":"e","capabilities":{"chat_completion":false,"embeddings":true}},{"id":"some-chat"}]}""", "some-chat")]
    [InlineData("""{"models":[{"name":"e","capabilities":["embedding"]},{"name":"some-chat","capabilities":["completion","tools"]}]}""", "some-chat")]
    [InlineData("""{"data":[{"id":"some-chat","capabilities":["completion","image"]}]}""", "some-chat")]
    [InlineData("""{"data":[{"id":"some-chat","capabilities":["chat_completion","image_input"]}]}""", "some-chat")]
    [InlineData("""{"data":[{"id":"e","task":"image-to-text"},{"id":"some-chat","task":"image-text-to-text"}]}""", "some-chat")]
    [InlineData("""{"data":[{"id":"i","architecture":{"output_modalities":["image"]}},{"id":"some-chat","architecture":{"output_modalities":["text"]}}]}""", "some-chat")]
    [InlineData("""{"data":[{"id":"e","mode":"embedding"},{"id":"some-chat","mode":"chat"}]}""", "some-chat")]
    [InlineData("""{"data":[{"id":"e","task":"embed"},{"id":"some-chat","task":"generate"}]}""", "some-chat")]
    [InlineData("""{"data":[{"id":"e","model_type":"rerank"},{"id":"some-chat","model_type":"LLM"}]}""", "some-chat")]
    [InlineData("""{"models":[{"name":"bge-m3","type":"model"},{"name":"some-chat","type":"model"}]}""", "some-chat")]
    [InlineData("""{"data":[{"id":"text-embedding-3","object":"deployment"},{"id":"some-chat","object":"deployment"}]}""", "some-chat")]
    [InlineData("""{"data":[{"id":"some-embedded-chat","type":"llm"},{"id":"other"}]}""", "some-embedded-chat")]
    [InlineData("""{"data":[{"id":"meta-llama/Llama-Guard-4-12B"},{"id":"sdxl-turbo"},{"id":"sora"},{"id":"Qwen3-ASR"},{"id":"some-chat"}]}""", "some-chat")]
    public void The_first_model_that_can_chat_is_taken(string list, string name) =>
        Assert.Equal(name, ModelList.ThatChat(ModelList.Read(Encoding.UTF8.GetBytes(list)))[0].Name);

    /// <summary>As llama.cpp sends it: under both names, and only one of the two says what it is.</summary>
    [Fact]
    public void A_list_under_two_names_is_read_where_it_says_more()
    {
        var model = Assert.Single(ModelList.Read("""{"models":[{"name":"m","model":"m","type":"model","capabilities":["completion"]}],"object":"list","data":[{"id":"m","object":"model","owned_by":"llamacpp","meta":{"n_vocab":151936,"n_ctx":8192}}]}"""u8));

        Assert.Equal((ServerKind.LlamaCpp, 8192), (model.Kind, model.ContextWindow));
    }

    [Fact]
    public void A_name_in_Latin_1_is_read_as_its_characters() =>
        Assert.Equal("modèle", Assert.Single(ModelList.Read(Encoding.Latin1.GetBytes("""{"data":[{"id":"modèle"}]}"""))).Name);

    [Fact]
    public void Only_the_beginning_of_a_list_without_end_is_read()
    {
        var list = $"[{string.Concat(Enumerable.Range(0, 200_000).Select(i => $"\"{i}\","))}";

        Assert.Equal(10_000, ModelList.Read(Encoding.UTF8.GetBytes(list)).Count);
    }

    [Theory]
    [InlineData("""{"data":[{"id":"m","max_model_len":16384}]}""", 16384)]
    [InlineData("""{"data":[{"id":"m","owned_by":"llamacpp","meta":{"n_ctx":8192,"n_ctx_train":40960}}]}""", 8192)]
    [InlineData("""{"data":[{"id":"m","context_length":32768}]}""", 32768)]
    [InlineData("""{"data":[{"id":"m","max_model_len":-5}]}""", null)]
    [InlineData("""{"data":[{"id":"m","max_model_len":"16384"}]}""", null)]
    public void The_context_window_is_found_under_each_servers_name(string list, int? window) =>
        Assert.Equal(window, Assert.Single(ModelList.Read(Encoding.UTF8.GetBytes(list))).ContextWindow);

    [Theory]
    [InlineData("<html></html>")]
    [InlineData("\"unknown\"")]
    [InlineData("{\"object\":\"list\"}")]
    [InlineData("")]
    public void Something_that_is_no_list_is_an_error(string body) =>
        Assert.ThrowsAny<JsonException>(() => ModelList.Read(Encoding.UTF8.GetBytes(body)));

    [Theory]
    [InlineData(404, "Not Found")]
    [InlineData(401, """{"error":"Unauthorized"}""")]
    [InlineData(200, """{"object":"list","data":[]}""")]
    [InlineData(200, """[{"id":"another"}]""")]
    [InlineData(200, """{"data":[{"id":"unknown"}]}""")]
    [InlineData(200, "<html><title>Router</title></html>")]
    [InlineData(200, null)]
    public async Task With_a_model_set_the_list_is_optional(int status, string? list)
    {
        // null: two megabytes of other models.
        list ??= $$"""{"data":[{{string.Join(',', Enumerable.Range(0, 20_000).Select(i => $$"""{"id":"vendor/model-{{i}}","description":"What this model is good at, in a sentence or two."}"""))}}]}""";
        await using var upstream = await RawUpstream.StartAsync(http => http.Response.WriteAsync(RawUpstream.Chunk("content", "Yes.") + RawUpstream.Finish, Chatbot.Cancelled), list, status);
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl, settings: "Chat:Model=my-model");

        var answer = await chatbot.AskAsync(Chatbot.User("Hello"));

        Assert.Equal(("Yes.", "my-model"), (answer.Text, answer.Start.GetProperty("model").GetString()));
    }

    [Theory]
    [InlineData(503, """{"error":{"message":"Loading model","type":"unavailable_error","code":503}}""", "loading", "unreachable")]
    [InlineData(503, """{"error":{"message":"The engine is currently busy and cannot accept new requests.","code":503}}""", "busy", "busy")]
    [InlineData(401, """{"error":"Unauthorized"}""", "unreachable", "model-auth")]
    [InlineData(200, """{"data":[{"id":"m","status":{"value":"loading"}}]}""", "loading", "unreachable")]
    public async Task The_state_of_the_model_says_why_it_does_not_answer(int status, string list, string state, string code)
    {
        await using var upstream = await RawUpstream.StartAsync(_ => Task.CompletedTask, list, status);
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        var model = await chatbot.Client.GetFromJsonAsync<JsonElement>("/api/model", Chatbot.Cancelled);

        Assert.Equal((state, code), (model.GetProperty("state").GetString(), model.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task The_thinking_switch_does_something_with_Qwen3()
    {
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone);

        var model = await chatbot.Client.GetFromJsonAsync<JsonElement>("/api/model", Chatbot.Cancelled);

        Assert.True(model.GetProperty("thinking").GetBoolean());
    }

    [Fact]
    public async Task The_thinking_switch_does_nothing_where_the_prompt_stays_the_same()
    {
        await using var upstream = await RawUpstream.StartAsync(_ => Task.CompletedTask, """{"data":[{"id":"meta-llama/Llama-3.1-8B","owned_by":"vllm"}]}""", tokenize: _ => """{"count":9,"max_model_len":16384,"tokens":[1,2]}""");
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        var model = await chatbot.Client.GetFromJsonAsync<JsonElement>("/api/model", Chatbot.Cancelled);

        Assert.False(model.GetProperty("thinking").GetBoolean());
    }

    [Fact]
    public async Task A_server_that_failed_to_count_is_asked_again_about_the_thinking_switch()
    {
        var (asked, fails) = (0, true);
        await using var upstream = await RawUpstream.StartAsync(_ => Task.CompletedTask, tokenize: _ =>
        {
            asked++;
            return fails ? throw new InvalidOperationException("Answered with status 500.") : $$"""{"count":{{asked}}}""";
        });
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);
        var time = new FakeTimeProvider();
        var services = chatbot.Api.Services;
        var thinking = new ThinkingSwitch(services.GetRequiredService<ModelServer>(), services.GetRequiredService<TokenCounter>(), time);
        var model = new ModelInfo("m", ContextWindow: null, ServerKind.Auto);

        Assert.Null(await thinking.ChangesPromptAsync(model));
        Assert.Null(await thinking.ChangesPromptAsync(model));
        Assert.Equal(1, asked);

        fails = false;
        time.Advance(ThinkingSwitch.AskAgainAfter);
        var answers = await Task.WhenAll(thinking.ChangesPromptAsync(model), thinking.ChangesPromptAsync(model));
        Assert.Equal([true, true], answers);
        Assert.True(await thinking.ChangesPromptAsync(model));
        Assert.Equal(3, asked);
    }

    private const string Several = """{"data":[{"id":"qwen3:8b","context_length":32768},{"id":"nomic-embed-text"},{"id":"llama3.2:3b","context_length":8192},{"id":"qwen3:8b"}]}""";

    [Theory]
    [InlineData(Several, null, "qwen3:8b,llama3.2:3b")]
    [InlineData(Several, "Chat:Model=llama3.2:3b", null)]
    [InlineData("""{"data":[{"id":"qwen3:8b"},{"id":"nomic-embed-text"}]}""", null, null)]
    public async Task Several_models_that_can_chat_are_listed_unless_the_operator_has_set_one(string list, string? setting, string? names)
    {
        await using var upstream = await RawUpstream.StartAsync(_ => Task.CompletedTask, list);
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl, settings: setting is null ? [] : [setting]);

        var model = await chatbot.Client.GetFromJsonAsync<JsonElement>("/api/model", Chatbot.Cancelled);

        Assert.Equal(names, model.TryGetProperty("models", out var models) ? string.Join(',', models.EnumerateArray()) : null);
    }

    [Theory]
    [InlineData("", "qwen3:8b", 32768)]
    [InlineData("llama3.2:3b", "llama3.2:3b", 8192)]
    [InlineData("unknown", "qwen3:8b", 32768)]
    [InlineData("nomic-embed-text", "qwen3:8b", 32768)]
    public async Task The_state_of_another_model_can_be_asked_for(string asked, string told, int window)
    {
        await using var upstream = await RawUpstream.StartAsync(_ => Task.CompletedTask, Several);
        await using var chatbot = await Chatbot.StartAsync(Form.Split, baseUrl: upstream.BaseUrl);

        var model = await chatbot.Client.GetFromJsonAsync<JsonElement>($"/api/model?model={asked}", Chatbot.Cancelled);

        Assert.Equal(("ready", told, window), (model.GetProperty("state").GetString(), model.GetProperty("model").GetString(), model.GetProperty("contextWindow").GetInt32()));
        Assert.Equal(2, model.GetProperty("models").GetArrayLength());
    }

    [Fact]
    public async Task A_router_may_be_loading_one_model_while_another_is_ready()
    {
        await using var upstream = await RawUpstream.StartAsync(_ => Task.CompletedTask, """{"data":[{"id":"a","status":{"value":"loading"}},{"id":"b","status":{"value":"loaded"}}]}""");
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        var states = await Task.WhenAll(((string[])["a", "b"]).Select(async name => (await chatbot.Client.GetFromJsonAsync<JsonElement>($"/api/model?model={name}", Chatbot.Cancelled)).GetProperty("state").GetString()));

        Assert.Equal(["loading", "ready"], states);
    }

    [Theory]
    [InlineData(null, "qwen3:8b", 32768)]
    [InlineData("qwen3:8b", "qwen3:8b", 32768)]
    [InlineData("llama3.2:3b", "llama3.2:3b", 8192)]
    public async Task The_model_that_was_asked_for_answers(string? asked, string answers, int window)
    {
        string? sent = null, counted = null;
        await using var upstream = await RawUpstream.StartAsync(
            async http =>
            {
                sent = (await http.Request.ReadFromJsonAsync<JsonElement>(Chatbot.Cancelled)).GetProperty("model").GetString();
                await http.Response.WriteAsync(RawUpstream.Chunk("content", "Yes.") + RawUpstream.Finish, Chatbot.Cancelled);
            },
            Several,
            tokenize: http =>
            {
                counted = JsonSerializer.DeserializeAsync<JsonElement>(http.Request.Body, cancellationToken: Chatbot.Cancelled).AsTask().GetAwaiter().GetResult().GetProperty("model").GetString();
                return """{"count":3}""";
            });
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);
        var messages = new[] { new { role = "user", content = "Hello" } };

        var answer = await chatbot.AskAsync(new { messages, model = asked });
        using var count = await chatbot.Client.PostAsJsonAsync("/api/tokens", new { messages, model = asked }, Chatbot.Cancelled);

        Assert.Equal((answers, answers, answers), (sent, counted, answer.Start.GetProperty("model").GetString()));
        Assert.Equal(window, (await count.Content.ReadFromJsonAsync<JsonElement>(Chatbot.Cancelled)).GetProperty("contextWindow").GetInt32());
    }

    [Fact]
    public async Task Readers_who_ask_for_a_model_s_state_at_the_same_time_make_one_request_of_it()
    {
        var asked = 0;
        using var answers = new ManualResetEventSlim();
        await using var upstream = await RawUpstream.StartAsync(_ => Task.CompletedTask, """{"data":[{"id":"one"},{"id":"two"}]}""", tokenize: http =>
        {
            // Only of the model that isn't the default one: that one's state is asked for by one request at a time.
            if (JsonSerializer.DeserializeAsync<JsonElement>(http.Request.Body, cancellationToken: Chatbot.Cancelled).AsTask().GetAwaiter().GetResult().GetProperty("model").GetString() == "two")
            {
                Interlocked.Increment(ref asked);
                answers.Wait(Chatbot.Cancelled);
            }

            return """{"count":3,"max_model_len":100}""";
        });
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);
        _ = await chatbot.Client.GetStringAsync("/api/model", Chatbot.Cancelled);

        var first = chatbot.Client.GetStringAsync("/api/model?model=two", Chatbot.Cancelled);
        await Eventually.TrueAsync(() => Task.FromResult(asked == 1), () => $"{asked} requests.");
        var others = Enumerable.Range(0, 10).Select(_ => chatbot.Client.GetStringAsync("/api/model?model=two", Chatbot.Cancelled)).ToArray();
        // They have arrived when a later request has been answered.
        for (var i = 0; i < 10; i++)
            _ = await chatbot.Client.GetStringAsync("/api/model", Chatbot.Cancelled);
        answers.Set();
        await Task.WhenAll([first, .. others]);

        // With thinking and without.
        Assert.Equal(2, asked);
    }

    [Theory]
    [InlineData("unknown", null, 502, "model-not-found")]
    [InlineData("nomic-embed-text", null, 502, "model-not-found")]
    [InlineData("qwen3:8b", "Chat:Model=llama3.2:3b", 400, "invalid-request")]
    [InlineData("", null, 400, "invalid-request")]
    public async Task A_model_that_may_not_answer_is_refused_and_nothing_is_sent(string asked, string? setting, int status, string code)
    {
        var sent = 0;
        await using var upstream = await RawUpstream.StartAsync(_ => Task.FromResult(Interlocked.Increment(ref sent)), Several);
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl, settings: setting is null ? [] : [setting]);
        var request = new { messages = new[] { new { role = "user", content = "Hello" } }, model = asked };

        var (refused, problem, _) = await chatbot.RefusedAsync(request);
        using var count = await chatbot.Client.PostAsJsonAsync("/api/tokens", request, Chatbot.Cancelled);

        Assert.Equal((status, code), (refused, problem.GetProperty("code").GetString()));
        Assert.Equal(status, (int)count.StatusCode);
        Assert.Equal(0, sent);
    }

    [Theory]
    [InlineData("/api/chat")]
    [InlineData("/api/tokens")]
    public async Task The_model_is_part_of_the_schema(string path)
    {
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, settings: "environment=Development");

        var document = await chatbot.Client.GetFromJsonAsync<JsonElement>("/openapi/v1.json", Chatbot.Cancelled);

        var paths = document.GetProperty("paths");
        var model = paths.GetProperty(path).GetProperty("post").GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("schema").GetProperty("properties").GetProperty("model");
        Assert.Equal((1, 256), (model.GetProperty("minLength").GetInt32(), model.GetProperty("maxLength").GetInt32()));
        Assert.Equal(["model", "waiting"], paths.GetProperty("/api/model").GetProperty("get").GetProperty("parameters").EnumerateArray().Select(parameter => parameter.GetProperty("name").GetString()!));
    }
}
