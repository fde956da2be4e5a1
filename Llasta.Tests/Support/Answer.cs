using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Llasta.Tests.Support;

/// <summary>A turn's stream, taken apart, and held to what every stream promises.</summary>
/// <param name="Reasoning">All the thinking.</param>
/// <param name="Text">All the answer's text.</param>
/// <param name="Start">The data of <c>start</c>.</param>
/// <param name="End">The data of <c>end</c>, if that was the terminal event.</param>
/// <param name="Error">The data of <c>error</c>, if that was.</param>
/// <param name="Restarted">The answer takes the place of the partial one that was to be continued.</param>
internal sealed record Answer(string Reasoning, string Text, JsonElement Start, JsonElement? End, JsonElement? Error, bool Restarted)
{
    /// <summary>The terminal state or the error's code.</summary>
    public string State => (End?.GetProperty("state") ?? Error!.Value.GetProperty("code")).GetString()!;

    public static async Task<Answer> ReadAsync(HttpResponseMessage response)
    {
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("no-store, no-transform", response.Headers.CacheControl?.ToString());
        Assert.Equal("no", response.Headers.GetValues("X-Accel-Buffering").Single());

        var (reasoning, text) = (new StringBuilder(), new StringBuilder());
        var restarted = false;
        JsonElement? start = null, end = null, error = null;
        await foreach (var item in SseParser.Create(await response.Content.ReadAsStreamAsync(Chatbot.Cancelled)).EnumerateAsync(Chatbot.Cancelled))
        {
            Assert.True(end is null && error is null, "Nothing follows a terminal event.");
            var data = JsonSerializer.Deserialize<JsonElement>(item.Data);
            Assert.Equal(item.EventType == "start", start is null);
            switch (item.EventType)
            {
                case "start":
                    start = data;
                    break;
                case "reasoning":
                    reasoning.Append(data.GetString());
                    break;
                case "message":
                    text.Append(data.GetString());
                    break;
                case "all-reasoning":
                    reasoning.Append(text);
                    text.Clear();
                    break;
                case "restart":
                    restarted = true;
                    break;
                case "end":
                    end = data;
                    break;
                case "error":
                    error = data;
                    break;
                default:
                    Assert.Fail($"An event that is not documented: {item.EventType}");
                    break;
            }
        }

        Assert.True(end is not null || error is not null, "A stream that was not cut ends with a terminal event.");
        return new Answer(reasoning.ToString(), text.ToString(), start!.Value, end, error, restarted);
    }
}
