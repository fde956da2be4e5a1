using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>One trace for a turn, the GenAI conventions' names, and never a word of a message.</summary>
[Collection(nameof(TelemetryTests))]
public class TelemetryTests
{
    private const string Secret = "xyzzy-plugh";

    [Theory]
    [CombinatorialForms]
    public async Task A_turns_span_and_its_context_reach_the_model(Form form)
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using var root = new Activity("browser").SetIdFormat(ActivityIdFormat.W3C).Start();
        await using var chatbot = await Chatbot.StartAsync(form);

        using var response = await chatbot.SendAsync(Chatbot.User(Secret), null, ("traceparent", root.Id!));
        var answer = await Answer.ReadAsync(response);

        var id = answer.Start.GetProperty("id").GetString();
        var span = Assert.Single(spans, span => span.GetTagItem("llasta.turn.id") as string == id);
        Assert.Equal("chat Qwen/Qwen3-8B", span.OperationName);
        Assert.Equal(ActivityKind.Client, span.Kind);
        Assert.Equal(root.TraceId, span.TraceId);
        Assert.Equal("chat", span.GetTagItem("gen_ai.operation.name"));
        Assert.Equal("Qwen/Qwen3-8B", span.GetTagItem("gen_ai.request.model"));
        Assert.Equal("done", span.GetTagItem("llasta.turn.state"));
        Assert.Equal(answer.End!.Value.GetProperty("usage").GetProperty("completionTokens").GetInt32(), span.GetTagItem("gen_ai.usage.output_tokens"));
        Assert.DoesNotContain(spans, s => s.TagObjects.Any(tag => tag.Value?.ToString()?.Contains(Secret, StringComparison.Ordinal) == true));

        var seen = await chatbot.ModelSawAsync(_ => true);
        Assert.Contains(root.TraceId.ToString(), seen.GetProperty("traceparent").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Development", "true", true)]
    [InlineData("Development", "false", false)]
    [InlineData("Production", "true", false)]
    public async Task Messages_are_recorded_only_in_Development_and_only_where_asked_for(string environment, string capture, bool recorded)
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Llasta.ChatApi",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, settings: [$"environment={environment}", $"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT={capture}"]);

        var answer = await chatbot.AskAsync(Chatbot.User(Secret));

        var span = Assert.Single(spans, span => span.GetTagItem("llasta.turn.id") as string == answer.Start.GetProperty("id").GetString());
        Assert.Equal(recorded, (span.GetTagItem("gen_ai.input.messages") as string)?.Contains(Secret, StringComparison.Ordinal) == true);
        Assert.Equal(recorded, span.GetTagItem("gen_ai.output.messages") is string output
            && System.Text.Json.JsonElement.Parse(output)[0].GetProperty("parts")[0].GetProperty("content").GetString() == answer.Text);
    }

    [Theory]
    [InlineData("""{"Fault":"none"}""")]
    [InlineData("""{"Fault":"refuse"}""")]
    [InlineData("""{"Fault":"unauthorized"}""")]
    [InlineData("""{"Fault":"error"}""")]
    [InlineData("""{"Fault":"overflow"}""")]
    [InlineData("""{"Fault":"html"}""")]
    [InlineData("""{"Fault":"stall","FaultPhase":"before-headers"}""")]
    [InlineData("""{"Fault":"stall","FaultPhase":"answering","FaultAfterTokens":3}""")]
    [InlineData("""{"Fault":"cut","FaultPhase":"queued"}""")]
    [InlineData("""{"Fault":"cut","FaultPhase":"answering","FaultAfterTokens":3}""")]
    [InlineData("""{"Fault":"abort","FaultPhase":"answering","FaultAfterTokens":3}""")]
    [InlineData("""{"Fault":"malformed","FaultPhase":"answering","FaultAfterTokens":3}""")]
    [InlineData("""{"Fault":"error-in-stream","FaultPhase":"answering","FaultAfterTokens":3}""")]
    // The reader leaves.
    [InlineData("""{"QueueDelay":"00:10:00"}""", true)]
    [InlineData("""{"TokensPerSecond":20}""", true)]
    public async Task However_a_turn_ends_it_is_not_active_any_more(string settings, bool stops = false)
    {
        using var turns = new ActiveTurns();
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, settings: ["Chat:FirstTokenTimeout=00:00:02", "Chat:IdleTimeout=00:00:02", "Chat:HeartbeatInterval=00:00:00.1"]);
        await chatbot.SetAsync(settings);

