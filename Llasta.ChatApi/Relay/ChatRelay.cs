using System.ClientModel.Primitives;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Llasta.ChatApi.Contract;
using Llasta.ChatApi.Model;
using Llasta.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Llasta.ChatApi.Relay;

/// <summary>
/// <c>POST /api/chat</c>: one turn from the page to the model and back. 200 goes out only once the model's server has answered
/// 200; after <c>start</c> exactly one terminal event follows, unless the reader left.
/// </summary>
internal sealed class ChatRelay(
    ModelServer server,
    ModelDirectory directory,
    TurnLimit limit,
    TurnSweep sweep,
    TurnTelemetry telemetry,
    Drain drain,
    TimeProvider time,
    IOptions<ChatOptions> options)
{
    public async Task HandleAsync(HttpContext http)
    {
        var arrivedAt = Stopwatch.GetTimestamp();
        if (!drain.TryEnter())
        {
            // The connection's other end may be a load balancer that would send the next request here, too.
            http.Response.Headers.Connection = "close";
            await RefuseAsync(http, ChatProblem.Stopping());
            return;
        }

        try
        {
            if (!limit.TryEnter())
            {
                await RefuseAsync(http, ChatProblem.Busy("As many answers are running as this server allows. The message is sent again by itself in a moment."));
                return;
            }

            try
            {
                await RelayAsync(http, arrivedAt);
            }
            finally
            {
                limit.Leave();
            }
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The reader left; what was held is released above.
        }
        finally
        {
            drain.Leave();
        }
    }

    private async Task RelayAsync(HttpContext http, long arrivedAt)
    {
        // A local that is not used behind the next await, rather than a parameter: so the conversation, of up to megabytes, is not kept
        // while the answer streams.
        var (request, problem) = await RequestBody.ReadAsync(http, ContractJson.Default.ChatRequest, options.Value.MaxBodyBytes);
        if ((problem ?? request!.Check(options.Value.MaxMessages)) is { } wrong)
        {
            await RefuseAsync(http, wrong);
            return;
        }

        var events = new EventStream(http.Response);
        using var turn = new Turn(events, time, http.RequestAborted, drain.EndStreams);
        sweep.Add(turn);
        try
        {
            (var upstream, problem) = await OpenAsync(request!, turn, arrivedAt);
            if (upstream is not null)
                await StreamAsync(http, events, turn, upstream);
            else if (!turn.ReaderLeft)
                await problem!.WriteAsync(http);
        }
        finally
        {
            sweep.Remove(turn);
        }
    }

    private Task RefuseAsync(HttpContext http, ChatProblem problem)
    {
        telemetry.Refused(problem);
        return problem.WriteAsync(http);
    }

    /// <summary>A turn that the model's server has accepted with a 200.</summary>
    private sealed record Upstream(Stream Body, Activity? Span, string Id, ModelInfo Model, bool Continues, long ArrivedAt, long SentAt);

    /// <summary>Sends the turn and waits for the answer's status.</summary>
    private async Task<(Upstream? Upstream, ChatProblem? Problem)> OpenAsync(ChatRequest request, Turn turn, long arrivedAt)
    {
        var id = Guid.CreateVersion7().ToString("N");
        var (model, problem) = await FindModelAsync(turn, directory.GetAsync);
        if (model is null)
        {
            if (!turn.ReaderLeft)
                telemetry.Refused(problem!);
            return (null, problem);
        }

        var span = telemetry.Begin(id, model, request);
        (Stream? body, problem, var sentAt) = await SendAsync(request, model, id, turn);
        if (problem?.Code == "model-not-found" && options.Value.Model.Length == 0
            && await FindModelAsync(turn, directory.RediscoverAsync) is ({ } found, _) && found.Name != model.Name)
        {
            // The server was restarted with another model. It has refused the turn, so sending it once more is safe.
            model = found;
            (body, problem, sentAt) = await SendAsync(request, model, id, turn);
        }

        if (body is not null)
            return (new Upstream(body, span, id, model, request.Continue, arrivedAt, sentAt), null);

        telemetry.End(span, id, model, turn.ReaderLeft ? "stopped" : problem!.Code, failed: !turn.ReaderLeft, Stopwatch.GetElapsedTime(arrivedAt), usage: null, timings: null, finishReason: null);
        return (null, problem);
    }

    private static async Task<(ModelInfo?, ChatProblem?)> FindModelAsync(Turn turn, Func<CancellationToken, ValueTask<(ModelInfo?, ChatProblem?)>> ask)
    {
        try
        {
            return await ask(turn.Stop);
        }
        catch (OperationCanceledException)
        {
            return (null, turn.TimedOut ? UpstreamErrors.FromException(new TimeoutException()) : ChatProblem.Stopping());
        }
    }

    private async Task<(Stream?, ChatProblem?, long SentAt)> SendAsync(ChatRequest request, ModelInfo model, string id, Turn turn)
    {
        try
        {
            using var body = UpstreamRequest.ForChat(request, model.Name);
            var response = await server.CompleteAsync(body, id, turn.Stop);
            // Only the stream is kept while the answer runs; closing it closes the response.
            if (response.Status == StatusCodes.Status200OK && IsEventStream(response))
                return (response.ContentStream, null, body.SentAt);

            using (response)
            {
                if (response.Status == StatusCodes.Status200OK)
                    return (null, ChatProblem.ModelError("The model's server answered with something that is no event stream. The operator has to check that OPENAI_API_BASE_URL points at an OpenAI-compatible server and ends in /v1."), 0);
                return (null, UpstreamErrors.FromResponse(response.Status, await UpstreamErrors.ReadBodyAsync(response.ContentStream, turn.Stop), RetryAfter(response)), 0);
            }
        }
        catch (OperationCanceledException) when (turn.Stop.IsCancellationRequested && !turn.TimedOut)
        {
            return (null, ChatProblem.Stopping(), 0);
        }
        catch (Exception e) when (UpstreamErrors.FromException(e) is { } problem)
        {
            return (null, problem, 0);
        }
    }

    private async Task StreamAsync(HttpContext http, EventStream events, Turn turn, Upstream upstream)
    {
        await using var body = upstream.Body;
        var pump = new UpstreamPump(body, events, turn);
        var chunks = new Chunks(events, upstream.Continues);

        events.Start();
        events.Write("start"u8, new StartEvent(upstream.Id, upstream.Model.Name, upstream.Model.ContextWindow), ContractJson.Default.StartEvent);
        turn.Started();

        var firstWrittenAt = 0L;
        ChatProblem? error = null;
        try
        {
            while (await pump.NextAsync())
            {
                if (firstWrittenAt == 0 && chunks.FirstTokenAt != 0)
                    firstWrittenAt = pump.FlushedAt;
                if (!chunks.ReadAll(pump))
                    break;
            }

            chunks.Complete();
            error = chunks.Error;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or InvalidDataException)
        {
            error = ChatProblem.ModelError("The model's server sent something that is not part of a chat completion.");
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException)
        {
            // Cut by the server or the network, silent for too long, or told to stop: the state below says so.
        }

        if (chunks.FinishReason is not null and not "abort")
        {
            // The model had finished: what broke after that took nothing from the answer.
            error = null;
        }

        if (error is not null || chunks.State == TurnState.Truncated)
        {
            // The model must not go on while the reader takes the end.
            await body.DisposeAsync();
        }

        var timings = Time(upstream, chunks, firstWrittenAt);
        var state = turn.ReaderLeft ? "stopped" : error?.Code ?? Wire(chunks.State);
        telemetry.End(upstream.Span, upstream.Id, upstream.Model, state, failed: error is not null, Stopwatch.GetElapsedTime(upstream.ArrivedAt), chunks.Usage, timings, chunks.FinishReason);
        if (turn.ReaderLeft)
            return;
        if (turn.ReaderStalled)
        {
            http.Abort();
            return;
        }

        if (error is not null)
            events.Write("error"u8, error, ContractJson.Default.ChatProblem);
        else
            events.Write("end"u8, new EndEvent(chunks.State, chunks.Usage, timings), ContractJson.Default.EndEvent);
        try
        {
            await events.FlushAsync().AsTask().WaitAsync(options.Value.IdleTimeout, time, http.RequestAborted);
        }
        catch (TimeoutException)
        {
            // The reader doesn't take even the end.
            http.Abort();
        }
    }

    private static Timings Time(Upstream upstream, Chunks chunks, long firstWrittenAt)
    {
        double? firstToken = chunks.FirstTokenAt == 0 ? null : Round(Stopwatch.GetElapsedTime(upstream.ArrivedAt, chunks.FirstTokenAt).TotalMilliseconds);
        var generating = Stopwatch.GetElapsedTime(chunks.FirstTokenAt, chunks.LastTokenAt).TotalSeconds;
        double? rate = chunks.Usage is { CompletionTokens: > 1 } usage && generating > 0 ? Round((usage.CompletionTokens - 1) / generating) : null;
        var relay = Stopwatch.GetElapsedTime(upstream.ArrivedAt, upstream.SentAt);
        if (firstWrittenAt != 0)
            relay += Stopwatch.GetElapsedTime(chunks.FirstTokenAt, firstWrittenAt);
        return new Timings(firstToken, rate, Round(relay.TotalMilliseconds));
    }

    private static double Round(double value) => Math.Round(value, 3);

    private static string Wire(TurnState state) => state switch
    {
        TurnState.Done => "done",
        TurnState.Length => "length",
        TurnState.ThinkingLimit => "thinking-limit",
        _ => "truncated",
    };

    private static bool IsEventStream(PipelineResponse response) =>
        response.Headers.TryGetValue("Content-Type", out var type) && type is not null && type.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase);

    private static int? RetryAfter(PipelineResponse response) =>
        response.Headers.TryGetValue("Retry-After", out var value) && int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds : null;
}
