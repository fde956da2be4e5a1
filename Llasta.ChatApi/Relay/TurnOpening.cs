using System.ClientModel.Primitives;
using System.Globalization;
using System.Text.RegularExpressions;
using Llasta.ChatApi.Completions;
using Llasta.ChatApi.Contract;
using Llasta.ChatApi.Upstream;
using Llasta.Streaming;
using Microsoft.Extensions.Options;

namespace Llasta.ChatApi.Relay;

/// <summary>
/// Sends a turn to the model's server until it begins an answer: with the fields that this server takes, to the model that it serves, and as
/// a new answer if it does not continue one. A turn is sent again only after the server has refused it, or has begun something other than the
/// continuation that it was asked for.
/// </summary>
internal sealed partial class TurnOpening(ModelServer server, ModelDirectory directory, ServerDialect dialect, TimeProvider time, IOptions<ChatOptions> options)
{
    /// <summary>
    /// The most requests for one turn: a server may refuse each optional field in turn (<see cref="OptionalFields.None"/> stands for the request
    /// without them), and the continuation, and serve another model.
    /// </summary>
    private static readonly int MaxAttempts = Enum.GetValues<OptionalFields>().Length + 2;

    /// <summary>Holds one token's chunk, which has about 300 bytes.</summary>
    private const int ChunkBytes = 1 << 9;

    private readonly Func<CancellationToken, Task<bool>> _probe = server.AcceptsConnectionsAsync;

    /// <summary>Why an attempt brought no answer.</summary>
    /// <param name="Problem">What to answer, if nothing else can be tried.</param>
    /// <param name="Error">The server's error; null for a failed connection.</param>
    /// <param name="Status">The status of the response, or the one that its first event names; null if there is none.</param>
    private sealed record Refusal(ChatProblem Problem, ServerError? Error = null, int? Status = null);

    /// <summary>Sends the turn and reads up to the first token.</summary>
    /// <returns>The problem to answer with, or null: <see cref="UpstreamTurn.Stream"/> is the answer.</returns>
    public async Task<ChatProblem?> OpenAsync(UpstreamTurn turn, ChatRequest request, ResponseWriter response, StreamLease lease)
    {
        var mode = ModeOf(request);
        var without = OptionalFields.None;
        var cannotContinue = false;
        Start(turn, response);
        lease.AcceptHeartbeats();
        if (request.Continue && mode == TurnMode.Answer)
            Restart(response);

        for (var attempt = 1; ; attempt++)
        {
            using var body = UpstreamRequest.ForChat(request, mode, turn.Model, options.Value.Sampling, dialect.Fields & ~without);
            var startedOver = false;
            if (await SendAsync(turn, body, mode, request.Thinking, response, lease) is not { } refusal)
            {
                startedOver = turn.Stream!.Completion.StartedOver;
                if (!startedOver)
                {
                    // Only now is it certain that the refusal was not about this one request.
                    dialect.Accepted(body.Sent);
                    if (mode != TurnMode.Answer && !turn.Stream.Completion.IsUndecided)
                        dialect.HasContinued();
                    if (without != OptionalFields.None)
                        dialect.Refused(without);
                    if (cannotContinue)
                        dialect.CannotContinue();
                    return null;
                }

                await turn.Stream.DisposeAsync();
                turn.Stream = null;
                refusal = new Refusal(ChatProblem.ModelError("The model's server does not continue answers."));
            }

            if (lease.Cancellation.IsCancellationRequested || attempt == MaxAttempts)
                return refusal.Problem;
            if (refusal.Problem.Code == ProblemCodes.ModelNotFound && options.Value.Model.Length == 0 && request.Model is null && attempt == 1)
            {
                // The server may have been restarted with another model.
                if (await FindModelAsync(lease, directory.RediscoverAsync(lease.Cancellation)) is not ({ } found, _) || found.Name == turn.Model.Name)
                    return refusal.Problem;
                turn.Model = found;
                if (ModeOf(request) == TurnMode.Answer)
                    mode = TurnMode.Answer;
                Start(turn, response);
                if (request.Continue && mode == TurnMode.Answer)
                    Restart(response);
                continue;
            }

            var refused = refusal is { Status: 400 or 422, Error.IsContextOverflow: false };
            var namesField = refusal.Error is { IsContextOverflow: false } error && (refused || (refusal.Status is not (401 or 403 or 429 or 503) && ServerDialect.IsAboutAField(error.Beginning)));
            var suspects = namesField ? ServerDialect.Named(body.Sent, body.Chosen, refusal.Error!.Beginning) : OptionalFields.None;
            if (mode != TurnMode.Answer && (startedOver || suspects.HasFlag(OptionalFields.ContinueFinalMessage) || (refused && (suspects == OptionalFields.None || AboutLastMessage().IsMatch(refusal.Error!.Beginning)))))
            {
                if (request.Messages!.Count < 2)
                    return refusal.Problem;
                cannotContinue = true;
                mode = TurnMode.Answer;
                Restart(response);
            }
            else
            {
                if (refused && suspects == OptionalFields.None)
                    suspects = dialect.Untried(body.Sent);
                if (suspects == OptionalFields.None)
                    return refusal.Problem;
            }

            without |= suspects;
        }
    }

    /// <summary>Finds a model.</summary>
    /// <param name="lease">The turn's lease.</param>
    /// <param name="finding">Finds it, until the lease is cancelled.</param>
    public static async ValueTask<(ModelInfo?, ChatProblem?)> FindModelAsync(StreamLease lease, ValueTask<(ModelInfo?, ChatProblem?)> finding)
    {
        try
        {
            return await finding;
        }
        catch (OperationCanceledException)
        {
            return (null, Interrupted(lease));
        }
    }