        using (var response = await chatbot.SendAsync(Chatbot.User("Hello")))
        {
            if (!stops)
                await response.Content.ReadAsStringAsync(Chatbot.Cancelled);
        }

        await Eventually.TrueAsync(() => Task.FromResult(turns is { Begun: 1, Now: 0 }), () => $"{turns.Begun} turns have begun, {turns.Now} are active.");
    }

    /// <summary>A collector tells the pods of a Deployment apart by it. Without it their counters are one series, which jumps back and forth.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData("service.instance.id=named-by-the-operator")]
    public async Task Telemetry_names_the_instance_that_it_comes_from(string? attributes)
    {
        await using var collector = await Collector.StartAsync();
        using var service = ServiceProcess.Start("Llasta.ChatApi", ["--urls=http://127.0.0.1:0", "--OPENAI_API_BASE_URL=http://127.0.0.1:1/v1"],
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_SERVICE_NAME", "chatapi"), ("OTEL_RESOURCE_ATTRIBUTES", attributes ?? ""));
        var log = new ConcurrentQueue<string>();
        var ends = service.CollectAsync(log);
        await ServiceProcess.AddressAsync(log);

        await service.StopAsync();
        await ends;

        // In protobuf, an attribute's value follows its name after a few bytes.
        var instance = attributes is null ? Environment.MachineName : "named-by-the-operator";
        Assert.All((string[])["metrics", "logs"], signal => Assert.Matches($@"(?s)service\.instance\.id.{{1,8}}{Regex.Escape(instance)}", collector.Received(signal)));
    }

    [Fact]
    public async Task Turns_are_counted_by_their_state_and_timed_by_the_conventions_names()
    {
        var measured = new ConcurrentQueue<(string Name, object Value, Dictionary<string, object?> Tags)>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, me) =>
            {
                if (instrument.Meter.Name == "Llasta.ChatApi")
                    me.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => measured.Enqueue((instrument.Name, value, new(tags.ToArray()))));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => measured.Enqueue((instrument.Name, value, new(tags.ToArray()))));
        listener.Start();
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, model => model.Model = "counted");

        await chatbot.AskAsync(Chatbot.User("Hello"));
        await chatbot.SetAsync("""{"Fault":"malformed"}""");
        await chatbot.AskAsync(Chatbot.User("Hello"));

        var ours = measured.Where(m => m.Tags.GetValueOrDefault("gen_ai.request.model") as string == "counted").ToList();
        Assert.Equal(2, ours.Count(m => m.Name == "gen_ai.client.operation.duration"));
        Assert.Single(ours, m => m.Name == "gen_ai.client.operation.duration" && m.Tags.GetValueOrDefault("error.type") as string == "model-error");
        Assert.Contains(ours, m => m.Name == "gen_ai.client.operation.time_to_first_chunk");
        Assert.Contains(ours, m => m.Name == "gen_ai.client.token.usage" && m.Tags["gen_ai.token.type"] as string == "input");
        Assert.Contains(ours, m => m.Name == "gen_ai.client.token.usage" && m.Tags["gen_ai.token.type"] as string == "output");
        Assert.Contains(measured, m => m.Name == "llasta.turns" && m.Tags["state"] as string == "done");
        Assert.Contains(measured, m => m.Name == "llasta.turns" && m.Tags["state"] as string == "model-error");
        Assert.Contains(measured, m => m.Name == "llasta.relay.duration");
        Assert.Contains(measured, m => m.Name == "llasta.turns.active");
    }
}
