using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Llasta.Tests.ChatApi;

public class BadRequestTests
{
    private static readonly object[] Hello = [new { role = "user", content = "Hello" }];

    public static TheoryData<string, string> WrongBodies { get; } = new()
    {
        { "{}", "messages" },
        { "null", "messages" },
        { """{"messages":[]}""", "messages" },
        { """{"messages":null}""", "messages" },
        { """{"messages":[null]}""", "messages[0]" },
        { """{"messages":"hello"}""", "messages" },
        { """{"messages":[{"role":"robot","content":"x"}]}""", "messages[0].role" },
        { """{"messages":[{"content":"x"}]}""", "messages[0].role" },
        { """{"messages":[{"role":"user"}]}""", "messages[0].content" },
        { """{"messages":[{"role":"user","content":7}]}""", "messages[0].content" },
        { """{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]}""", "messages[0].content" },
        { """{"messages":[{"role":"user","content":""}]}""", "messages[0].content" },
        { """{"messages":[{"role":"user","content":"x","reasoning":"y"}]}""", "messages[0].reasoning" },
        { """{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}]}""", "continue" },
        { """{"messages":[{"role":"user","content":"x"}],"continue":true}""", "partial answer" },
        { """{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":""}],"continue":true}""", "partial answer" },
        { """{"messages":[{"role":"user","content":"x"}],"sampling":{"temperature":3}}""", "temperature" },
        { """{"messages":[{"role":"user","content":"x"}],"sampling":{"topP":0}}""", "topP" },
        { """{"messages":[{"role":"user","content":"x"}],"sampling":{"maxTokens":0}}""", "maxTokens" },
        { """{"messages":[{"role":"user","content":"x"}],"sampling":{"temprature":1}}""", "temprature" },
        { """{"messages":[{"role":"user","content":"x"}],"thinking":"yes"}""", "thinking" },
        { """{"messages":[{"role":"user","content":"\ud800"}]}""", "messages[0].content" },
        { """{"messages":[{"role":"user","content":"x"}]""", "JSON" },
        { "hello", "JSON" },
        { "", "JSON" },
    };

    [Theory]
    [MemberData(nameof(WrongBodies))]
    public async Task A_wrong_body_is_answered_with_400_and_what_to_change(string body, string names)
    {
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone);

        using var response = await chatbot.SendAsync("/api/chat", new StringContent(body, Encoding.UTF8, "application/json"));

        var (status, problem, _) = await Chatbot.ProblemAsync(response);
        Assert.Equal((400, "invalid-request"), (status, problem.GetProperty("code").GetString()));
        Assert.Contains(names, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.False(problem.GetProperty("retryable").GetBoolean());
    }

    [Theory]
    [CombinatorialForms("text/plain")]
    [CombinatorialForms("application/x-www-form-urlencoded")]
    [CombinatorialForms("")]
    public async Task Another_content_type_is_answered_with_415(Form form, string contentType)
    {
        await using var chatbot = await Chatbot.StartAsync(form);
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(new { messages = Hello }));
        content.Headers.ContentType = contentType.Length == 0 ? null : new MediaTypeHeaderValue(contentType);

        using var response = await chatbot.SendAsync("/api/chat", content);

