using Llasta.ChatApi.Upstream;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>What the simulator's every fault, in every phase, becomes for the page.</summary>
public class FaultTests
{
    private const string Question = "Tell me something about tables.";

    /// <summary>Faults before the model's server has answered 200: a problem document, and nothing else.</summary>
    [Theory]
    [CombinatorialForms("refuse", 503, "unreachable", true)]
    [CombinatorialForms("unauthorized", 502, "model-auth", false)]
    [CombinatorialForms("not-found", 502, "model-not-found", false)]
    [CombinatorialForms("error", 502, "model-error", true)]
    [CombinatorialForms("overflow", 400, "context-overflow", false)]
    [CombinatorialForms("html", 502, "model-error", true)]
    public async Task A_refusal_by_the_model_is_a_problem_document_with_its_status(Form form, string fault, int status, string code, bool retryable)
    {
        await using var chatbot = await Chatbot.StartAsync(form);
        await chatbot.SetAsync($$"""{"Fault":"{{fault}}"}""");

        var (answered, problem, response) = await chatbot.RefusedAsync(Chatbot.User(Question));

        Assert.Equal(status, answered);
        Assert.Equal(code, problem.GetProperty("code").GetString());
        Assert.Equal(retryable, problem.GetProperty("retryable").GetBoolean());
        Assert.Equal(status == 503, response.Headers.RetryAfter is not null);
    }

    /// <summary>The server's own words are for the reader alone (SECURITY.md).</summary>
    [Theory]
    [InlineData("error", LogLevel.Warning, "ended as model-error after", "The model's server failed. It answered with the status 500.")]
    [InlineData("unauthorized", LogLevel.Warning, "ended as model-auth after", "The model's server refused the key. It answered with the status 401.")]
    [InlineData("not-found", LogLevel.Warning, "ended as model-not-found after", "It answered with the status 404.")]
    [InlineData("malformed", LogLevel.Warning, "ended as model-error after", "The model's server failed.")]
    // The reader's own matter.
    [InlineData("overflow", LogLevel.Information, "ended as context-overflow after", "")]
    public async Task A_turn_that_fails_at_the_models_server_is_logged_with_the_reason(string fault, LogLevel level, string ended, string reason)
    {
        using var log = new AllLines();
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, settings: "Logging:LogLevel:Llasta=Information");
        chatbot.Api.Services.GetRequiredService<ILoggerFactory>().AddProvider(log);
        await chatbot.SetAsync($$"""{"Fault":"{{fault}}","FaultPhase":"answering"}""");

        using (var response = await chatbot.SendAsync(Chatbot.User(Question)))
            await response.Content.ReadAsStringAsync(Chatbot.Cancelled);

        // It is written before the end of the answer is sent.
        var turn = Assert.Single(log.Take(), line => line.Line.Contains(": Turn ", StringComparison.Ordinal));
        Assert.Equal(level, turn.Level);
        Assert.Contains(ended, turn.Line, StringComparison.Ordinal);
        Assert.EndsWith(reason, turn.Line.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_window_that_is_full_to_the_last_token_is_an_overflow()
    {
        var body = """{"error":{"message":"max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)","type":"BadRequestError","param":"max_tokens","code":400}}"""u8;

        Assert.Equal("context-overflow", new UpstreamErrors(key: null).FromResponse(400, ServerError.Read(body), retryAfter: null).Code);
    }

    [Theory]
    [CombinatorialForms]
    public async Task A_model_that_says_nothing_at_all_is_given_up_as_unreachable_in_time(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form, settings: "Chat:FirstTokenTimeout=00:00:02");
        await chatbot.SetAsync("""{"Fault":"stall","FaultPhase":"before-headers"}""");

        var (status, problem, _) = await chatbot.RefusedAsync(Chatbot.User(Question));

        Assert.Equal((504, "unreachable"), (status, problem.GetProperty("code").GetString()));
        await chatbot.ModelSawAsync(request => request.GetProperty("abortedAt").ValueKind != System.Text.Json.JsonValueKind.Null);
    }

    [Fact]
    public async Task A_model_whose_server_only_says_that_it_is_there_is_given_up_in_time()
    {
        await using var upstream = await RawUpstream.StartAsync(CommentAsync);
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl, settings: "Chat:FirstTokenTimeout=00:00:01");

        var (status, problem, _) = await chatbot.RefusedAsync(Chatbot.User(Question));

