using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace Llasta.Tests.ModelSim;

public sealed class ErrorTests
{
    [Fact]
    public async Task Another_model_does_not_exist() => await AssertErrorAsync(404,
        """{"error":{"message":"The model `other` does not exist.","type":"NotFoundError","param":"model","code":404}}""",
        body => body["model"] = "other");

    [Fact]
    public async Task A_prompt_beyond_the_window_is_refused_with_the_counts() => await AssertErrorAsync(400,
        """{"error":{"message":"This model's maximum context length is 16384 tokens. However, you requested 2048 output tokens and your prompt contains at least 14337 input tokens, for a total of at least 16385 tokens. Please reduce the length of the input prompt or the number of requested output tokens. (parameter=input_tokens, value=14337)","type":"BadRequestError","param":"input_tokens","code":400}}""",
        body =>
        {
            body["max_tokens"] = 2048;
            body["messages"]![0]!["content"] = string.Concat(Enumerable.Repeat("far too long ", 10_000));
        });

    [Fact]
    public async Task A_prompt_of_too_many_characters_is_refused_before_it_is_tokenized() => await AssertErrorAsync(400,
        """{"error":{"message":"This model's maximum context length is 16384 tokens. However, you requested 16384 output tokens and your prompt contains 71 characters (more than 0 characters, which is the upper bound for 0 input tokens). Please reduce the length of the input prompt or the number of requested output tokens. (parameter=input_text, value=71)","type":"BadRequestError","param":"input_text","code":400}}""",
        body => body["max_tokens"] = 16_384);

    [Theory]
    [InlineData("max_tokens")]
    [InlineData("max_completion_tokens")]
    public async Task More_output_than_the_window_is_refused(string field) => await AssertErrorAsync(400,
        $$$"""{"error":{"message":"{{{field}}}=16385 cannot be greater than max_model_len=max_total_tokens=16384. Please request fewer output tokens. (parameter={{{field}}}, value=16385)","type":"BadRequestError","param":"{{{field}}}","code":400}}""",
        body => body[field] = 16_385);

    [Fact]
    public async Task No_output_at_all_is_refused() => await AssertErrorAsync(400,
        """{"error":{"message":"max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)","type":"BadRequestError","param":"max_tokens","code":400}}""",
        body => body["max_tokens"] = 0);

    [Fact]
    public async Task Stream_options_want_a_stream() => await AssertErrorAsync(400,
        """{"error":{"message":"Stream options can only be defined when `stream=True`. (parameter=stream_options)","type":"BadRequestError","param":"stream_options","code":400}}""",
        body =>
        {
            body["stream"] = false;
            body["stream_options"] = new JsonObject { ["include_usage"] = true };
        });

    [Fact]
    public async Task A_negative_temperature_is_refused() => await AssertErrorAsync(400,
        """{"error":{"message":"temperature must be non-negative, got -1.0. (parameter=temperature, value=-1.0)","type":"BadRequestError","param":"temperature","code":400}}""",
        body => body["temperature"] = -1);

    [Fact]
    public async Task A_field_of_the_wrong_type_is_named_as_pydantic_does() => await AssertErrorAsync(400,
        """{"error":{"message":"1 validation error:\n  {'type': 'bool_parsing', 'loc': ('body', 'stream'), 'msg': 'Input should be a valid boolean, unable to interpret input', 'input': 'perhaps'} [{'type': 'bool_parsing', 'loc': ('body', 'stream'), 'msg': 'Input should be a valid boolean, unable to interpret input', 'input': 'perhaps'}]","type":"Bad Request","param":null,"code":400}}""",
        body => body["stream"] = "perhaps");

    [Fact]
    public async Task Missing_messages_are_missed() => await AssertErrorAsync(400,
        """{"error":{"message":"1 validation error:\n  {'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required', 'input': {'stream': True}} [{'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required', 'input': {'stream': True}}]","type":"Bad Request","param":null,"code":400}}""",
        body =>
        {
            body.Clear();
            body["stream"] = true;
        });

    [Theory]
    [InlineData("application/json", "{\"model\":", "1 validation error:\n  {'type': 'json_invalid'")]
    [InlineData("application/json", "[1]", "1 validation error:\n  {'type': 'model_attributes_type'")]
    [InlineData("application/json", "", "1 validation error:\n  {'type': 'missing', 'loc': ('body',)")]
    [InlineData("text/plain", "{}", "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed [\"Unsupported Media Type: Only 'application/json' is allowed\"]")]
    public async Task A_body_that_is_no_JSON_object_is_a_bad_request(string contentType, string body, string message)
    {
        await using var sim = await SimServer.StartAsync();
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.ContentType = new(contentType);
        using var response = await sim.Client.PostAsync("/v1/chat/completions", content, SimServer.Stop);
        var error = JsonNode.Parse(await response.Content.ReadAsStringAsync(SimServer.Stop))!["error"]!;
        Assert.Equal(400, (int)response.StatusCode);
        Assert.StartsWith(message, (string?)error["message"], StringComparison.Ordinal);
        Assert.Equal("Bad Request", (string?)error["type"]);
    }

    [Theory]
    [InlineData(null, 401)]
    [InlineData("Bearer wrong", 401)]
    [InlineData("Basic secret", 401)]
    [InlineData("bearer secret", 200)]
    public async Task The_key_is_wanted_under_v1(string? authorization, int status)
    {
        await using var sim = await SimServer.StartAsync(options => options.ApiKey = "secret");
        if (authorization is not null)
            sim.Client.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(authorization);
        using var response = await sim.Client.GetAsync("/v1/models", SimServer.Stop);
        Assert.Equal(status, (int)response.StatusCode);
        if (status == 401)
            Assert.Equal("""{"error":"Unauthorized"}""", await response.Content.ReadAsStringAsync(SimServer.Stop));
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/version")]
    [InlineData("/metrics")]
    [InlineData("/sim/settings")]
    public async Task The_key_guards_nothing_else(string path)
    {
        await using var sim = await SimServer.StartAsync(options => options.ApiKey = "secret");
        using var response = await sim.Client.GetAsync(path, SimServer.Stop);
        Assert.Equal(200, (int)response.StatusCode);
        Assert.DoesNotContain("secret", await response.Content.ReadAsStringAsync(SimServer.Stop), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/nothing", 404, """{"detail":"Not Found"}""")]
    [InlineData("/v1/chat/completions", 405, """{"detail":"Method Not Allowed"}""")]
    public async Task Paths_without_a_route_answer_as_FastAPI(string path, int status, string body)
    {
        await using var sim = await SimServer.StartAsync();
        using var response = await sim.Client.GetAsync(path, SimServer.Stop);
        Assert.Equal((status, body), ((int)response.StatusCode, await response.Content.ReadAsStringAsync(SimServer.Stop)));
    }

    private static async Task AssertErrorAsync(int status, string expected, Action<JsonObject> change)
    {
        await using var sim = await SimServer.StartAsync();
        using var response = await sim.SendAsync(SimServer.Ask("Hi", change));
        Assert.Equal(expected, await response.Content.ReadAsStringAsync(SimServer.Stop));
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
    }
}
