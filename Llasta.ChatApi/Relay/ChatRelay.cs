using System.ClientModel.Primitives;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Llasta.ChatApi.Completions;
using Llasta.ChatApi.Contract;
using Llasta.ChatApi.Upstream;
using Llasta.Streaming;
using Microsoft.Extensions.Options;

namespace Llasta.ChatApi.Relay;

/// <summary>
/// <c>POST /api/chat</c>: one turn from the page to the model and back. The response's status is 200 only after the model's server has
/// answered 200. After <c>start</c> exactly one terminal event follows, unless the reader left.
/// </summary>
internal sealed class ChatRelay(
    ModelServer server,
    ModelDirectory directory,
    TurnLimit limit,
    TurnTelemetry telemetry,
    RequestBodies bodies,
    StreamSweep sweep,
    Drain drain,
    TimeProvider time,
    IOptions<ChatOptions> options) : StreamEndpoint<ChatRequest, UpstreamTurn>(bodies, drain, sweep, time)
{
    private readonly TimeProvider _time = time;

    protected override bool TryAdmit() => limit.TryEnter();

    protected override void Release() => limit.Leave();

    protected override Task RefuseAsync(HttpContext http, StreamRefusal refusal) => RefuseAsync(http, refusal switch
    {
        StreamRefusal.Draining => ChatProblem.Stopping(),
        _ => ChatProblem.Busy("As many answers are running as this server allows. The message is sent again automatically in a moment."),
    });

    private Task RefuseAsync(HttpContext http, ChatProblem problem)
    {
        telemetry.Refused(problem);
        return problem.WriteAsync(http);
    }

    protected override async ValueTask<ChatRequest?> ReadAsync(HttpContext http, RequestBody body)
    {
        var (request, problem) = await JsonBody.ReadAsync(http, body, ContractJson.Default.ChatRequest, options.Value.MaxBodyBytes);
        if ((problem ?? request!.Check(options.Value.MaxMessages)) is not { } wrong)
            return request;
        await RefuseAsync(http, wrong);
        return null;
    }

    protected override async Task<UpstreamTurn?> OpenAsync(HttpContext http, ChatRequest request, StreamLease lease)
    {
        var (turn, problem) = await OpenAsync(request, lease);
        if (turn is null && !lease.ReaderLeft)
            await problem!.WriteAsync(http);
        return turn;
    }

    /// <summary>Sends the turn and waits for the status of the answer.</summary>
    private async Task<(UpstreamTurn? Turn, ChatProblem? Problem)> OpenAsync(ChatRequest request, StreamLease lease)
    {
        var id = Guid.CreateVersion7().ToString("N");
        var (model, problem) = await FindModelAsync(lease, directory.GetAsync);
        if (model is null)
        {
            if (!lease.ReaderLeft)
                telemetry.Refused(problem!);
            return (null, problem);
        }

        var span = telemetry.Begin(id, model, request);
        (Stream? body, problem, var sentAt) = await SendAsync(request, model, id, lease);
        if (problem?.Code == ProblemCodes.ModelNotFound && options.Value.Model.Length == 0
            && await FindModelAsync(lease, directory.RediscoverAsync) is ({ } found, _) && found.Name != model.Name)
        {
            // The server was restarted with another model. It has refused the turn, so sending it again is safe.
            model = found;
            (body, problem, sentAt) = await SendAsync(request, model, id, lease);
        }

        var turn = new UpstreamTurn(body ?? Stream.Null, span, id, model, request.Continue, lease.ArrivedAt, sentAt);
        if (body is not null)
            return (turn, null);
        telemetry.End(turn, new TurnEnd(lease.ReaderLeft ? TurnEnd.Stopped : problem!.Code, Failed: !lease.ReaderLeft));
        return (null, problem);
    }

    private static async Task<(ModelInfo?, ChatProblem?)> FindModelAsync(StreamLease lease, Func<CancellationToken, ValueTask<(ModelInfo?, ChatProblem?)>> ask)
    {
        try
        {
            return await ask(lease.Stop);
        }
        catch (OperationCanceledException)
        {
            return (null, lease.TimedOut ? UpstreamErrors.FromException(new TimeoutException()) : ChatProblem.Stopping());
        }
    }

    private async Task<(Stream?, ChatProblem?, long SentAt)> SendAsync(ChatRequest request, ModelInfo model, string id, StreamLease lease)
    {
        try
        {
            using var body = UpstreamRequest.ForChat(request, model.Name);
            var response = await server.CompleteAsync(body, id, lease.Stop);
            // Only the stream is kept while the answer runs; closing it closes the response.
            if (response.Status == StatusCodes.Status200OK && IsEventStream(response))
                return (response.ContentStream, null, body.SentAt);

            using (response)
            {
                if (response.Status == StatusCodes.Status200OK)
                    return (null, ChatProblem.ModelError("The model's server answered with something other than an event stream. The operator has to check that OPENAI_API_BASE_URL points at an OpenAI-compatible server and ends in /v1."), 0);
                return (null, UpstreamErrors.FromResponse(response.Status, await UpstreamErrors.ReadBodyAsync(response.ContentStream, lease.Stop), RetryAfter(response)), 0);
            }
        }
        catch (OperationCanceledException) when (lease.Stop.IsCancellationRequested && !lease.TimedOut)
        {
            return (null, ChatProblem.Stopping(), 0);
        }
        catch (Exception e) when (UpstreamErrors.FromException(e) is { } problem)
        {
            return (null, problem, 0);
        }
    }

    protected override async Task StreamAsync(HttpContext http, ResponseWriter response, StreamLease lease, UpstreamTurn turn)
    {
        await using var body = turn.Body;
        var pump = new StreamPump(body, response, lease);
        var completion = new CompletionReader(response, turn.Continues);

        response.BeginEvents();
        response.WriteEvent("start"u8, new StartEvent(turn.Id, turn.Model.Name, turn.Model.ContextWindow), ContractJson.Default.StartEvent);
        lease.AcceptHeartbeats();

        var firstWrittenAt = 0L;
        ChatProblem? error = null;
        try
        {
            while (await pump.FlushAndReadAsync())
            {
                if (firstWrittenAt == 0 && completion.FirstTokenAt != 0)
                    firstWrittenAt = pump.FlushedAt;
                if (!completion.ReadAll(pump))
                    break;
            }

            completion.Complete();
            error = completion.Error;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or InvalidDataException)
        {
            error = ChatProblem.ModelError("The model's server sent something that is not part of a chat completion.");
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException)
        {
            // The server or the network cut the stream, one side was silent for too long, or the process is stopping: see the state below.
        }

        if (completion.FinishReason is not null and not "abort")
        {
            // The model had finished, so a fault after that took nothing from the answer.
            error = null;
        }

        if (error is not null || completion.State == TurnState.Truncated)
        {
            // The model must stop even if the reader takes the terminal event late.
            await body.DisposeAsync();
        }

        var timings = turn.Timings(completion, firstWrittenAt);
        var state = lease.ReaderLeft ? TurnEnd.Stopped : error?.Code ?? TurnEnd.NameOf(completion.State);
        telemetry.End(turn, new TurnEnd(state, Failed: error is not null, completion.Usage, timings, completion.FinishReason));
        if (lease.ReaderLeft)
            return;
        if (lease.ReaderStalled)
        {
            http.Abort();
            return;
        }

        if (error is not null)
            response.WriteEvent("error"u8, error, ContractJson.Default.ChatProblem);
        else
            response.WriteEvent("end"u8, new EndEvent(completion.State, completion.Usage, timings), ContractJson.Default.EndEvent);
        try
        {
            await response.FlushAsync().AsTask().WaitAsync(options.Value.IdleTimeout, _time, http.RequestAborted);
        }
        catch (TimeoutException)
        {
            // The reader does not even take the terminal event.
            http.Abort();
        }
    }

    private static bool IsEventStream(PipelineResponse response) =>
        response.Headers.TryGetValue("Content-Type", out var type) && type is not null && type.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase);

    private static int? RetryAfter(PipelineResponse response) =>
        response.Headers.TryGetValue("Retry-After", out var value) && int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds : null;
}