    private TurnMode ModeOf(ChatRequest request)
    {
        if (!request.Continue || request.Messages!.Count < 2)
            return request.Continue ? TurnMode.ContinueAnswer : TurnMode.Answer;
        var last = request.Messages[^1];
        if (!last.Content!.IsEmpty)
            return dialect.Continues ? TurnMode.ContinueAnswer : TurnMode.Answer;
        // A template ends the thought at the tag that the model has written in it, and what follows would not be the end of the prompt.
        return dialect.ContinuesForCertain && !last.Reasoning!.HasThinkEnd ? TurnMode.ContinueThought : TurnMode.Answer;
    }

    private static void Start(UpstreamTurn turn, ResponseWriter response) =>
        response.BeginWith("start"u8, new StartEvent(turn.Id, turn.Model.Name, turn.Model.ContextWindow), ContractJson.Default.StartEvent, replace: true);

    /// <summary>Tells the page that a new answer takes the place of the partial one.</summary>
    private static void Restart(ResponseWriter response) => response.BeginWith("restart"u8, new RestartEvent(), ContractJson.Default.RestartEvent);

    private async Task<Refusal?> SendAsync(UpstreamTurn turn, UpstreamRequest body, TurnMode mode, bool thinking, ResponseWriter response, StreamLease lease)
    {
        lease.UpstreamTimeout = options.Value.FirstTokenTimeout;
        lease.ProbeUpstream = _probe;
        try
        {
            var (refused, upstream) = await ReadHeadAsync(turn, body, lease);
            if (refused is not null)
                return refused;

            var pump = new StreamPump(upstream!, response, lease, ChunkBytes);
            var completion = new CompletionReader(pump, response, new CompletionRequest(mode, thinking, turn.Id, turn.Model.ContextWindow, dialect, turn.Recorder));
            var stream = new TurnStream(upstream!, pump, completion, lease, body.SentAt, options.Value);
            await stream.ReadFirstAsync();
            if (Unusable(stream, lease) is { } refusal)
            {
                await stream.DisposeAsync();
                return refusal;
            }

            turn.Stream = stream;
            return null;
        }
        catch (OperationCanceledException) when (lease.Cancellation.IsCancellationRequested)
        {
            return new Refusal(Interrupted(lease));
        }
        catch (Exception e) when (UpstreamErrors.FromException(e) is { } problem)
        {
            return new Refusal(problem);
        }
    }

    /// <summary>Sends the turn and reads the head of the response.</summary>
    /// <returns>
    /// A refusal, or the body of the response; closing it closes the response. The response itself refers to the request, and neither is kept
    /// in memory while the model computes its first token.
    /// </returns>
    private async Task<(Refusal? Refused, Stream? Body)> ReadHeadAsync(UpstreamTurn turn, UpstreamRequest body, StreamLease lease)
    {
        var upstream = await lease.WaitAsync(server.CompleteAsync(body, turn.Id, lease.Cancellation));
        // A refused attempt is the server's time, not the relay's.
        if (turn.SentAt == 0)
            turn.SentAt = body.SentAt;
        if (upstream.Status == StatusCodes.Status200OK)
            return (null, upstream.ContentStream);
        using (upstream)
        {
            var error = await UpstreamErrors.ReadErrorAsync(upstream.ContentStream, lease.Cancellation);
            return (new Refusal(server.Errors.FromResponse(upstream.Status, error, RetryAfter(upstream)) with { ServerStatus = upstream.Status }, error, upstream.Status), null);
        }
    }

    /// <summary>Tells what is wrong with a response of status 200 that has ended before the first token.</summary>
    /// <returns>Null if the response can be relayed: an answer, also an empty or a cut one.</returns>
    private Refusal? Unusable(TurnStream stream, StreamLease lease)
    {
        var completion = stream.Completion;
        if (completion.FirstTokenAt != 0 || completion.StartedOver)
            return null;
        if (lease.UpstreamGone || lease.TimedOut)
            return new Refusal(Interrupted(lease));
        if (completion.Error is { } error && !completion.IsFinished)
            return new Refusal(server.Errors.FromFirstEvent(error), error, error.Status);

        if (completion.HasBegun)
            return null;
        // A stream that is whole, and has no part of an answer, would be the same again.
        var other = completion.Stray ?? (completion.HasOther && (stream.IsWhole || completion.HasDoneMarker) ? new ServerError(Message: null, Status: null) : null);
        return other is null ? null : new Refusal(server.Errors.NoAnswer(other));
    }

    private static ChatProblem Interrupted(StreamLease lease) =>
        lease.UpstreamGone ? UpstreamErrors.RefusesConnections
        : lease.TimedOut ? UpstreamErrors.NotInTime
        : ChatProblem.ShuttingDown();

    /// <summary>Reads a number of seconds, also one with a fraction, or a date.</summary>
    private int? RetryAfter(PipelineResponse response)
    {
        if (!response.Headers.TryGetValue("Retry-After", out var value))
            return null;
        var seconds = double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? number
            : DateTimeOffset.TryParseExact(value, "r", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) ? (date - time.GetUtcNow()).TotalSeconds
            : -1;
        return seconds < 0 ? null : (int)Math.Ceiling(Math.Min(seconds, int.MaxValue));
    }

    /// <summary>Matches the errors of servers that require the user's message to be the last one.</summary>
    [GeneratedRegex(@"\b(?:last|final|previous)\b.{0,60}\b(?:message|role|turn)\b|\bprefill|\bassistant\b.{0,60}\b(?:last|end|final)\b|must (?:end|alternate)|continue_final_message|add_generation_prompt", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex AboutLastMessage();
}