        Assert.Equal((504, "unreachable"), (status, problem.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task An_answer_whose_server_only_says_that_it_is_there_in_the_middle_is_cut_in_time()
    {
        await using var upstream = await RawUpstream.StartAsync(async http =>
        {
            await http.Response.WriteAsync(RawUpstream.Chunk("content", "Hello") + RawUpstream.Chunk("content", ", wor"), Chatbot.Cancelled);
            await CommentAsync(http);
        });
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl, settings: "Chat:IdleTimeout=00:00:01");

        var answer = await chatbot.AskAsync(Chatbot.User(Question));

        Assert.Equal(("Hello, wor", "truncated"), (answer.Text, answer.State));
    }

    [Fact]
    public async Task An_answer_whose_server_only_says_that_it_is_there_after_the_end_is_done()
    {
        await using var upstream = await RawUpstream.StartAsync(async http =>
        {
            await http.Response.WriteAsync("""data: {"choices":[{"index":0,"delta":{"content":"Hello."},"finish_reason":"stop"}]}""" + "\n\n", Chatbot.Cancelled);
            await CommentAsync(http);
        });
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        var answer = await chatbot.AskAsync(Chatbot.User(Question));

        Assert.Equal(("Hello.", "done"), (answer.Text, answer.State));
    }

    private static async Task CommentAsync(HttpContext http)
    {
        while (!http.RequestAborted.IsCancellationRequested)
        {
            await http.Response.WriteAsync(": keep-alive\n\n", Chatbot.Cancelled);
            await http.Response.Body.FlushAsync(Chatbot.Cancelled);
            await Task.Delay(TimeSpan.FromMilliseconds(50), Chatbot.Cancelled);
        }
    }

    /// <summary>Faults inside the stream: the phase decides how much is there, the fault what is said about it.</summary>
    [Theory]
    [CombinatorialPhases("cut", "truncated")]
    [CombinatorialPhases("end", "truncated")]
    [CombinatorialPhases("abort", "truncated")]
    [CombinatorialPhases("stall", "truncated")]
    // A chunk that the end of the stream cuts is no event: the stream has ended, and can be continued.
    [CombinatorialPhases("truncated-json", "truncated")]
    [CombinatorialPhases("malformed", "model-error")]
    // The server's trouble, by its code 500: the answer can be continued.
    [CombinatorialPhases("error-in-stream", "truncated")]
    [CombinatorialPhases("endless-line", "model-error")]
    public async Task A_fault_in_the_stream_ends_in_the_one_right_state_and_keeps_what_was_received(Form form, string fault, string phase, string state)
    {
        await using var chatbot = await Chatbot.StartAsync(form, settings: ["Chat:IdleTimeout=00:00:02", "Chat:FirstTokenTimeout=00:00:02"]);
        var whole = await chatbot.AskAsync(Chatbot.User(Question, thinking: true));
        Assert.Equal("done", whole.State);
        // Paced, since a connection that is aborted takes along what was not read yet.
        var tokens = phase is "thinking" or "answering" ? 7 : 0;
        await chatbot.SetAsync($$"""{"Fault":"{{fault}}","FaultPhase":"{{phase}}","FaultAfterTokens":{{tokens}},"TokensPerSecond":400}""");

        if (phase == "queued" && fault is ("stall" or "error-in-stream"))
        {
            // Before the first token: a problem document.
            var (status, _, _) = await chatbot.RefusedAsync(Chatbot.User(Question, thinking: true));
            Assert.Equal(fault == "stall" ? 504 : 502, status);
            return;
        }

        var broken = await chatbot.AskAsync(Chatbot.User(Question, thinking: true));

        // Once the model had finished, nothing that breaks takes anything from the answer.
        Assert.Equal(phase == "after-finish" ? "done" : state, broken.State);
        Assert.StartsWith(broken.Reasoning, whole.Reasoning, StringComparison.Ordinal);
        Assert.StartsWith(broken.Text, whole.Text, StringComparison.Ordinal);
        Assert.Equal(phase is not "queued", broken.Reasoning.Length > 0);
        Assert.Equal(phase is "answering" or "after-finish", broken.Text.Length > 0);
        Assert.Equal(phase is "answering" or "after-finish", broken.Reasoning == whole.Reasoning);
        Assert.Equal(phase is "after-finish", broken.Text == whole.Text);
    }

    [Theory]
    [CombinatorialForms]
    public async Task A_cut_turn_is_never_sent_again_by_the_relay(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form);
        await chatbot.SetAsync("""{"Fault":"cut","FaultPhase":"answering","FaultAfterTokens":3,"FaultTimes":1,"TokensPerSecond":400}""");

        var answer = await chatbot.AskAsync(Chatbot.User(Question));

        Assert.Equal("truncated", answer.State);
        Assert.Equal(1, await chatbot.ModelRequestsAsync());
    }