        var (status, problem, _) = await Chatbot.ProblemAsync(response);
        Assert.Equal((415, "invalid-request"), (status, problem.GetProperty("code").GetString()));
    }

    [Theory]
    [CombinatorialForms(true)]
    [CombinatorialForms(false)]
    public async Task A_body_over_the_limit_is_answered_with_413_with_or_without_its_length(Form form, bool tellsLength)
    {
        await using var chatbot = await Chatbot.StartAsync(form, settings: "Chat:MaxBodyBytes=10000");
        var bytes = JsonSerializer.SerializeToUtf8Bytes(Chatbot.User(new string('x', 20_000)));
        HttpContent content = tellsLength ? new ByteArrayContent(bytes) : new StreamContent(new UnknownLength(bytes));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");

        using var response = await chatbot.SendAsync("/api/chat", content);

        var (status, problem, _) = await Chatbot.ProblemAsync(response);
        Assert.Equal((413, "too-large"), (status, problem.GetProperty("code").GetString()));
    }

    [Theory]
    [CombinatorialForms]
    public async Task Ten_thousand_messages_are_too_many(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form);

        var (status, problem, _) = await chatbot.RefusedAsync(new { messages = Enumerable.Repeat(Hello[0], 10_000) });

        Assert.Equal((400, "invalid-request"), (status, problem.GetProperty("code").GetString()));
        Assert.Contains("10,000", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{},")]
    [InlineData("null,")]
    [InlineData("[],")]
    public async Task Elements_that_are_no_messages_are_counted_before_they_are_read(string element)
    {
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone);
        var content = new StringContent($$"""{"sampling":{"topK":1,"topP":1},"messages":[{{string.Concat(Enumerable.Repeat(element, 20_000))}}1]}""", Encoding.UTF8, "application/json");

        using var response = await chatbot.SendAsync("/api/chat", content);

        var (status, problem, _) = await Chatbot.ProblemAsync(response);
        Assert.Equal((400, "invalid-request"), (status, problem.GetProperty("code").GetString()));
        Assert.Contains("20,001 messages", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"x","%":1}]}""")]
    [InlineData("""{"messages":[{"role":"%","content":"x"}]}""")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"model":"%"}""")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"sampling":{"temperature":1%}}""")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"%content":"x"}""")]
    public async Task A_long_name_or_value_is_refused_before_it_is_quoted(string body)
    {
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone);
        var content = new StringContent(body.Replace("%", new string('1', 4_000_000), StringComparison.Ordinal), Encoding.UTF8, "application/json");

        using var response = await chatbot.SendAsync("/api/chat", content);

        var (status, problem, _) = await Chatbot.ProblemAsync(response);
        Assert.Equal((400, "invalid-request"), (status, problem.GetProperty("code").GetString()));
        Assert.Contains("too long", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/api/chat")]
    [InlineData("/api/tokens")]
    public async Task White_space_in_the_place_of_a_request_is_not_held(string path)
    {
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone);
        var content = new StringContent($$"""{"messages":{{new string(' ', 4_000_000)}}[{"role":"user","content":"x"}]}""", Encoding.UTF8, "application/json");

        using var response = await chatbot.SendAsync(path, content);

        var (status, problem, _) = await Chatbot.ProblemAsync(response);
        Assert.Equal((400, "invalid-request"), (status, problem.GetProperty("code").GetString()));
        Assert.Contains("white space", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_may_be_written_for_people_to_read()
    {
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone);
        var messages = Enumerable.Range(0, 999).Select(i => new { role = i % 2 == 0 ? "user" : "assistant", content = "x" });
        var content = new StringContent(JsonSerializer.Serialize(new { messages }, Indented), Encoding.UTF8, "application/json");

        using var response = await chatbot.SendAsync("/api/tokens", content);

        Assert.Equal(200, (int)response.StatusCode);
    }

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, IndentSize = 8 };

    [Theory]
    [CombinatorialForms]
    public async Task Invalid_utf8_is_answered_with_400(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form);
        byte[] bytes = [.. """{"messages":[{"role":"user","content":"x"""u8, 0xC3, 0x28, 0xFF, .. "\"}]}"u8];
        var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");

        using var response = await chatbot.SendAsync("/api/chat", content);

        var (status, problem, _) = await Chatbot.ProblemAsync(response);
        Assert.Equal((400, "invalid-request"), (status, problem.GetProperty("code").GetString()));
    }

    /// <summary>A stream whose length HttpClient can't tell, so that it sends chunks.</summary>
    private sealed class UnknownLength(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }
}
