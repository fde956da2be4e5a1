using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace Llasta.Tests.ModelSim;

/// <summary>Errors whose kind the recordings don't hold; <see cref="RecordingTests"/> has the others.</summary>
public sealed class ErrorTests
{
    [Theory]
    [InlineData("stream", "\"perhaps\"", "bool_parsing", "Input should be a valid boolean, unable to interpret input", "perhaps")]
    [InlineData("stream", "[1]", "bool_type", "Input should be a valid boolean", "<list of 1 items>")]
    [InlineData("max_tokens", "\"many\"", "int_parsing", "Input should be a valid integer, unable to parse string as an integer", "many")]
    [InlineData("max_tokens", "1.5", "int_from_float", "Input should be a valid integer, got a number with a fractional part", "1.5")]
    [InlineData("max_tokens", "{\"a\":1}", "int_type", "Input should be a valid integer", "<dict of 1 items>")]
    [InlineData("top_p", "true", "float_type", "Input should be a valid number", "True")]
    [InlineData("model", "5", "string_type", "Input should be a valid string", "5")]
    [InlineData("messages", "\"Hi\"", "list_type", "Input should be a valid list", "Hi")]
    public async Task A_field_of_the_wrong_type_is_described_as_pydantic_does(string field, string value, string type, string message, string input)
    {
        var (status, error) = await RefusedAsync(body => body[field] = JsonNode.Parse(value));
        Assert.Equal((400, $"1 validation error:\n  {{'type': '{type}', 'loc': 'body.{field}', 'msg': '{message}', 'input': '{input}'}}", "Bad Request", $"body.{field}"),
            (status, (string?)error["message"], (string?)error["type"], (string?)error["param"]));
    }

    [Fact]
    public async Task A_field_inside_another_is_named_by_its_path()
    {
        var (_, error) = await RefusedAsync(body => body["stream_options"] = new JsonObject { ["include_usage"] = "x" });
        Assert.Equal("body.stream_options.include_usage", (string?)error["param"]);
    }

    [Fact]
    public async Task Ten_errors_are_described_and_the_others_counted()
    {
        var (_, error) = await RefusedAsync(body =>
        {
            foreach (var field in (string[])["max_tokens", "max_completion_tokens", "n", "seed", "temperature", "top_p", "top_k", "min_p", "repetition_penalty", "presence_penalty", "frequency_penalty", "thinking_token_budget"])
                body[field] = "x";
        });
        var message = (string)error["message"]!;
        Assert.StartsWith("12 validation errors:\n", message, StringComparison.Ordinal);
        Assert.EndsWith("\n  ...and 2 more errors", message, StringComparison.Ordinal);
        Assert.Equal(12, message.Split('\n').Length);
    }

    [Theory]
    [InlineData("\"3\"")]
    [InlineData("3.0")]
    public async Task A_number_may_be_written_as_pydantic_lets_it(string value)
    {
        await using var sim = await SimServer.StartAsync();
        Assert.Equal("length", (await sim.StreamAsync(SimServer.Ask("Hi", body => body["max_tokens"] = JsonNode.Parse(value)))).FinishReason);
    }

    [Theory]
    [InlineData("presence_penalty", 3, "presence_penalty must be in [-2, 2], got 3.0.")]
    [InlineData("frequency_penalty", -2.5, "frequency_penalty must be in [-2, 2], got -2.5.")]
    [InlineData("repetition_penalty", 0, "repetition_penalty must be greater than zero, got 0.0.")]
    [InlineData("min_p", 2, "min_p must be in [0, 1], got 2.0.")]
    public async Task A_sampling_parameter_outside_its_range_is_refused(string field, double value, string message)
    {
        var (status, error) = await RefusedAsync(body => body[field] = value);
        Assert.Equal((400, message, "BadRequestError"), (status, (string?)error["message"], (string?)error["type"]));
    }

    [Fact]
    public async Task A_limit_is_named_as_the_request_names_it()
    {
        var (_, error) = await RefusedAsync(body => body["max_completion_tokens"] = 16_385);
        Assert.StartsWith("max_completion_tokens=16385 cannot be greater than max_model_len=16384.", (string?)error["message"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("response_format", "{\"type\":\"json_object\"}")]
    [InlineData("prompt_logprobs", "1")]
    [InlineData("return_token_ids", "true")]
    public async Task A_feature_that_would_silently_be_missing_is_refused(string field, string value)
    {
        var (status, error) = await RefusedAsync(body => body[field] = JsonNode.Parse(value));
        Assert.Equal((501, "NotImplementedError"), (status, (string?)error["type"]));
        Assert.Contains(field, (string?)error["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tools_that_are_switched_off_are_ignored()
    {
        await using var sim = await SimServer.StartAsync();
        var streamed = await sim.StreamAsync(SimServer.Ask("Hi", body =>
        {
            body["tools"] = new JsonArray(new JsonObject { ["type"] = "function" });
            body["tool_choice"] = "none";
        }));
        Assert.Equal("stop", streamed.FinishReason);
    }

    [Theory]
    [InlineData("{\n \"model\": ?", "body.12")]
    [InlineData("[1]", "body")]
    [InlineData("", "body")]
    [InlineData("""{"model":"Qwen/Qwen3-8B","messages":[{"role":"user","content":"\ud83d"}]}""", "body")]
    [InlineData("""{"\udc00":1}""", "body")]
    public async Task A_body_that_is_no_JSON_object_of_characters_is_a_bad_request(string body, string place)
    {
        await using var sim = await SimServer.StartAsync();
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await sim.Client.PostAsync("/v1/chat/completions", content, SimServer.Stop);
        var error = JsonNode.Parse(await response.Content.ReadAsStringAsync(SimServer.Stop))!["error"]!;
        Assert.Equal((400, "Bad Request", place), ((int)response.StatusCode, (string?)error["type"], (string?)error["param"]));
    }

    [Theory]
    [InlineData("Basic secret", 401)]
    [InlineData("bearer secret", 200)]
    public async Task The_key_is_sent_as_a_bearer_token(string authorization, int status)
    {
        await using var sim = await SimServer.StartAsync(options => options.ApiKey = "secret");
        sim.Client.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(authorization);
        using var response = await sim.Client.GetAsync("/v1/models", SimServer.Stop);
        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task The_settings_dont_show_the_key()
    {
        await using var sim = await SimServer.StartAsync(options => options.ApiKey = "secret");
        Assert.DoesNotContain("secret", await sim.Client.GetStringAsync("/sim/settings", SimServer.Stop), StringComparison.Ordinal);
    }

    private static async Task<(int Status, JsonNode Error)> RefusedAsync(Action<JsonObject> change)
    {
        await using var sim = await SimServer.StartAsync();
        var (status, body) = await sim.GetErrorAsync(SimServer.Ask("Hi", change));
        return ((int)status, body["error"]!);
    }
}
