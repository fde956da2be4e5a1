using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>
/// What people and the model say, and what opens doors, is marked and then looked for wherever an operator could read it: in the logs at their
/// most detailed, in telemetry, in problem documents and in the arguments of the processes.
/// </summary>
public sealed class LeakTests
{
    private const string Key = "planted-key";
    private const string Message = "planted-message";
    private const string Thought = "planted-thought";
    private const string Text = "planted-text";
    private const string Cookie = "planted-cookie";
    private const string Bearer = "planted-bearer";
    private const string Baggage = "planted-baggage";

    /// <summary>What the model's server does with a message that contains one of these.</summary>
    private const string Quote = "quote";
    private const string QuoteInStream = "in-the-stream";
    private const string Break = "break";

    [Fact]
    public async Task Messages_and_keys_are_in_no_log_no_telemetry_no_problem_and_no_argument()
    {
        var places = await RunAsync("Production");

        Assert.All(places, place => Assert.All((string[])[Key, Message, Thought, Text, Cookie, Bearer, Baggage], mark => Assert.DoesNotContain(mark, place.Value, StringComparison.Ordinal)));
    }

    /// <summary>The name of the environment and of the model are no secrets. What the test above looks for would be found as they are.</summary>
    [Fact]
    public async Task A_leak_would_be_found_in_each_place()
    {
        var places = await RunAsync("planted-name");

        Assert.Equal(8, places.Count);
        Assert.All(places, place => Assert.Contains("planted-name", place.Value, StringComparison.Ordinal));
    }

    /// <summary>Runs the chatbot and the chat API as processes of their own through good and bad turns, and stops them.</summary>
    /// <param name="name">The environment's and the model's name.</param>
    /// <returns>What can be read afterwards, by place.</returns>
    private static async Task<Dictionary<string, string>> RunAsync(string name)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Arguments are read from /proc.");
        await using var collector = await Collector.StartAsync();
        var headers = new ConcurrentQueue<string>();
        await using var model = await RawUpstream.StartAsync(http => AnswerAsync(http, headers), $$"""{"object":"list","data":[{"id":"{{name}}","object":"model"}]}""", version: $$"""{"version":"1 {{Key}}"}""");
        (string, string)[] environment =
        [
            ("OPENAI_API_KEY", Key), ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true"),
        ];
        string[] settings =
        [
            "--urls=http://127.0.0.1:0", $"--environment={name}", "--Logging:LogLevel:Default=Trace", "--Logging:LogLevel:Microsoft.AspNetCore=Trace",
            "--Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics=Trace", "--Logging:LogLevel:System.Net.Http=Trace",
        ];
        using var api = ServiceProcess.Start("Llasta.ChatApi", [.. settings, $"--OPENAI_API_BASE_URL={model.BaseUrl}"], environment);
        var apiLog = new ConcurrentQueue<string>();
        var apiEnds = api.CollectAsync(apiLog);
        using var page = ServiceProcess.Start("Llasta.Web", [.. settings, $"--services:chatapi:http:0={await ServiceProcess.AddressAsync(apiLog)}"], environment);
        var pageLog = new ConcurrentQueue<string>();
        var pageEnds = page.CollectAsync(pageLog);
        using var client = new HttpClient { BaseAddress = new Uri(await ServiceProcess.AddressAsync(pageLog)) };
        var arguments = await File.ReadAllTextAsync($"/proc/{api.Id}/cmdline", Chatbot.Cancelled) + await File.ReadAllTextAsync($"/proc/{page.Id}/cmdline", Chatbot.Cancelled);

