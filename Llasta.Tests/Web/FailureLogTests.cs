using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Llasta.ChatApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Llasta.Tests.Web;

/// <summary>What the operator reads about requests that fail before they become turns.</summary>
public class FailureLogTests
{
    [Fact]
    public void Each_code_is_logged_once_a_minute_with_its_number()
    {
        var time = new FakeTimeProvider();
        var log = new LinesLogger<FailureLog>();
        var failures = new FailureLog(time, log);
        for (var i = 0; i < 5; i++)
            failures.Add("busy", "Full.");
        failures.Add("unreachable", "Away.");
        Assert.Collection(log.Lines, line => Assert.StartsWith("Requests failed as busy: 1. Full.", line), line => Assert.StartsWith("Requests failed as unreachable: 1. Away.", line));

        time.Advance(TimeSpan.FromMinutes(1));
        failures.Add("busy", "Full.");
        Assert.Equal(3, log.Lines.Count);
        Assert.StartsWith("Requests failed as busy: 5.", log.Lines[2]);
    }

    [Fact]
    public async Task The_chatbot_logs_once_that_the_chat_API_is_away_and_that_strangers_ask()
    {
        // Nothing listens on port 1.
        using var page = ServiceProcess.Start("Llasta.Web", ["--urls=http://127.0.0.1:0", "--environment=Production", "--services:chatapi:http:0=http://127.0.0.1:1"]);
        var log = new ConcurrentQueue<string>();
        _ = page.CollectAsync(log);
        using var client = new HttpClient { BaseAddress = new Uri(await ServiceProcess.AddressAsync(log)) };

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, await AskAsync("127.0.0.1"));
            Assert.Equal(HttpStatusCode.Forbidden, await AskAsync("planted.example"));
        }

        await Eventually.TrueAsync(() => Task.FromResult(Count("unreachable") == 1 && Count("forbidden-origin") == 1), () => string.Join('\n', log));
        Assert.DoesNotContain(log, line => line.Contains("planted", StringComparison.Ordinal) || line.StartsWith("fail:", StringComparison.Ordinal));

        int Count(string code) => log.Count(line => line.Contains($"Requests failed as {code}: 1.", StringComparison.Ordinal));

        async Task<HttpStatusCode> AskAsync(string host)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat") { Content = new StringContent("""{"messages":[{"role":"user","content":"Hello"}]}""", Encoding.UTF8, "application/json") };
            request.Headers.Host = host;
            using var response = await client.SendAsync(request, Chatbot.Cancelled);
            return response.StatusCode;
        }
    }

    [Theory]
    [CombinatorialForms]
    public async Task A_client_that_is_refused_again_and_again_writes_one_line(Form form)
    {
        using var log = new AllLines();
        await using var chatbot = await Chatbot.StartAsync(form, settings: "Logging:LogLevel:Llasta=Information");
        chatbot.Api.Services.GetRequiredService<ILoggerFactory>().AddProvider(log);

        for (var i = 0; i < 10; i++)
            Assert.Equal("invalid-request", (await chatbot.RefusedAsync(new { messages = Array.Empty<object>() })).Problem.GetProperty("code").GetString());

        var (level, line) = Assert.Single(log.Take());
        Assert.Equal(LogLevel.Warning, level);
        Assert.Contains("Requests failed as invalid-request: 1.", line, StringComparison.Ordinal);
    }
}
