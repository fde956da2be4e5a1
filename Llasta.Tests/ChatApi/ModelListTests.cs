using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Llasta.ChatApi.Upstream;
using Microsoft.AspNetCore.Http;
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
    public void The_first_model_that_can_chat_is_taken(string list, string name) =>
        Assert.Equal(name, ModelList.FirstThatChats(ModelList.Read(Encoding.UTF8.GetBytes(list)))?.Name);

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
}