        Assert.Contains(Text, await AskAsync(Ask(Message)), StringComparison.Ordinal);
        // The server's words are shown to the reader, who wrote the message, but not the key.
        foreach (var what in (string[])[Quote, QuoteInStream, Break])
            Assert.DoesNotContain(Key, await AskAsync(Ask($"{Message} {what}")), StringComparison.Ordinal);
        var problems = new StringBuilder();
        foreach (var request in (string[])[$$"""{"{{Message}}":1}""", $$"""{"messages":[{"role":"{{Message}}","content":"x"}]}""", $$"""{"messages":"{{Message}}"}""", $"{{{Message}", $"\"{Message}\""])
            problems.Append(await AskAsync(request)).Append(await AskAsync(request, "/api/tokens"));
        problems.Append(await AskAsync(Ask(Message), "/api/tokens"));
        problems.Append(await AskAsync(Ask(Message), host: $"{name}.example"));
        Assert.DoesNotContain("event:", problems.ToString(), StringComparison.Ordinal);

        var state = await client.GetStringAsync("/api/model", Chatbot.Cancelled);
        Assert.Contains("\"version\":\"1 ", state, StringComparison.Ordinal);

        // What is still to be exported is exported at the end.
        await page.StopAsync();
        await api.StopAsync();
        await Task.WhenAll(apiEnds, pageEnds);
        Assert.NotEmpty(headers);
        Assert.All((string[])[Cookie, Bearer, Baggage], mark => Assert.DoesNotContain(headers, header => header.Contains(mark, StringComparison.Ordinal)));
        return new()
        {
            ["the chat API's log"] = string.Join('\n', apiLog),
            ["the page's log"] = string.Join('\n', pageLog),
            ["exported logs"] = collector.Received("logs"),
            ["traces"] = collector.Received("traces"),
            ["metrics"] = collector.Received("metrics"),
            ["problem documents"] = problems.ToString(),
            ["the model's state"] = state,
            ["arguments"] = arguments,
        };

        async Task<string> AskAsync(string body, string path = "/api/chat", string? host = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
            request.Headers.Host = host;
            request.Headers.TryAddWithoutValidation("Cookie", $"session={Cookie}");
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {Bearer}");
            request.Headers.TryAddWithoutValidation("baggage", $"user={Baggage}");
            using var response = await client.SendAsync(request, Chatbot.Cancelled);
            return await response.Content.ReadAsStringAsync(Chatbot.Cancelled);
        }
    }

    private static string Ask(string message) =>
        $$"""{"messages":[{"role":"system","content":"{{Message}}"},{"role":"user","content":"{{message}}"}],"thinking":true}""";

    /// <summary>The model's server.</summary>
    private static async Task AnswerAsync(HttpContext http, ConcurrentQueue<string> headers)
    {
        foreach (var (name, values) in http.Request.Headers)
            headers.Enqueue($"{name}: {values}");
        using var reader = new StreamReader(http.Request.Body);
        var request = await reader.ReadToEndAsync(Chatbot.Cancelled);
        var error = "{\"error\":{\"code\":400,\"message\":" + JsonSerializer.Serialize($"Refused: Authorization: {http.Request.Headers.Authorization}, key {Key}, {request}") + "}}";
        if (request.Contains(QuoteInStream, StringComparison.Ordinal))
        {
            await http.Response.WriteAsync($"{RawUpstream.Chunk("content", Text)}data: {error}\n\n", Chatbot.Cancelled);
        }
        else if (request.Contains(Quote, StringComparison.Ordinal))
        {
            http.Response.StatusCode = StatusCodes.Status500InternalServerError;
            await http.Response.WriteAsync(error, Chatbot.Cancelled);
        }
        else if (request.Contains(Break, StringComparison.Ordinal))
        {
            await http.Response.WriteAsync($"{RawUpstream.Chunk("content", Text)}data: {{\"choices\":[{{\"{Text}\":]\n\n", Chatbot.Cancelled);
        }
        else
        {
            await http.Response.WriteAsync(RawUpstream.Chunk("reasoning", Thought) + RawUpstream.Chunk("content", Text) + RawUpstream.Finish, Chatbot.Cancelled);
        }
    }
}
