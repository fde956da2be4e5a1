using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>What real servers answered, relayed: the reader gets the text to the letter, and the right end.</summary>
public sealed class RecordedAnswerTests
{
    public static TheoryData<Form, string, string> Streams => Rows(recording => recording.Status == 200 && recording.Body.StartsWith("data:", StringComparison.Ordinal));

    public static TheoryData<Form, string, string> Refusals => Rows(recording => recording.Status >= 400);

    [Theory]
    [MemberData(nameof(Streams))]
    public async Task A_recorded_stream_is_relayed_to_the_letter_and_ends_as_the_server_meant_it(Form form, string server, string name)
    {
        var recording = Recording.Answer(server, name);
        var expected = Expected.Of(recording, tags: server.Contains("no-parser", StringComparison.Ordinal) || server.EndsWith("-queue", StringComparison.Ordinal));
        await using var upstream = await ReplayAsync(recording);
        await using var chatbot = await Chatbot.StartAsync(form, baseUrl: upstream.BaseUrl);

        if (expected is { Text: "", Reasoning: "", State: "truncated" or "refused" })
        {
            // Nothing came before the fault: retried, or told, as if it had come before the stream.
            Assert.True((await chatbot.RefusedAsync(Chatbot.User("Hello", thinking: true))).Status >= 400);
            return;
        }

        var answer = await chatbot.AskAsync(Chatbot.User("Hello", thinking: true));

        Assert.Equal((expected.Reasoning, expected.Text, expected.State), (answer.Reasoning, answer.Text, answer.State));
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_recorded_refusal_is_a_problem_of_its_kind_with_the_servers_words(Form form, string server, string name)
    {
        var recording = Recording.Answer(server, name);
        await using var upstream = await ReplayAsync(recording);
        await using var chatbot = await Chatbot.StartAsync(form, baseUrl: upstream.BaseUrl);

        var (status, problem, _) = await chatbot.RefusedAsync(Chatbot.User("Hello"));

        string[] codes = recording.Status switch
        {
            400 or 422 => ["invalid-request", "context-overflow"],
            401 or 403 => ["model-auth"],
            404 or 405 => ["model-not-found"],
            503 => ["busy", "unreachable"],
            _ => ["model-error"],
        };
        Assert.Contains(problem.GetProperty("code").GetString(), codes);
        Assert.True(status >= 400);
    }

    private static TheoryData<Form, string, string> Rows(Func<Recording, bool> wanted)
    {
        var rows = new TheoryData<Form, string, string>();
        foreach (var server in Directory.EnumerateDirectories(Repository.PathOf("Llasta.Tests/Recordings")).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal))
        {
            foreach (var name in Directory.EnumerateFiles(Repository.PathOf($"Llasta.Tests/Recordings/{server}"), "*.response").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal))
            {
                if (IsChat(server, name) && wanted(Recording.Answer(server, name)))
                {
                    // Every recording in one form, some in all.
                    foreach (var form in Enum.GetValues<Form>().Where(form => form == Form.ChatApiAlone || server.EndsWith("stopping", StringComparison.Ordinal) || name is "thinking" or "continue"))
                        rows.Add(form, server, name);
                }
            }
        }

        return rows;
    }

    /// <summary>Endpoints besides the chat, and answers to requests that the chat API never sends, are left out.</summary>
    private static bool IsChat(string server, string name) =>
        name is not ("completions" or "render" or "load" or "ping" or "metrics" or "models" or "model-one" or "version" or "health" or "not-found" or "method-not-allowed")
        && !name.StartsWith("tokenize", StringComparison.Ordinal)
        // The beginning of the thought is in the request.
        && !(name == "continue-in-thought" && server.Contains("no-parser", StringComparison.Ordinal));

    private static Task<RawUpstream> ReplayAsync(Recording recording) => RawUpstream.StartAsync(async http =>
    {
        http.Response.StatusCode = recording.Status;
        http.Response.ContentType = recording.ContentType;
        var cut = recording.Body.IndexOf("<<cut", StringComparison.Ordinal);
        var body = Encoding.UTF8.GetBytes(cut < 0 ? recording.Body : recording.Body[..cut]);
        // A body that is shorter than announced: the connection is closed before the end.
        http.Response.ContentLength = cut < 0 ? body.Length : body.Length + 1;
        await http.Response.Body.WriteAsync(body, Chatbot.Cancelled);
    }, """{"data":[{"id":"Qwen/Qwen3-8B","owned_by":"vllm","max_model_len":16384}]}""");

    /// <summary>What a recorded stream says, read without the product's code.</summary>
    private sealed record Expected(string Reasoning, string Text, string State)
    {
        public static Expected Of(Recording recording, bool tags)
        {
            var (reasoning, text, reason, state) = ("", "", (string?)null, "truncated");
            foreach (var line in recording.Body.Split('\n').Where(line => line.StartsWith("data: {", StringComparison.Ordinal)))
            {
                var chunk = JsonElement.Parse(line["data: ".Length..]);
                if (chunk.TryGetProperty("error", out var error))
                    state = error.GetProperty("code") is { ValueKind: JsonValueKind.Number } code && code.GetInt32() < 500 ? "refused" : "truncated";
                if (!chunk.TryGetProperty("choices", out var choices) || choices.GetArrayLength() == 0)
                    continue;
                // Of several answers, the first.
                foreach (var choice in choices.EnumerateArray().Where(choice => choice.GetProperty("index").GetInt32() == 0))
                {
                    var delta = choice.GetProperty("delta");
                    reasoning += StringOf(delta, "reasoning");
                    text += StringOf(delta, "content");
                    reason ??= StringOf(choice, "finish_reason") is { Length: > 0 } told ? told : null;
                }
            }

            if (tags && text.StartsWith("<think>", StringComparison.Ordinal))
            {
                var parts = text["<think>".Length..].Split("</think>");
                (reasoning, text) = (parts[0].TrimStart('\n'), parts.Length > 1 ? parts[1].TrimStart('\n') : "");
            }

            state = reason switch
            {
                "length" => text.Length == 0 && reasoning.Length > 0 ? "thinking-limit" : "length",
                null => state,
                _ => "done",
            };
            // No answer that is not complete ends in half of a character.
            return state == "done" ? new(reasoning, text, state) : new(reasoning.TrimEnd('\uFFFD'), text.TrimEnd('\uFFFD'), state);
        }

        private static string StringOf(JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
    }
}
