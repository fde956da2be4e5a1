using System.Text;
using System.Text.Json;
using Llasta.ChatApi.Upstream;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>Streams as servers other than today's vLLM send them. Each row is one of a kind that was reported in public.</summary>
public sealed class DialectTests
{
    private const string Done = "data: [DONE]\n\n";
    private const string Stop = """data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""" + "\n\n" + Done;

    /// <summary>The model's stream; the text, the thinking and the end that a reader of a turn with thinking gets.</summary>
    public static TheoryData<string, string, string, string, string> Streams => new()
    {
        { "no finish reason, but an end", T("Paris.") + Done, "Paris.", "", "done" },
        { "no finish reason, and no end", T("Paris"), "Paris", "", "truncated" },
        { "an end with spaces", T("Paris.") + "data:  [DONE] \n\n", "Paris.", "", "done" },
        { "an end in quotes", T("Paris.") + "data: \"[DONE]\"\n\n", "Paris.", "", "done" },
        { "an end without a line break", T("Paris.") + "data: [DONE]", "Paris.", "", "done" },
        { "empty finish reasons, then a cut", T("one ", "\"\"") + T("two", "\"\""), "one two", "", "truncated" },
        { "empty finish reasons, then the limit", T("one ", "\"\"") + T("two", "\"\"") + T("", "\"length\"") + Done, "one two", "", "length" },
        { "a limit by another name", T("one", "\"max_tokens\"") + Done, "one", "", "length" },
        { "a limit by a name of its server", T("one", "\"max_output_tokens\"") + Done, "one", "", "length" },
        { "no reason, as text", T("one ", "\"null\"") + T("two", "\"None\""), "one two", "", "truncated" },
        { "no reason, as text, then the limit", T("one ", "\"null\"") + T("two", "\"length\"") + Done, "one two", "", "length" },
        { "an end by a guardrail", T("one", "\"guardrail_intervened\"") + Done, "one", "", "filtered" },
        { "an end by a time-out", T("half", "\"timeout\"") + Done, "half", "", "truncated" },
        { "an end by a limit of requests", T("half", "\"request_limit_exceeded\"") + Done, "half", "", "truncated" },
        { "an end by Cohere's limit", T("one", "\"ERROR_LIMIT\"") + Done, "one", "", "length" },
        { "an end by an error of the network", T("half", "\"network_error\"") + Done, "half", "", "truncated" },
        { "an end by a limit of requests", T("half", "\"rate_limit_exceeded\"") + Done, "half", "", "truncated" },
        { "an end for repetition", T("one one one", "\"repetition\"") + Done, "one one one", "", "repetition" },
        { "an end by a filter", T("one", "\"content_filter\"") + Done, "one", "", "filtered" },
        { "an end because the server gives up", T("one", "\"insufficient_system_resource\"") + Done, "one", "", "truncated" },
        { "finishReason", """data: {"choices":[{"index":0,"delta":{"content":"one"},"finishReason":"STOP"}]}""" + "\n\n", "one", "", "done" },
        { "an error by the finish reason, the error after", "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"},\"finish_reason\":\"error\"}],\"error\":{\"code\":\"server_error\",\"message\":\"away\"}}\n\n" + Done, "half", "", "truncated" },
        { "an error by the finish reason, the error before", "data: {\"error\":{\"code\":\"server_error\",\"message\":\"away\"},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"},\"finish_reason\":\"error\"}]}\n\n" + Done, "half", "", "truncated" },
        { "vLLM stops", T("half") + "data: {\"error\": {\"message\": \"EngineCore encountered an issue.\", \"type\": \"InternalServerError\", \"param\": null, \"code\": 500}}\n\n" + Done, "half", "", "truncated" },
        { "an error whose code is text", T("half") + "data: {\"error\":{\"message\":\"no worker\",\"code\":\"500\"}}\n\n", "half", "", "truncated" },
        { "an error in the choice", T("half") + "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"error\":{\"code\":502,\"message\":\"away\"}}]}\n\n" + Done, "half", "", "truncated" },
        { "an error of the request in the choice", T("half") + "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":null,\"error\":{\"code\":400,\"message\":\"bad\"}}]}\n\n" + Done, "half", "", "model-error" },
        { "errors without anything", "data: {\"error\":{},\"errors\":[],\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one \"},\"error\":{}}]}\n\ndata: {\"error\":0,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"two\"}}]}\n\n" + Stop, "one two", "", "done" },
        { "several errors", T("half") + "data: {\"errors\":[{\"message\":\"no\",\"code\":500}],\"choices\":[]}\n\n" + Done, "half", "", "truncated" },
        { "several errors of the request", T("half") + "data: {\"errors\":[{\"message\":\"no\",\"code\":400}]}\n\n" + Done, "half", "", "model-error" },
        { "a list of one error", T("half") + "data: [{\"error\":{\"code\":429,\"message\":\"no\"}}]\n\n" + Done, "half", "", "truncated" },
        { "an error without members", T("half") + "data: {\"error\":{}}\n\n" + Done, "half", "", "truncated" },
        { "an error in capitals", T("half") + "data: {\"ERROR\":\"no\"}\n\n" + Done, "half", "", "truncated" },
        { "an error_msg", T("half") + "data: {\"error_code\":17,\"error_msg\":\"no\"}\n\n" + Done, "half", "", "truncated" },
        { "a fault", T("half") + "data: {\"fault\":{\"faultstring\":\"no\"}}\n\n" + Done, "half", "", "truncated" },
        { "an error by its type", T("half") + "data: {\"type\":\"error\"}\n\n" + Done, "half", "", "truncated" },
        { "an error by its status", T("half") + "data: {\"status\":\"failed\"}\n\n" + Done, "half", "", "truncated" },
        { "a number of errors", T("one ") + "data: {\"type\":\"ping\",\"error_count\":0,\"default\":{\"message\":\"x\"},\"status\":\"ok\"}\n\n" + T("two") + Stop, "one two", "", "done" },
        { "an event of an exception", T("half") + "event: exception\ndata: {\"text\":\"no\"}\n\n" + Done, "half", "", "truncated" },
        { "an event of an error in capitals", T("half") + "event: ERROR\ndata: {\"text\":\"no\"}\n\n" + Done, "half", "", "truncated" },
        { "events with the usual name", ("event: message\n" + T("one ") + "event: message\n" + T("two")) + Stop, "one two", "", "done" },
        { "a message behind a word in brackets", T("half") + "data: [ERROR] no\n\n" + Done, "half", "", "truncated" },
        { "a broken list", T("half") + "data: [{\"error\":\n\n", "half", "", "model-error" },
        { "an error of the request", T("half") + "data: {\"error\":{\"message\":\"bad\",\"code\":400}}\n\n" + Done, "half", "", "model-error" },
        { "an error field", T("half") + "error: {\"code\":500,\"message\":\"full\"}\n\n" + Done, "half", "", "truncated" },
        { "an error event", T("half") + "event: error\ndata: {\"detail\":\"no\"}\n\n", "half", "", "truncated" },
        { "a flat error", T("half") + "data: {\"object\":\"error\",\"message\":\"no memory\",\"type\":\"InternalServerError\",\"code\":500}\n\n" + Done, "half", "", "truncated" },
        { "a code and a msg", T("half") + "data: {\"code\":503,\"msg\":\"no\"}\n\n", "half", "", "truncated" },
        { "a detail", T("half") + "data: {\"detail\":\"no\"}\n\n", "half", "", "truncated" },
        { "a message in plain text", T("half") + "data: upstream connect error\n\n", "half", "", "truncated" },
        { "a page in the middle", T("half") + "<html><head><title>504 Gateway Time-out</title></head></html>", "half", "", "truncated" },
        { "a broken chunk", T("half") + "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":}]\n\n", "half", "", "model-error" },
        { "a broken chunk after the end", T("whole", "\"stop\"") + "data: {\"choices\":]\n\n", "whole", "", "done" },
        { "empty data", T("one ") + "event: ping\ndata:\n\ndata: \n\n" + T("two") + Stop, "one two", "", "done" },
        { "data without anything, and words that keep the connection", T("one ") + "data: null\n\ndata: \"\"\n\ndata: []\n\ndata: {}\n\ndata: ping\n\ndata: keep-alive\n\n" + T("two") + Stop, "one two", "", "done" },
        { "an end in small letters", T("Paris.") + "data: [done]\n\n", "Paris.", "", "done" },
        { "no line breaks", (T("one ") + T("two")).Replace("\n", "", StringComparison.Ordinal) + "data: [DONE]\n\n", "one two", "", "done" },
        { "indented lines", T("one ") + "  " + T("two") + Stop, "one two", "", "done" },
        { "single line breaks", (T("one ") + T("two") + Stop).Replace("\n\n", "\n", StringComparison.Ordinal), "one two", "", "done" },
        { "two objects in one line", "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one \"}}]}{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"two\"}}]}\n\n" + Stop, "one two", "", "done" },
        { "an object over several lines", "data: {\"choices\": [\ndata: {\"index\": 0, \"delta\": {\"content\": \"one\"}}\ndata: ]}\n\n" + Stop, "one", "", "done" },
        { "carriage returns", (T("one ") + T("two") + Stop).Replace('\n', '\r'), "one two", "", "done" },
        { "a byte order mark", "\uFEFF" + T("one ") + T("two") + Stop, "one two", "", "done" },
        { "byte order marks everywhere", "\uFEFF\uFEFF" + T("one ") + "\uFEFF" + T("two").Replace("data: ", "data: \uFEFF", StringComparison.Ordinal) + "\uFEFF\n" + Stop, "one two", "", "done" },
        { "an object over several lines, behind another one", "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one \"}}]}{\"choices\": [\ndata: {\"index\": 0, \"delta\": {\"content\": \"two\"}}\ndata: ]}\n\n" + Stop, "one two", "", "done" },
        { "half an emoji first", T("\\ud83d") + T("\\udc4b Hello") + Stop, "👋 Hello", "", "done" },
        { "half an emoji in a thought", T("<think>\\ud83d") + T("\\udc4b</think>Hello") + Stop, "Hello", "👋", "done" },
        { "half a character at the limit", T("one \\ud83d") + T("", "\"length\"") + Done, "one ", "", "length" },
        { "a replacement character at the limit", T("one \uFFFD", "\"length\"") + Done, "one ", "", "length" },
        { "a replacement character at a cut", T("one \uFFFD"), "one ", "", "truncated" },
        { "a replacement character in the middle", T("one \uFFFD") + T(" two") + Stop, "one \uFFFD two", "", "done" },
        { "a token of replacement characters", T(new string('\uFFFD', 300_000)) + T(" two") + Stop, new string('\uFFFD', 300_000) + " two", "", "done" },
        { "tokens of replacement characters", string.Concat(Enumerable.Repeat(T("\uFFFD"), 20_000)) + Stop, new string('\uFFFD', 20_000), "", "done" },
        { "content in parts", """data: {"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"one"}]}}]}""" + "\n\n" + Stop, "one", "hm", "done" },
        { "parts of which one is a thought", """data: {"choices":[{"index":0,"delta":{"content":[{"type":"reasoning","text":"hm"},{"text":" so","type":"thinking"},{"type":"output_text","text":"one"}]}}]}""" + "\n\n" + Stop, "one", "hm so", "done" },
        { "thinking blocks", """data: {"choices":[{"index":0,"delta":{"thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"x"}]}}]}""" + "\n\n" + T("one") + Stop, "one", "hm", "done" },
        { "reasoning text", """data: {"choices":[{"index":0,"delta":{"reasoning_text":"hm"}}]}""" + "\n\n" + T("one") + Stop, "one", "hm", "done" },
        { "a refusal", """data: {"choices":[{"index":0,"delta":{"refusal":"I can not."}}]}""" + "\n\n" + Stop, "I can not.", "", "done" },
        { "a message", """data: {"choices":[{"index":0,"message":{"content":"one"},"finish_reason":"stop"}]}""" + "\n\n", "one", "", "done" },
        { "the whole message so far beside each delta", """data: {"choices":[{"index":0,"message":{"content":"one"},"delta":{"role":"assistant","content":"one"}}]}""" + "\n\n" + """data: {"choices":[{"index":0,"message":{"content":"one two"},"delta":{"content":" two"}}]}""" + "\n\n" + Stop, "one two", "", "done" },
        { "the whole message at the end", T("one ") + T("two") + """data: {"choices":[{"index":0,"delta":{},"message":{"content":"one two"},"finish_reason":"stop"}]}""" + "\n\n" + Done, "one two", "", "done" },
        { "thinking in deltas and the answer in a message", R("hm") + """data: {"choices":[{"index":0,"delta":{},"message":{"content":"one"},"finish_reason":"stop"}]}""" + "\n\n" + Done, "one", "hm", "done" },
        { "a message beside an empty delta", """data: {"choices":[{"index":0,"delta":{"content":""},"message":{"content":"one"},"finish_reason":"stop"}]}""" + "\n\n", "one", "", "done" },
        { "a text beside its delta", """data: {"choices":[{"index":0,"text":"one","delta":{"content":"one"}}]}""" + "\n\n" + Stop, "one", "", "done" },
        { "reasoning in an object", """data: {"choices":[{"index":0,"delta":{"reasoning":{"text":"hm"}}}]}""" + "\n\n" + T("one") + Stop, "one", "hm", "done" },
        { "reasoning under two names", """data: {"choices":[{"index":0,"delta":{"reasoning":"hm","reasoning_content":"hm"}}]}""" + "\n\n" + T("one") + Stop, "one", "hm", "done" },
        { "other tags", T("<thinking>hm</thinking>\\n\\none") + Stop, "one", "hm", "done" },
        { "tags in capitals", T("<THI") + T("NK>hm</THI") + T("NK>one") + Stop, "one", "hm", "done" },
        { "tags in mixed cases", T("<Think>hm</think>one") + Stop, "one", "hm", "done" },
        { "an answer in elements of its own", T("<Reasoning>why</Reasoning><Answer>one</Answer>") + Stop, "<Reasoning>why</Reasoning><Answer>one</Answer>", "", "done" },
        { "channels", T("<|channel|>analysis<|message|>hm<|end|>") + T("<|start|>assistant<|channel|>final<|message|>one") + Stop, "one", "hm", "done" },
        { "tags of Magistral", T("[THINK]hm") + T("[/THINK]one") + Stop, "one", "hm", "done" },
        { "tags of MiniMax", T("<mm:th") + T("ink>hm</mm:think>") + T("one") + Stop, "one", "hm", "done" },
        { "channels of Gemma", T("<|channel>thought\\nhm<chan") + T("nel|>one") + Stop, "one", "hm", "done" },
        { "a channel of Gemma that began in the prompt", T("Hm.\\n<chan") + T("nel|>Hello!") + Stop, "Hello!", "Hm.\n", "done" },
        { "tags of Cohere", T("<|START_THINKING|>hm<|END_THINKING|>one") + Stop, "one", "hm", "done" },
        { "tags with escapes", T("\\u003cthink\\u003ehm\\u003c/think\\u003eone") + Stop, "one", "hm", "done" },
        { "a closing tag left after the field", R("hm") + T("</think>\\n\\n") + T("one") + Stop, "one", "hm", "done" },
        { "line breaks after the field", R("hm") + T("\\n\\n") + T("one") + Stop, "\n\none", "hm", "done" },
        { "a text about the tag", T("The `</think>` tag ends it.") + Stop, "The `</think>` tag ends it.", "", "done" },
        { "a thought about the tag that ends it", T("The </think> tag ends it.\\n</think>\\n\\none") + Stop, "one", "The </think> tag ends it.\n", "done" },
        { "a text about the tag, token by token", T("The `") + T("</think>") + T("` tag ends it.") + Stop, "The `</think>` tag ends it.", "", "done" },
        { "a text about the tag, in quotes", T("The tag \\\"") + T("</think>") + T("\\\" ends it.") + Stop, "The tag \"</think>\" ends it.", "", "done" },
        { "thinking before a closing tag in a piece of its own", T("Hm.") + T("</think>") + T("one") + Stop, "one", "Hm.", "done" },
        { "a text that shows a thought on a line", T("As in:\\n<think>hm</think>\\none") + Stop, "As in:\n<think>hm</think>\none", "", "done" },
        { "a text that shows a thought on a line, token by token", T("As in:\\n") + T("<think>") + T("hm") + T("</think>") + T("\\n") + T("one") + Stop, "As in:\n<think>hm</think>\none", "", "done" },
        { "a text that shows a thought, in short pieces", T("As in:\\n<th") + T("ink>") + T("hm</think") + T(">\\none") + Stop, "As in:\n<think>hm</think>\none", "", "done" },
        { "a text that shows a thought", T("As in:\\n<think>\\nhm\\n</think>\\none") + Stop, "As in:\n<think>\nhm\n</think>\none", "", "done" },
        { "a text that shows a thought, token by token", T("As in:\\n") + T("<think>") + T("\\nhm\\n") + T("</think>") + T("\\none") + Stop, "As in:\n<think>\nhm\n</think>\none", "", "done" },
        { "a second thought", R("A") + T("one ") + R("B") + T("two") + Stop, "one two", "A\n\nB", "done" },
        { "other answers than the first", """data: {"choices":[{"index":1,"delta":{"content":"two"}},{"index":0,"delta":{"content":"one"}}]}""" + "\n\n" + Stop, "one", "", "done" },
        { "other answers than the first, with their numbers at the end", """data: {"choices":[{"delta":{"content":"two"},"finish_reason":"length","index":1},{"delta":{"content":"one"},"index":0}]}""" + "\n\n" + """data: {"choices":[{"delta":{"content":"two"},"index":1}]}""" + "\n\n" + Stop, "one", "", "done" },
        { "answers without numbers", """data: {"choices":[{"delta":{"content":"one"},"logprobs":{"index":1},"finish_reason":"stop"}]}""" + "\n\n" + Done, "one", "", "done" },
        { "an object that is no name", """data: {"object":{"object":"error"},"choices":[{"index":0,"delta":{"content":"one"}}]}""" + "\n\n" + Stop, "one", "", "done" },
        { "an index that is no number", """data: {"choices":[{"index":[[1]],"delta":{"content":"one"}}]}""" + "\n\n" + Stop, "one", "", "done" },
        { "more tokens than any window", """data: {"choices":[{"index":0,"delta":{"content":"one"},"finish_reason":"length"}]}""" + "\n\n" + """data: {"choices":[],"usage":{"prompt_tokens":2147483647,"completion_tokens":2147483647}}""" + "\n\ndata: [DONE]\n\n", "one", "", "window-full" },
        { "a time that is no number", """data: {"metrics":{"queue_time_ms":1e999},"choices":[{"index":0,"delta":{"content":"one"}}]}""" + "\n\n" + Stop, "one", "", "done" },
        { "members of other types", """data: {"id":5,"choices":[{"index":0,"delta":{"role":null,"content":null,"reasoning":false}}],"usage":"none","error":null}""" + "\n\n" + T("one") + Stop, "one", "", "done" },
    };

    [Theory]
    [MemberData(nameof(Streams))]
    public async Task A_stream_of_another_dialect_is_read_as_its_server_means_it(string name, string stream, string text, string reasoning, string state)
    {
        await using var chatbot = await AnsweringAsync(stream);

        var answer = await chatbot.AskAsync(Chatbot.User("Hello", thinking: true));

        Assert.Equal((name, text, reasoning, state), (name, answer.Text, answer.Reasoning, answer.State));
    }

    [Theory]
    [InlineData("half", "The server's trouble. \u001b[2J\n\nSecond line.", "The server's trouble. [2J Second line.")]
    public async Task The_words_of_the_server_come_with_the_end_cleaned(string text, string message, string shown)
    {
        await using var chatbot = await AnsweringAsync(T(text) + $"data: {{\"error\":{{\"message\":{JsonSerializer.Serialize(message)},\"code\":500}}}}\n\n");

        var answer = await chatbot.AskAsync(Chatbot.User("Hello"));

        Assert.Equal("truncated", answer.State);
        Assert.Equal(shown, answer.End!.Value.GetProperty("detail").GetString());
    }

    [Theory]
    [InlineData("closing tag alone", "The user greets me. |\\n</think>\\n\\n|Hello!", "The user greets me. \n", "Hello!")]
    [InlineData("in a piece of its own", "The user greets me.|</think>|Hello!", "The user greets me.", "Hello!")]
    [InlineData("split", "The user greets me.\\n</thi|nk>\\n|Hello!", "The user greets me.\n", "Hello!")]
    [InlineData("another tag", "Hm.|\\n</thought>\\n|Hello!", "Hm.\n", "Hello!")]
    public async Task A_closing_tag_alone_makes_all_before_it_thinking(string name, string pieces, string reasoning, string text)
    {
        await using var chatbot = await AnsweringAsync(string.Concat(pieces.Split('|').Select(piece => T(piece))) + Stop);

        var answer = await chatbot.AskAsync(Chatbot.User("Hello", thinking: true));

        Assert.Equal((name, reasoning, text, "done"), (name, answer.Reasoning, answer.Text, answer.State));
    }

    [Theory]
    [InlineData("reasoning")]
    [InlineData("reasoning_content")]
    public async Task Whoever_asked_for_no_thinking_gets_text_whatever_the_server_calls_it(string field)
    {
        await using var chatbot = await AnsweringAsync(RawUpstream.Chunk(field, "The whole ") + RawUpstream.Chunk(field, "answer.") + Stop);

        var answer = await chatbot.AskAsync(Chatbot.User("Hello", thinking: false));

        Assert.Equal(("The whole answer.", "", "done"), (answer.Text, answer.Reasoning, answer.State));
    }

    [Theory]
    [InlineData("""{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"All at once."},"finish_reason":"stop"}]}""", "application/json")]
    [InlineData("{\n  \"choices\": [\n    {\"index\": 0, \"message\": {\"content\": \"All at once.\"}, \"finish_reason\": \"stop\"}\n  ]\n}\n", "application/json")]
    [InlineData("{\"choices\":[{\"index\":0,\"message\":{\"content\":\"All at once.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n", "text/event-stream")]
    [InlineData("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"All at once.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n", "text/plain")]
    [InlineData("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"All at once.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n", "")]
    public async Task An_answer_under_another_content_type_is_an_answer(string body, string contentType)
    {
        await using var chatbot = await AnsweringAsync(body, contentType: contentType);

        var answer = await chatbot.AskAsync(Chatbot.User("Hello"));

        Assert.Equal(("All at once.", "done"), (answer.Text, answer.State));
    }

    [Theory]
    [InlineData("data: {\"error\":{\"message\":\"thinking_token_budget needs a reasoning parser\",\"type\":\"BadRequestError\",\"code\":400}}\n\ndata: [DONE]\n\n", 400, "invalid-request")]
    [InlineData("data: {\"error\":{\"message\":\"EngineCore encountered an issue.\",\"code\":500}}\n\ndata: [DONE]\n\n", 502, "model-error")]
    [InlineData("data: {\"object\":\"error\",\"message\":\"This model's maximum context length is 4096 tokens. However, you requested 5211 tokens (5211 in the messages, 0 in the completion).\",\"code\":400}\n\n", 400, "context-overflow")]
    [InlineData("data: [{\"error\":{\"message\":\"You exceeded your quota\",\"code\":429}}]\n\n", 503, "busy")]
    [InlineData("data: {\"errors\":[\"No worker\"]}\n\n", 502, "model-error")]
    [InlineData("data: {\"choices\":[{\"index\":0,\"error\":{\"message\":\"You exceeded your quota\",\"code\":429}}]}\n\n", 503, "busy")]
    [InlineData("{\"error\":{\"message\":\"You exceeded your quota\",\"code\":429}}", 503, "busy")]
    [InlineData("data: {\"content\":\"one\",\"stop\":false}\n\ndata: {\"content\":\"\",\"stop\":true}\n\n", 502, "model-error")]
    [InlineData("event: response.output_text.delta\ndata: {\"delta\":\"one\"}\n\n", 502, "model-error")]
    [InlineData("data: {\"content\":\"one\",\"stop\":false}\n\ndata: [DONE]\n\n", 502, "model-error")]
    [InlineData("<html><title>Sign in</title></html>", 502, "model-error")]
    public async Task An_error_that_comes_first_counts_as_if_it_had_come_before_the_stream(string body, int status, string code)
    {
        await using var chatbot = await AnsweringAsync(body);

        var (answered, problem, _) = await chatbot.RefusedAsync(Chatbot.User("Hello"));

        Assert.Equal((status, code), (answered, problem.GetProperty("code").GetString()));
    }

    /// <summary>The response itself has status 200: no sentence may say that the server answered another one.</summary>
    [Theory]
    [InlineData("data: {\"error\":{\"message\":\"No worker\",\"type\":\"InternalServerError\",\"code\":500}}\n\n")]
    [InlineData("data: {\"error\":\"No worker\"}\n\n")]
    [InlineData("event: error\ndata: {\"detail\":\"No worker\",\"status\":405}\n\n")]
    [InlineData("event: error\ndata: {\"detail\":\"No worker\",\"status\":418}\n\n")]
    public async Task An_error_that_comes_first_is_not_told_as_the_response_s_status(string body)
    {
        await using var chatbot = await AnsweringAsync(body);

        var (_, problem, _) = await chatbot.RefusedAsync(Chatbot.User("Hello"));

        Assert.Equal(("model-error", "The model's server reported an error: No worker."), (problem.GetProperty("code").GetString(), problem.GetProperty("detail").GetString()));
    }

    [Fact]
    public async Task An_overflow_that_comes_first_needs_no_status()
    {
        await using var chatbot = await AnsweringAsync("data: {\"error\":\"This model's maximum context length is 4096 tokens. However, you requested 5211 tokens.\"}\n\n");

        var (status, problem, _) = await chatbot.RefusedAsync(Chatbot.User("Hello"));

        Assert.Equal((400, "context-overflow"), (status, problem.GetProperty("code").GetString()));
    }

    /// <summary>Refusals, as an operator or a reader meets them: the status, the body, the problem and a part of its sentence.</summary>
    [Theory]
    [InlineData(400, """{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5211 tokens (5211 in the messages, 0 in the completion).","type":"BadRequestError","param":null,"code":400}""", "context-overflow", "5,211")]
    [InlineData(400, """{"error":"Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough."}""", "context-overflow", "")]
    [InlineData(500, """{"error":{"code":500,"message":"the request exceeds the available context size. try increasing the context size"}}""", "context-overflow", "")]
    [InlineData(422, """{"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000"}""", "context-overflow", "")]
    [InlineData(422, """{"error":"Input validation error: `inputs` must have less than 4095 tokens. Given: 5000"}""", "context-overflow", "")]
    [InlineData(400, """{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}""", "context-overflow", "")]
    [InlineData(400, """{"message":"the request prompt has 5000 tokens, which exceeds the model's limit of 4096"}""", "context-overflow", "")]
    [InlineData(400, """{"object":"error","message":"Prompt length (5000) exceeds maximum input length (4096).","code":400}""", "context-overflow", "")]
    [InlineData(400, """{"detail":"Prompt length 5000 is greater than max_seq_len 4096"}""", "context-overflow", "")]
    [InlineData(400, """{"error":{"message":"Range of input length should be [1, 30720]","code":"invalid_parameter_error"}}""", "context-overflow", "")]
    [InlineData(400, """{"error":{"message":"输入长度超过模型的最大上下文长度 4096"}}""", "context-overflow", "")]
    [InlineData(400, """{"error":"This model's maximum prompt length is 131072 but the request contains 140000 tokens."}""", "context-overflow", "140,000")]
    [InlineData(400, """{"error":{"message":"litellm.ContextWindowExceededError: too big","code":"400"}}""", "context-overflow", "")]
    [InlineData(400, """{"object":"error","message":"too big","type":"invalid_request_prompt_too_long","code":"3051"}""", "context-overflow", "")]
    [InlineData(400, """{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"This model's maximum context length is 8192 tokens. However, you requested 9000 tokens\"}}"}}}""", "context-overflow", "9,000")]
    // A shorter conversation would not help.
    [InlineData(422, """{"detail":[{"loc":["body","max_tokens"],"msg":"Input should be less than or equal to 8192"}]}""", "invalid-request", "less than or equal")]
    [InlineData(400, """{"error":{"message":"Invalid message: the length of content must be greater than 0"}}""", "invalid-request", "greater than 0")]
    [InlineData(400, """{"error":{"message":"temperature must not exceed 100"}}""", "invalid-request", "temperature")]
    [InlineData(429, """{"error":{"message":"Your message exceeds the limit of 6000 tokens per minute"}}""", "busy", "per minute")]
    [InlineData(429, """{"error":{"message":"You have exceeded the maximum number of input tokens per min for your tier (limit: 30000)"}}""", "busy", "per min")]
    [InlineData(429, """{"error":{"message":"您的输入频率超过限制，请稍后再试"}}""", "busy", "频率")]
    [InlineData(401, """{"error":{"message":"access token 超过有效期"}}""", "model-auth", "OPENAI_API_KEY")]
    [InlineData(402, """{"error":{"message":"Prompt tokens limit exceeded: 5000 > 2000. To increase, upgrade to a paid account"}}""", "model-error", "402: Prompt tokens limit")]
    [InlineData(400, """{"error":{"message":"You have used the maximum of 1000000 tokens of your monthly allowance. Leave a message."}}""", "invalid-request", "monthly")]
    [InlineData(400, """{"error":{"message":"max_output_tokens: 9000 is more than the maximum output tokens of 8192 (prompt 12 tokens)"}}""", "invalid-request", "max_output_tokens")]
    [InlineData(400, """{"error":{"message":"The stop sequence has a length of 300, the maximum allowed length is 100"}}""", "invalid-request", "stop sequence")]
    [InlineData(400, """{"message":"[{'type': 'missing', 'loc': ('body', 'x'), 'input': {'messages': 'Why is a prompt of more than 100 tokens length exceeding?'}}]"}""", "invalid-request", "missing")]
    [InlineData(404, """{"error":{"message":"No endpoints found for foo/bar:free.","code":404}}""", "model-not-found", "Chat:Model")]
    [InlineData(404, """{"error":{"message":"模型不存在"}}""", "model-not-found", "Chat:Model")]
    [InlineData(404, """{"message":"Cannot POST /chat/completions"}""", "model-not-found", "OPENAI_API_BASE_URL")]
    [InlineData(404, """{"error":"404 page not found"}""", "model-not-found", "OPENAI_API_BASE_URL")]
    [InlineData(404, """{"error":{"code":404,"message":"File Not Found","type":"not_found_error"}}""", "model-not-found", "OPENAI_API_BASE_URL")]
    [InlineData(404, """{"error":{"message":"Invalid URL (POST /v1/v1/chat/completions)"}}""", "model-not-found", "OPENAI_API_BASE_URL")]
    [InlineData(404, """{"message":"no Route matched with those values"}""", "model-not-found", "OPENAI_API_BASE_URL")]
    [InlineData(404, """{"message":"Route POST:/chat/completions not found"}""", "model-not-found", "OPENAI_API_BASE_URL")]
    [InlineData(404, """{"message":"The requested URL was not found on the server."}""", "model-not-found", "OPENAI_API_BASE_URL")]
    [InlineData(404, """{"error":{"message":"The model file was not found"}}""", "model-not-found", "Chat:Model")]
    [InlineData(503, """{"error":"Model is still loading, cannot process request"}""", "unreachable", "is loading the model")]
    [InlineData(422, """{"message":"[{'msg': 'Field required', 'input': {'content': 'Why is my prompt too long?'}}]"}""", "invalid-request", "Field required")]
    [InlineData(503, """{"error":"Error starting llama runner: exit status 2"}""", "unreachable", "is not available")]
    [InlineData(402, """{"error":{"message":"Insufficient Balance"}}""", "model-error", "402: Insufficient Balance.")]
    [InlineData(402, "<html><title>Payment</title></html>", "model-error", "OPENAI_API_BASE_URL")]
    [InlineData(404, """{"detail":"Not Found"}""", "model-not-found", "OPENAI_API_BASE_URL")]
    [InlineData(400, """{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}""", "model-not-found", "does not exist")]
    [InlineData(400, """{"error":{"message":"No such file","code":"file_not_found"}}""", "invalid-request", "No such file")]
    [InlineData(400, """{"error":{"message":"Not permitted: x","type":"extra_forbidden"}}""", "invalid-request", "Not permitted")]
    [InlineData(400, """{"error":{"message":"No such key","code":"invalid_api_key"}}""", "model-auth", "OPENAI_API_KEY")]
    [InlineData(408, """{"error":{"message":"Timeout"}}""", "unreachable", "Timeout")]
    [InlineData(425, """{"error":{"message":"Model loading"}}""", "unreachable", "is loading the model")]
    [InlineData(522, "<html><title>Connection timed out</title></html>", "unreachable", "522")]
    [InlineData(529, """{"error":{"message":"Overloaded"}}""", "busy", "Overloaded")]
    [InlineData(503, """{"error":"Model is being downloaded"}""", "unreachable", "is loading the model")]
    [InlineData(503, """{"status":"starting"}""", "unreachable", "is loading the model")]
    [InlineData(413, "Payload Too Large", "context-overflow", "")]
    [InlineData(404, """{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","code":404}""", "model-not-found", "does not exist")]
    [InlineData(503, """{"error":{"message":"Loading model","type":"unavailable_error","code":503}}""", "unreachable", "loading the model")]
    [InlineData(503, """{"error":{"message":"The engine is currently busy and cannot accept new requests.","type":"Service Unavailable","code":503}}""", "busy", "busy")]
    [InlineData(500, "Request failed: error sending request for url (http://worker)", "model-error", "error sending request")]
    [InlineData(502, "<html><head><title>502 Bad Gateway</title></head></html>", "unreachable", "502 Bad Gateway")]
    [InlineData(429, """{"detail":"Slow down"}""", "busy", "Slow down")]
    [InlineData(500, """{"errors":[{"message":"no worker"}]}""", "model-error", "no worker")]
    [InlineData(500, """{"Message":"no worker"}""", "model-error", "no worker")]
    [InlineData(500, """{"error_code":336003,"error_msg":"no worker"}""", "model-error", "no worker")]
    [InlineData(500, """{"fault":{"faultstring":"no worker","detail":{"errorcode":"x"}}}""", "model-error", "500: no worker.")]
    [InlineData(500, """{"error":{"message":"{\"error\":{\"message\":\"no worker\"}}"}}""", "model-error", "500: no worker.")]
    [InlineData(500, """{"error":{"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"message\":\"no worker\"}}"}}}""", "model-error", "Provider returned error: no worker.")]
    [InlineData(500, "event: error\ndata: {\"error\":{\"message\":\"no worker\"}}\n\n", "model-error", "500: no worker.")]
    [InlineData(503, """{"status":"loading model"}""", "unreachable", "is loading the model")]
    [InlineData(500, "{\"error\":{\"message\":\"\\ud800 broken\"}}", "model-error", "broken")]
    [InlineData(500, "{\"err\\ud800\":1,\"error\":{\"mess\\udc00e\":2,\"message\":\"broken names\"},\"\\ud800\":3}", "model-error", "broken names")]
    public async Task A_refusal_in_any_form_is_the_right_problem_with_the_servers_words(int status, string body, string code, string words)
    {
        await using var chatbot = await AnsweringAsync(body, status, "application/json");

        var (_, problem, _) = await chatbot.RefusedAsync(Chatbot.User("Hello"));

        Assert.Equal(code, problem.GetProperty("code").GetString());
        Assert.Contains(words, problem.GetProperty("detail").GetString()!, StringComparison.Ordinal);
    }

    /// <summary>What a backtracking search looks for again and again: the beginning of what matches, and never its end.</summary>
    [Theory]
    [InlineData(400, "", "exceed")]
    [InlineData(400, "maximum context length ", "1")]
    [InlineData(400, "", "context size ")]
    [InlineData(422, "", "last assistant ")]
    [InlineData(400, "bearer", " ")]
    [InlineData(502, "<html>", "<title")]
    [InlineData(502, "<html>", "<script </")]
    [InlineData(502, "", "<")]
    [InlineData(200, "", "exceed")]
    public async Task Words_without_end_are_a_refusal_like_others(int status, string before, string endless)
    {
        await using var chatbot = await AnsweringAsync(before + string.Concat(Enumerable.Repeat(endless, 900_000 / endless.Length)), status);

        var (_, problem, _) = await chatbot.RefusedAsync(Chatbot.User("Hello")).WaitAsync(TimeSpan.FromSeconds(60), Chatbot.Cancelled);

        Assert.InRange(problem.GetProperty("detail").GetString()!.Length, 20, 1000);
    }

    [Theory]
    [InlineData(true, "chatcmpl-01234567890abcdef01234567890abcd", "model-error", "")]
    // A server that gives its responses ids of its own, or another one that has taken the address.
    [InlineData(false, "chatcmpl-01234567890abcdef01234567890abcd", "done", "Another reader's answer")]
    [InlineData(true, "chatcmpl-Xq5dKzq3WmcV0cTg1xv0WbHUVzD1dJ7e", "done", "Another reader's answer")]
    [InlineData(true, "chatcmpl-123", "done", "Another reader's answer")]
    [InlineData(true, "", "done", "Another reader's answer")]
    public async Task A_response_to_another_request_is_shown_to_nobody(bool echoesIds, string other, string state, string text)
    {
        var turns = 0;
        await using var upstream = await RawUpstream.StartAsync(http =>
        {
            var id = echoesIds && turns++ == 0 ? $"chatcmpl-{http.Request.Headers["X-Request-Id"]}" : other;
            return http.Response.WriteAsync($$$"""data: {"id":"{{{id}}}","choices":[{"index":0,"delta":{"content":"Another reader's answer"}}]}""" + "\n\n" + Stop, Chatbot.Cancelled);
        });
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);
        Assert.Equal("done", (await chatbot.AskAsync(Chatbot.User("Hello"))).State);

        var answer = await chatbot.AskAsync(Chatbot.User("Hello"));

        Assert.Equal((state, text), (answer.State, answer.Text));
    }

    [Theory]
    [InlineData("content")]
    [InlineData("reasoning")]
    public async Task A_token_in_Latin_1_reaches_the_reader_as_its_characters(string field)
    {
        await using var upstream = await RawUpstream.StartAsync(async http =>
        {
            var chunk = $$$"""data: {"choices":[{"index":0,"delta":{"{{{field}}}":"caf&"}}]}""".Replace('&', '\u00e9') + "\n\n";
            await http.Response.Body.WriteAsync(Encoding.Latin1.GetBytes(chunk + chunk + RawUpstream.Finish), Chatbot.Cancelled);
        });
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        var answer = await chatbot.AskAsync(Chatbot.User("Hello", thinking: true));

        Assert.Equal(("cafécafé", "done"), (answer.Reasoning + answer.Text, answer.State));
    }

    [Theory]
    [InlineData("content", "👋 hi", 2)]
    [InlineData("content", "x👋 hi", 4)]
    [InlineData("content", "Some words before. 語言", 20)]
    [InlineData("reasoning", "👋 hi", 1)]
    public async Task The_bytes_of_a_character_may_come_in_two_pieces(string field, string text, int cut)
    {
        var whole = Encoding.UTF8.GetBytes(text);
        await using var upstream = await RawUpstream.StartAsync(async http =>
        {
            foreach (var piece in (byte[][])[whole[..cut], whole[cut..]])
            {
                byte[] chunk = [.. Encoding.UTF8.GetBytes($$$"""data: {"choices":[{"index":0,"delta":{"{{{field}}}":""" + "\""), .. piece, .. "\"}}]}\n\n"u8];
                await http.Response.Body.WriteAsync(chunk, Chatbot.Cancelled);
            }

            await http.Response.WriteAsync(Stop, Chatbot.Cancelled);
        });
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        var answer = await chatbot.AskAsync(Chatbot.User("Hello", thinking: true));

        Assert.Equal((text, "done"), (answer.Reasoning + answer.Text, answer.State));
    }

    [Fact]
    public async Task A_chunk_whose_member_has_half_of_a_character_in_its_name_is_malformed()
    {
        await using var upstream = await RawUpstream.StartAsync(http =>
            http.Response.WriteAsync(RawUpstream.Chunk("content", "Hello") + """data: {"\ud800":1,"choices":[]}""" + "\n\n", Chatbot.Cancelled));
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        var answer = await chatbot.AskAsync(Chatbot.User("Hello"));

        Assert.Equal(("Hello", "model-error"), (answer.Text, answer.State));
    }

    [Fact]
    public async Task An_error_in_Latin_1_is_a_problem_document()
    {
        await using var upstream = await RawUpstream.StartAsync(async http =>
        {
            http.Response.StatusCode = 400;
            await http.Response.Body.WriteAsync(Encoding.Latin1.GetBytes("{\"error\":{\"message\":\"café fermé\"}}"), Chatbot.Cancelled);
        });
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        var (_, problem, _) = await chatbot.RefusedAsync(Chatbot.User("Hello"));

        Assert.Contains("café fermé", problem.GetProperty("detail").GetString()!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("utf-16")]
    [InlineData("utf-16BE")]
    public void An_error_in_UTF_16_is_read_as_its_characters(string encoding)
    {
        var utf16 = Encoding.GetEncoding(encoding);

        Assert.Equal("café fermé", ServerError.Read([.. utf16.GetPreamble(), .. utf16.GetBytes("""{"error":{"message":"café fermé"}}""")]).Message);
    }

    /// <summary>What isn't the window's size: a number of tokens too many, and a sum.</summary>
    [Theory]
    [InlineData("prompt too long; exceeded max context length by 1000 tokens", null)]
    [InlineData("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", null)]
    [InlineData("Requested tokens (5000) exceed context window of 4,096", 4096)]
    public void The_window_is_told_only_if_the_server_tells_it(string message, int? window)
    {
        var error = ServerError.Read(Encoding.UTF8.GetBytes(message));

        Assert.Equal((true, window), (error.IsContextOverflow, error.ContextWindow));
    }

    /// <summary>What could be looked through once for each of its members, or by a function that calls itself for each of its marks.</summary>
    [Theory]
    [InlineData("\n", "\uFEFF ", 100_000, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n\n")]
    [InlineData("data: {\"choices\":[{\"index\":0,", "\"message\":1,", 60_000, "\"delta\":{\"content\":\"one\"}}]}\n\n")]
    public async Task What_repeats_in_a_line_costs_no_more_than_its_length(string before, string repeated, int times, string after)
    {
        var line = before + string.Concat(Enumerable.Repeat(repeated, times)) + after;
        await using var chatbot = await AnsweringAsync(line + Stop);

        var answer = await chatbot.AskAsync(Chatbot.User("Hello")).WaitAsync(TimeSpan.FromSeconds(5), Chatbot.Cancelled);

        Assert.Equal(("one", "done"), (answer.Text, answer.State));
    }

    [Fact]
    public async Task What_follows_many_objects_of_a_line_is_not_looked_through_for_each_of_them()
    {
        const string Chunk = """{"choices":[{"index":0,"delta":{"content":"one"}}]}""";
        await using var chatbot = await AnsweringAsync($"data: {Chunk}{string.Concat(Enumerable.Repeat("{}", 100_000))}{new string('"', 500_000)}\n\n");

        var answer = await chatbot.AskAsync(Chatbot.User("Hello")).WaitAsync(TimeSpan.FromSeconds(5), Chatbot.Cancelled);

        Assert.Equal("one", answer.Text);
    }

    [Fact]
    public void The_place_of_a_wrong_field_is_read_up_to_a_limit()
    {
        var body = $$"""{"detail":[{"loc":["body",{{string.Join(',', Enumerable.Repeat("\"x\"", 100_000))}}],"msg":"Extra inputs are not permitted"}]}""";

        Assert.Equal($"body{string.Concat(Enumerable.Repeat(".x", 15))}: Extra inputs are not permitted", ServerError.Read(Encoding.UTF8.GetBytes(body)).Message);
    }

    [Theory]
    [InlineData("Authorization: Bearer sesame-planted-78 was refused")]
    [InlineData("the request had sesame-planted-78 in it")]
    [InlineData("curl -H 'api-key: another-secret-1234'")]
    public async Task A_key_that_the_server_quotes_reaches_no_reader(string message)
    {
        await using var upstream = await RawUpstream.StartAsync(async http =>
        {
            http.Response.StatusCode = 500;
            await http.Response.WriteAsync(JsonSerializer.Serialize(new { error = new { message } }), Chatbot.Cancelled);
        });
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl, settings: "OPENAI_API_KEY=sesame-planted-78");

        var (_, problem, _) = await chatbot.RefusedAsync(Chatbot.User("Hello"));

        Assert.DoesNotContain("sesame-planted-78", problem.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("another-secret-1234", problem.ToString(), StringComparison.Ordinal);
    }

    /// <summary>The characters of a key that JSON, URLs or HTML escape.</summary>
    [Theory]
    [InlineData("refused: sk/se+same==")]
    [InlineData(@"refused: sk\\/se+same==")]
    [InlineData(@"refused: sk/se\\u002Bsame\\u003d\\u003D")]
    [InlineData("refused: /v1?k=sk%2Fse%2bsame%3D%3d&page=1")]
    [InlineData("Bearer sk&#47;se&#43;same&#x3D;&#x3d; is unknown")]
    public async Task A_key_that_the_server_quotes_with_escapes_reaches_no_reader(string message)
    {
        await using var upstream = await RawUpstream.StartAsync(async http =>
        {
            http.Response.StatusCode = 500;
            await http.Response.WriteAsync($$$"""{"error":{"message":"{{{message}}}"}}""", Chatbot.Cancelled);
        });
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl, settings: "OPENAI_API_KEY=sk/se+same==");

        var (_, problem, _) = await chatbot.RefusedAsync(Chatbot.User("Hello"));

        Assert.DoesNotContain("same", problem.GetProperty("detail").GetString()!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_finish_reason_that_quotes_the_key_reaches_no_reader()
    {
        await using var upstream = await RawUpstream.StartAsync(http => http.Response.WriteAsync(
            T("Hello") + """data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"refused sesame-planted-78"}]}""" + "\n\n", Chatbot.Cancelled));
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl, settings: "OPENAI_API_KEY=sesame-planted-78");

        var answer = await chatbot.AskAsync(Chatbot.User("Hello"));

        Assert.EndsWith("\"refused …\".", answer.End!.Value.GetProperty("detail").GetString()!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\\u001b[2J", "done", "The model's server ended the answer with the reason \"[2J\".")]
    [InlineData("\\u00fcber", "done", "The model's server ended the answer with the reason \"über\".")]
    [InlineData("st\\u006fp", "done", null)]
    [InlineData("tool_calls", "done", "The model's server ended the answer with the reason \"tool_calls\".")]
    [InlineData("\\u006cength", "length", null)]
    [InlineData(" ", "done", null)]
    [InlineData("\\n\\u202e", "done", null)]
    public async Task A_finish_reason_is_read_without_its_escapes(string escaped, string state, string? detail)
    {
        await using var chatbot = await AnsweringAsync(T("one", finishReason: $"\"{escaped}\"") + Done);

        var answer = await chatbot.AskAsync(Chatbot.User("Hello"));

        Assert.Equal(state, answer.State);
        Assert.Equal(detail, answer.End!.Value.TryGetProperty("detail", out var told) ? told.GetString() : null);
    }

    /// <summary>A server that refuses all but OpenAI's fields, in its own words.</summary>
    [Theory]
    [InlineData(400, """{"error":{"message":"Unrecognized request argument supplied: {0}","type":"invalid_request_error","param":null,"code":null}}""")]
    [InlineData(422, """{"detail":[{"type":"extra_forbidden","loc":["body","{0}"],"msg":"Extra inputs are not permitted","input":20}]}""")]
    [InlineData(422, """{"detail":"Unexpected fields in the request: {0}"}""")]
    [InlineData(400, "unknown field `{0}`, expected one of `model`, `messages`")]
    [InlineData(500, """{"error":{"message":"create() got an unexpected keyword argument '{0}'"}}""")]
    [InlineData(415, """{"error":{"message":"Unknown parameter: '{0}'."}}""")]
    [InlineData(400, """{"message":"Bad Request"}""")]
    [InlineData(422, "")]
    public async Task A_strict_server_is_asked_without_the_fields_that_it_refuses_and_once_only(int status, string refusal)
    {
        string[] allowed = ["model", "messages", "stream", "temperature", "top_p", "max_tokens"];
        var requests = new List<string[]>();
        await using var upstream = await RawUpstream.StartAsync(async http =>
        {
            using var body = await JsonDocument.ParseAsync(http.Request.Body, cancellationToken: Chatbot.Cancelled);
            string[] fields = [.. body.RootElement.EnumerateObject().Select(member => member.Name)];
            requests.Add(fields);
            if (fields.Except(allowed).FirstOrDefault() is { } unknown)
            {
                http.Response.StatusCode = status;
                await http.Response.WriteAsync(refusal.Replace("{0}", unknown, StringComparison.Ordinal), Chatbot.Cancelled);
                return;
            }

            await http.Response.WriteAsync(T("Hello") + Stop, Chatbot.Cancelled);
        }, """{"data":[{"id":"Qwen/Qwen3-8B"}]}""");
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        Assert.Equal("done", (await chatbot.AskAsync(Chatbot.User("Hello"))).State);
        var first = requests.Count;
        Assert.Equal("done", (await chatbot.AskAsync(Chatbot.User("Hello"))).State);

        Assert.True(first > 1, "The first turn is refused and sent again.");
        Assert.Equal(first + 1, requests.Count);
    }

    /// <summary>Each request is refused for one field only, or for the message that is to be continued.</summary>
    [Fact]
    public async Task A_strict_server_may_refuse_each_field_by_itself()
    {
        string[] allowed = ["model", "messages", "stream", "temperature", "top_p", "max_completion_tokens", "role", "content"];
        await using var upstream = await RawUpstream.StartAsync(async http =>
        {
            using var body = await JsonDocument.ParseAsync(http.Request.Body, cancellationToken: Chatbot.Cancelled);
            var messages = body.RootElement.GetProperty("messages").EnumerateArray().ToArray();
            var unknown = messages.Append(body.RootElement).SelectMany(part => part.EnumerateObject()).Select(member => member.Name).Except(allowed).FirstOrDefault();
            if (unknown is not null || messages[^1].GetProperty("role").GetString() != "user")
            {
                http.Response.StatusCode = 400;
                await http.Response.WriteAsync(unknown is null ? "The last message must be the user's." : $"Unknown parameter: '{unknown}'.", Chatbot.Cancelled);
                return;
            }

            await http.Response.WriteAsync(T("Hello") + Stop, Chatbot.Cancelled);
        }, """{"data":[{"id":"Qwen/Qwen3-8B"}]}""");
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);
        var messages = new[]
        {
            new { role = "user", content = "A", reasoning = (string?)null },
            new { role = "assistant", content = "The </think> tag", reasoning = (string?)null },
            new { role = "user", content = "B", reasoning = (string?)null },
            new { role = "assistant", content = "Hel", reasoning = (string?)"hm" },
        };

        var answer = await chatbot.AskAsync(new { messages, thinking = true, @continue = true, sampling = new { maxTokens = 50, topK = 5, minP = 0.1 } });

        Assert.Equal(("Hello", "done"), (answer.Text, answer.State));
    }

    [Fact]
    public async Task A_wrong_value_is_told_and_costs_the_server_none_of_its_fields()
    {
        var requests = 0;
        await using var upstream = await RawUpstream.StartAsync(async http =>
        {
            requests++;
            http.Response.StatusCode = 400;
            await http.Response.WriteAsync("""{"error":{"message":"top_k must be -1 (disable), or at least 1, got 5000000.","type":"BadRequestError","param":"top_k","code":400}}""", Chatbot.Cancelled);
        }, """{"data":[{"id":"Qwen/Qwen3-8B","owned_by":"vllm"}]}""");
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        var (_, problem, _) = await chatbot.RefusedAsync(new { messages = new[] { new { role = "user", content = "Hello" } }, sampling = new { topK = 5_000_000 } });

        Assert.Equal("invalid-request", problem.GetProperty("code").GetString());
        Assert.Contains("top_k must be", problem.GetProperty("detail").GetString()!, StringComparison.Ordinal);
        Assert.Equal(1, requests);
    }

    private static async Task<Chatbot> AnsweringAsync(string body, int status = 200, string contentType = "text/event-stream")
    {
        var upstream = await RawUpstream.StartAsync(async http =>
        {
            http.Response.StatusCode = status;
            http.Response.ContentType = contentType.Length == 0 ? null : contentType;
            await http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(body), Chatbot.Cancelled);
        });
        return (await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl)).Owning(upstream);
    }

    private static string T(string escaped, string finishReason = "null") =>
        $"data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{escaped}\"}},\"finish_reason\":{finishReason}}}]}}\n\n";

    private static string R(string escaped) =>
        $"data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"reasoning\":\"{escaped}\"}},\"finish_reason\":null}}]}}\n\n";
}
