using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>The OpenAPI document says what the API accepts: no valid request is refused, and no invalid one taken.</summary>
public class OpenApiTests
{
    /// <summary>Values to put in the place of any part of a request. Most are wrong in most places.</summary>
    private static readonly string[] Values =
    [
        "null", "true", "\"\"", "\"text\"", "\"0.5\"", "[]", "{}", "0", "1", "-1", "2", "0.5", "1.5", "2.000001", "-0.000001", "1e-9", "2147483647", "2147483648",
        "9223372036854775807", "9223372036854775808", "\"user\"", "\"tool\"", "[null]", "[[]]", """[{"role":"user","content":"Hi"}]""",
    ];

    [Theory]
    [InlineData("Development", HttpStatusCode.OK)]
    [InlineData("Production", HttpStatusCode.NotFound)]
    public async Task The_document_is_for_developers(string environment, HttpStatusCode status)
    {
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, settings: $"environment={environment}");

        using var response = await chatbot.Client.GetAsync("/openapi/v1.json", Chatbot.Cancelled);

        Assert.Equal(status, response.StatusCode);
        if (status != HttpStatusCode.OK)
            return;
        var document = await response.Content.ReadFromJsonAsync<JsonElement>(Chatbot.Cancelled);
        Assert.Equal(["/api/chat", "/api/model", "/api/tokens"], document.GetProperty("paths").EnumerateObject().Select(path => path.Name));
    }

    [Theory]
    [InlineData("/api/chat", 1)]
    [InlineData("/api/chat", 2)]
    [InlineData("/api/tokens", 3)]
    public async Task A_request_is_accepted_if_and_only_if_the_schema_accepts_it(string path, int seed)
    {
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, settings: ["environment=Development", "Chat:MaxMessages=4"]);
        var schema = JsonSchema.FromText(await SchemaAsync(chatbot, path));
        var random = new Random(seed);
        var (accepted, refused) = (0, 0);

        for (var i = 0; i < 250; i++)
        {
            var body = Body(random, path);
            for (var changes = random.Next(3); changes > 0; changes--)
                Change(random, body);
            var valid = schema.Evaluate(JsonSerializer.SerializeToElement(body)).IsValid && EndsAsTheDescriptionSays(body, path);

            using var response = await chatbot.Client.PostAsJsonAsync(path, body, Chatbot.Cancelled);

            var status = (int)response.StatusCode;
            Assert.True(status is 200 or 400, $"{status}: {body.ToJsonString()}");
            Assert.True(valid == (status == 200), $"The schema says {valid}, the API {status}: {body.ToJsonString()} {(valid ? await response.Content.ReadAsStringAsync(Chatbot.Cancelled) : "")}");
            _ = valid ? accepted++ : refused++;
        }

        Assert.True(accepted > 50 && refused > 50, $"{accepted} were accepted and {refused} refused: too few of one to say anything.");
    }

    private static async Task<string> SchemaAsync(Chatbot chatbot, string path)
    {
        var document = JsonNode.Parse(await chatbot.Client.GetStringAsync("/openapi/v1.json", Chatbot.Cancelled))!;
        return document["paths"]![path]!["post"]!["requestBody"]!["content"]!["application/json"]!["schema"]!.ToJsonString();
    }

    /// <summary>What JSON Schema can't express, and the description of <c>messages</c> says: how a conversation ends.</summary>
    private static bool EndsAsTheDescriptionSays(JsonObject body, string path)
    {
        if (path != "/api/chat")
            return true;
        var last = body["messages"]!.AsArray()[^1]!;
        var role = last["role"]!.GetValue<string>();
        var text = last["content"]!.GetValue<string>() + last["reasoning"]?.GetValue<string>();
        return body["continue"]?.GetValue<bool>() == true ? role == "assistant" && text.Length > 0 : role == "user";
    }

    private static JsonObject Body(Random random, string path)
    {
        var continues = path == "/api/chat" && random.Next(3) == 0;
        JsonArray messages = [new JsonObject { ["role"] = "user", ["content"] = "Hello" }];
        if (random.Next(2) == 0)
            messages.Insert(0, new JsonObject { ["role"] = "system", ["content"] = "" });
        if (continues)
            messages.Add(new JsonObject { ["role"] = "assistant", ["content"] = "Hi", ["reasoning"] = random.Next(2) == 0 ? null : "Hm" });
        var body = new JsonObject { ["messages"] = messages, ["thinking"] = random.Next(2) == 0 };
        if (path != "/api/chat")
            return body;
        body["continue"] = continues;
        body["sampling"] = new JsonObject
        {
            ["temperature"] = Pick(random, 0, 0.6, 2, null),
            ["topP"] = Pick(random, 1e-9, 1, null),
            ["topK"] = random.Next(2) == 0 ? 1 : int.MaxValue,
            ["minP"] = Pick(random, 0, 1, null),
            ["maxTokens"] = 1 + random.Next(3),
            ["thinkingTokens"] = random.Next(3),
            ["seed"] = random.Next(2) == 0 ? long.MinValue : long.MaxValue,
        };
        return body;
    }

    /// <summary>Removes, adds or replaces one member or item, wherever it is.</summary>
    private static void Change(Random random, JsonObject body)
    {
        var places = Places(body).ToList();
        var (parent, key) = places[random.Next(places.Count)];
        var value = JsonNode.Parse(Values[random.Next(Values.Length)]);
        switch (parent, random.Next(6))
        {
            case (JsonObject o, 0):
                o.Remove((string)key);
                break;
            case (JsonObject o, 1):
                o[$"{key}2"] = value;
                break;
            case (JsonArray a, 0):
                a.RemoveAt((int)key);
                break;
            case (JsonArray a, 1):
                for (var i = random.Next(4); i >= 0; i--)
                    a.Insert(0, a[0]!.DeepClone());
                break;
            case (JsonObject o, _):
                o[(string)key] = value;
                break;
            case (JsonArray a, _):
                a[(int)key] = value;
                break;
        }
    }

    private static IEnumerable<(JsonNode Parent, object Key)> Places(JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(member => Places(member.Value).Prepend((o, member.Key))),
        JsonArray a => a.SelectMany((item, i) => Places(item).Prepend((a, i))),
        _ => [],
    };

    private static double? Pick(Random random, params double?[] values) => values[random.Next(values.Length)];
}
