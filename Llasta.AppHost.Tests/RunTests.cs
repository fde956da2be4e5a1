using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Xunit;

namespace Llasta.AppHost.Tests;

/// <summary>The AppHost in run mode, used through the page's own address.</summary>
[TestMethodOrderer(typeof(StopsLast))]
public sealed class RunTests(RunningAppHost running)
{
    [Fact]
    public async Task A_turn_through_the_page_is_answered_and_nothing_is_logged_as_an_error()
    {
        using var page = running.App.CreateHttpClient("chatbot", "http");

        Assert.Contains("\"simulated\":true", await page.GetStringAsync("/api/model", Cancellation), StringComparison.Ordinal);
        using var answer = await AskAsync(page, "Hello!");
        var events = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.StartsWith("event: start", events, StringComparison.Ordinal);
        Assert.Contains("event: reasoning", events, StringComparison.Ordinal);
        Assert.Contains("\"state\":\"done\"", events, StringComparison.Ordinal);
        Assert.Empty(running.Errors);
    }

    [Fact]
    public async Task The_dashboard_can_be_opened()
    {
        using var browser = new HttpClient();
        using var page = await browser.GetAsync(await running.App.GetDashboardUrlAsync(Cancellation), Cancellation);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Contains("<html", await page.Content.ReadAsStringAsync(Cancellation), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("chatbot")]
    [InlineData("chatapi")]
    [InlineData("vllm")]
    public async Task Every_link_in_the_dashboard_leads_to_a_page(string resource)
    {
        Assert.True(running.App.ResourceNotifications.TryGetCurrentState(resource, out var state));
        Assert.NotEmpty(state.Snapshot.Urls);
        using var browser = new HttpClient();
        foreach (var link in state.Snapshot.Urls)
        {
            using var page = await browser.GetAsync(link.Url, Cancellation);
            Assert.True(page.IsSuccessStatusCode, $"{link.Url}: {page.StatusCode}");
        }
    }

    [Fact]
    public void The_dashboard_shows_the_backend_and_the_reason_for_it()
    {
        _ = running.App;
        Assert.Equal("sim", running.ShownProperty("vllm", "Backend"));
        Assert.Equal("Model:Backend says so", running.ShownProperty("vllm", "Backend chosen because"));
    }

    [Fact]
    public async Task The_model_can_be_asked_what_it_serves()
    {
        var models = await running.CommandAsync("vllm", "list-models");
        Assert.True(models.Success, models.Message);
        Assert.Equal("Qwen/Qwen3-8B", models.Data?.Value);
    }

    [Fact]
    [Trait(StopsLast.Trait, "chatapi")]
    public async Task A_killed_chat_API_is_reported_as_unreachable_and_answers_again_after_a_restart()
    {
        using var page = running.App.CreateHttpClient("chatbot", "http");

        Kill("chatapi");
        await running.WaitForAsync("chatapi", KnownResourceStates.Finished);
        using var refused = await page.GetAsync("/api/model", Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Contains("\"code\":\"unreachable\"", await refused.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);

        await running.StartAgainAsync("chatapi");
        using var answer = await AskAsync(page, "Hello!");
        Assert.Contains("\"state\":\"done\"", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Theory]
    [Trait(StopsLast.Trait, "vllm")]
    [InlineData("killed")]
    [InlineData("stopped in the dashboard")]
    public async Task An_answer_whose_model_goes_away_is_completed_after_a_restart(string how)
    {
        using var page = running.App.CreateHttpClient("chatbot", "http");
        const string Question = "Write 150 words about rivers.";
        var stopped = Task.CompletedTask;

        using var cut = await AskAsync(page, Question);
        var (text, end) = await ReadAsync(cut, whenTextArrives: () =>
        {
            if (how == "killed")
                Kill("vllm");
            else
                stopped = running.CommandAsync("vllm", "stop");
        });
        await stopped;
        await running.WaitForAsync("vllm", KnownResourceStates.Finished);
        await running.StartAgainAsync("vllm");

        Assert.Contains("\"state\":\"truncated\"", end, StringComparison.Ordinal);
        using var rest = await AskAsync(page, Question, partialAnswer: text);
        text += (await ReadAsync(rest)).Text;
        using var whole = await AskAsync(page, Question);
        Assert.Equal((await ReadAsync(whole)).Text, text);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <returns>The response, whose body is still being written.</returns>
    private static async Task<HttpResponseMessage> AskAsync(HttpClient page, string question, string? partialAnswer = null)
    {
        List<object> messages = [new { role = "user", content = question }];
        if (partialAnswer is not null)
            messages.Add(new { role = "assistant", content = partialAnswer });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat")
        {
            Content = JsonContent.Create(new { messages, thinking = partialAnswer is null, @continue = partialAnswer is not null }),
        };
        return await page.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }

    /// <summary>Reads a turn's events to their end.</summary>
    /// <param name="response">The response.</param>
    /// <param name="whenTextArrives">Is called once, after the first text of the answer.</param>
    /// <returns>The answer's text, and the data of the <c>end</c> event.</returns>
    private static async Task<(string Text, string? End)> ReadAsync(HttpResponseMessage response, Action? whenTextArrives = null)
    {
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var (text, end, type) = (new StringBuilder(), default(string), "message");
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation));
        while (await lines.ReadLineAsync(Cancellation).AsTask().WaitAsync(TimeSpan.FromMinutes(2), Cancellation) is { } line)
        {
            if (line.StartsWith("event: ", StringComparison.Ordinal))
                type = line["event: ".Length..];
            else if (line.Length == 0)
                type = "message";
            else if (line.StartsWith("data: ", StringComparison.Ordinal) && type == "message")
            {
                text.Append(System.Text.Json.JsonSerializer.Deserialize<string>(line["data: ".Length..]));
                whenTextArrives?.Invoke();
                whenTextArrives = null;
            }
            else if (line.StartsWith("data: ", StringComparison.Ordinal) && type == "end")
                end = line["data: ".Length..];
        }
        return (text.ToString(), end);
    }

    /// <summary>Kills a resource's process, as a crash would.</summary>
    private void Kill(string resource)
    {
        Assert.True(running.App.ResourceNotifications.TryGetCurrentState(resource, out var state));
        var id = (int)state.Snapshot.Properties.Single(property => property.Name == "executable.pid").Value!;
        using var process = Process.GetProcessById(id);
        process.Kill(entireProcessTree: true);
    }
}
