using Llasta.ChatApi.Completions;
using Llasta.ChatApi.Contract;
using Llasta.ChatApi.Upstream;
using Llasta.Streaming;
using Microsoft.Extensions.Options;

namespace Llasta.ChatApi.Relay;

/// <summary>
/// <c>POST /api/chat</c>: one turn from the page to the model and back. Until the first token, or the first heartbeat, a failure is a problem
/// document with its status. After <c>start</c> exactly one terminal event follows, unless the reader left.
/// </summary>
internal sealed class ChatRelay(
    TurnOpening opening,
    ModelServer server,
    ModelDirectory directory,
    TurnLimit limit,
    ClientLimit clients,
    TurnTelemetry telemetry,
    RequestBodies bodies,
    StreamSweep sweep,
    Drain drain,
    TimeProvider time,
    IOptions<ChatOptions> options) : StreamEndpoint<ChatRequest, UpstreamTurn>(bodies, drain, sweep, time)
{
    protected override StreamRefusal? Admit(HttpContext http)
    {
        if (!clients.TryEnter(http))
            return StreamRefusal.ClientFull;
        if (limit.TryEnter())
            return null;
        clients.Leave(http);
        return StreamRefusal.Full;
    }

    protected override void Release(HttpContext http)
    {
        limit.Leave();
        clients.Leave(http);
    }

    protected override Task RefuseAsync(HttpContext http, StreamRefusal refusal) => RefuseAsync(http, ChatProblem.Of(refusal));

    private Task RefuseAsync(HttpContext http, ChatProblem problem)
    {
        telemetry.Refused(problem);
        return WaitForReaderAsync(http, problem.WriteAsync(http));
    }

    protected override async ValueTask<ChatRequest?> ReadAsync(HttpContext http, RequestBody body)
    {
        var (request, problem) = await JsonBody.ReadAsync(http, body, ContractJson.Default.ChatRequest, options.Value.MaxBodyBytes, options.Value.MaxMessages);
        if ((problem ?? request!.Check(options.Value.MaxMessages)) is not { } wrong)
            return request;
        await RefuseAsync(http, wrong);
        return null;
    }

    protected override async Task<UpstreamTurn?> OpenAsync(HttpContext http, ChatRequest request, ResponseWriter response, StreamLease lease)
    {
        var (model, problem) = await TurnOpening.FindModelAsync(lease, directory.GetAsync(request.Model, lease.Cancellation));
        if (model is null)
        {
            if (!lease.ReaderLeft)
                await RefuseAsync(http, problem!);
            return null;
        }

        var turn = telemetry.Begin(model, request, lease.ArrivedAt);
        try
        {
            problem = await opening.OpenAsync(turn, request, response, lease);
            if (problem is null)
                return turn;
        }
        catch
        {
            telemetry.End(turn, TurnEnd.Broken);
            throw;
        }

        telemetry.End(turn, new TurnEnd(lease.ReaderLeft ? TurnEnd.Stopped : problem.Code, lease.ReaderLeft ? null : problem));
        if (lease.ReaderLeft)
            return null;
        if (response.HasBegun)
        {
            response.WriteEvent("error"u8, problem, ContractJson.Default.ChatProblem);
            await EndAsync(http);
        }
        else
        {
            await WaitForReaderAsync(http, problem.WriteAsync(http));
        }

        return null;
    }

    protected override async Task StreamAsync(HttpContext http, ResponseWriter response, StreamLease lease, UpstreamTurn turn)
    {
        var stream = turn.Stream!;
        var completion = stream.Completion;
        TurnEnd? end = null;
        try
        {
            await using (stream)
            {
                await stream.ReadRestAsync();
                completion.Complete();
            }

            // A fault after the model had finished took nothing from the answer.
            var error = completion.IsFinished ? null
                : stream.IsMalformed ? ChatProblem.ModelError("The model's server sent something that is not part of a chat completion.")
                : completion.Error is { IsServerTrouble: false } failed ? server.Errors.FromEvent(failed)
                : null;
            var state = completion.State;
            var timings = turn.Timings(stream);
            end = new TurnEnd(lease.ReaderLeft ? TurnEnd.Stopped : error?.Code ?? TurnEnd.NameOf(state), lease.ReaderLeft ? null : error, completion.Usage, timings, completion.FinishReason);
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
                response.WriteEvent("end"u8, new EndEvent(state, completion.Usage, timings, Detail(completion)), ContractJson.Default.EndEvent);
        }
        finally
        {
            // Before the flush, so that a slow reader does not keep the turn among the active ones.
            telemetry.End(turn, end ?? TurnEnd.Broken);
        }

        await EndAsync(http);
    }

    /// <summary>The server's explanation of an unusual end.</summary>
    private string? Detail(CompletionReader completion) =>
        !completion.IsFinished && (completion.Error ?? completion.Stray) is { } error ? server.Errors.Words(error)
        : FinishReasons.IsUsual(completion.FinishReason) ? null
        : $"The model's server ended the answer with the reason \"{server.Errors.Clean(completion.FinishReason!)}\".";
}