    [Theory]
    [CombinatorialForms]
    public async Task An_answer_without_an_end_stops_when_the_reader_leaves(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form);
        await chatbot.SetAsync("""{"Fault":"endless","FaultPhase":"answering"}""");

        using (var response = await chatbot.SendAsync(Chatbot.User(Question)))
        {
            var stream = await response.Content.ReadAsStreamAsync(Chatbot.Cancelled);
            await stream.ReadExactlyAsync(new byte[1 << 20], Chatbot.Cancelled);
        }

        await chatbot.ModelSawAsync(request => request.GetProperty("abortedAt").ValueKind != System.Text.Json.JsonValueKind.Null);
    }

    [Theory]
    [CombinatorialForms]
    public async Task Thinking_that_eats_the_budget_is_told_apart_from_an_answer_at_the_limit(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form, model => model.ThinkingTokens = 50);

        var thought = await chatbot.AskAsync(new { messages = new[] { new { role = "user", content = Question } }, thinking = true, sampling = new { maxTokens = 20 } });
        var answered = await chatbot.AskAsync(new { messages = new[] { new { role = "user", content = Question } }, thinking = false, sampling = new { maxTokens = 20 } });

        Assert.Equal("thinking-limit", thought.State);
        Assert.Empty(thought.Text);
        Assert.Equal("length", answered.State);
        Assert.Equal(20, answered.End!.Value.GetProperty("usage").GetProperty("completionTokens").GetInt32());
    }

    [Theory]
    [CombinatorialForms]
    public async Task A_long_explanation_of_the_server_arrives_whole(Form form)
    {
        // A body with a length, which takes more than one read on its way.
        await using var upstream = await RawUpstream.StartAsync(http =>
        {
            http.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return http.Response.WriteAsync("{\"error\":{\"message\":\"" + string.Concat(Enumerable.Repeat("so it is ", 500)) + "\"}}", Chatbot.Cancelled);
        });
        await using var chatbot = await Chatbot.StartAsync(form, baseUrl: upstream.BaseUrl);

        var (status, problem, response) = await chatbot.RefusedAsync(Chatbot.User(Question));

        Assert.Equal(502, status);
        Assert.InRange(response.Content.Headers.ContentLength ?? 0, 600, 2000);
        Assert.Contains("so it is so it is", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("7", "7")]
    [InlineData("1.5", "2")]
    [InlineData("3600", "60")]
    [InlineData("99999999999999999999", "60")]
    [InlineData("Sat, 06 Nov 2094 08:49:37 GMT", "60")]
    [InlineData("Sun, 06 Nov 1994 08:49:37 GMT", "2")]
    [InlineData("-1", "2")]
    [InlineData("soon", "2")]
    public async Task The_time_that_the_server_asks_to_wait_is_passed_on_in_any_form(string said, string told)
    {
        await using var upstream = await RawUpstream.StartAsync(http =>
        {
            http.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            http.Response.Headers.RetryAfter = said;
            return Task.CompletedTask;
        });
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, baseUrl: upstream.BaseUrl);

        var (_, _, response) = await chatbot.RefusedAsync(Chatbot.User(Question));

        Assert.Equal(told, response.Headers.RetryAfter?.ToString());
    }

    [Theory]
    [CombinatorialForms(true)]
    [CombinatorialForms(false)]
    public async Task The_status_of_an_error_counts_even_if_its_body_never_ends(Form form, bool breaks)
    {
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await RawUpstream.StartAsync(async http =>
        {
            http.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            http.Response.ContentLength = 1000;
            http.Response.Headers.RetryAfter = "7";
            await http.Response.WriteAsync("Come back later", Chatbot.Cancelled);
            await http.Response.Body.FlushAsync(Chatbot.Cancelled);
            // A response that is shorter than it says: the server closes the connection.
            if (breaks)
                return;
            http.RequestAborted.Register(left.SetResult);
            await left.Task.WaitAsync(Chatbot.Cancelled);
        });
        await using var chatbot = await Chatbot.StartAsync(form, baseUrl: upstream.BaseUrl);

        var (status, problem, response) = await chatbot.RefusedAsync(Chatbot.User(Question));

        Assert.Equal((503, "busy", "7"), (status, problem.GetProperty("code").GetString(), response.Headers.RetryAfter?.ToString()));
        Assert.Contains("Come back later", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        if (!breaks)
            await left.Task.WaitAsync(Chatbot.Cancelled);
    }
}
