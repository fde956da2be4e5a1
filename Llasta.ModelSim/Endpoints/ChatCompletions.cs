using Llasta.ModelSim.Generation;
using Llasta.ModelSim.Protocol;
using Llasta.ModelSim.Requests;

namespace Llasta.ModelSim.Endpoints;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal static class ChatCompletions
{
    private const string CaptivePortal = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Sign in to the network</h1></body></html>\n";

    private const string RouterError = "Request failed: error sending request for url (http://worker:8000/v1/chat/completions)";

    public static async Task HandleAsync(HttpContext context, Engine engine)
    {
        var headers = context.Request.Headers;
        var given = headers["X-Request-Id"].ToString();
        var record = new RequestRecord($"chatcmpl-{(given.Length > 0 ? given : Guid.NewGuid().ToString("N")[..16])}", engine.Time)
        {
            Traceparent = headers.TraceParent.ToString() is { Length: > 0 } traceparent ? traceparent : null,
        };
        engine.Requests.Add(record);
        await using var whenAborted = context.RequestAborted.UnsafeRegister(static record => ((RequestRecord)record!).Abort(), record);
        var options = engine.Settings.Current;
        try
        {
            if (engine.Settings.ForRequest(headers, out options) is { } complaint)
                throw new RequestRejectedException(VllmError.Invalid(complaint));
            var body = await RequestFields.ReadAsync(context.Request);
            record.Keep(body.Body);
            if (InPlaceOfEngine(context, options) is not { } fault)
            {
                await AnswerAsync(context, ChatRequest.Read(body, options), options, record, engine);
                return;
            }
            record.Fail();
            record.Finish();
            await fault();
        }
        catch (RequestRejectedException e)
        {
            record.Fail();
            record.Finish();
            await e.Error.WriteAsync(context.Response, options.FrontEnd);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or BadHttpRequestException && context.RequestAborted.IsCancellationRequested)
        {
            // The client left while its request was read; the record says so.
        }
    }

    private static async Task AnswerAsync(HttpContext context, ChatRequest request, ModelSimOptions options, RequestRecord record, Engine engine)
    {
        if (engine.State != EngineState.Running)
        {
            await RefuseWhileEndingAsync(context, options, engine);
            return;
        }
        if (!engine.TryEnter())
            throw new RequestRejectedException(VllmError.Busy);
        try
        {
            using var sequence = new Sequence(context, request, options, record, engine);
            if (options is { Fault: Fault.Stall, FaultPhase: FaultPhase.BeforeHeaders })
            {
                record.Fail();
                await sequence.StallAsync();
                if (sequence is { Interrupted: true, Gone: false })
                    throw new RequestRejectedException(VllmError.EngineDead);
            }
            else
                await new Generator(sequence).RunAsync();
        }
        finally
        {
            engine.Leave();
        }
    }

    /// <summary>What a new request sees while the engine ends: the Rust front end takes it and never answers.</summary>
    private static async Task RefuseWhileEndingAsync(HttpContext context, ModelSimOptions options, Engine engine)
    {
        if (options.FrontEnd == FrontEnd.Python)
            throw new RequestRejectedException(engine.State == EngineState.Dead ? VllmError.EngineDead : VllmError.ShuttingDown);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, engine.Ended);
        await Task.Delay(Timeout.InfiniteTimeSpan, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        context.Abort();
    }

    /// <summary>What the faults do that answer in place of the engine; null for the others.</summary>
    /// <exception cref="RequestRejectedException">The fault is an error of vLLM's.</exception>
    private static Func<Task>? InPlaceOfEngine(HttpContext context, ModelSimOptions options)
    {
        var beforeHeaders = options.FaultPhase == FaultPhase.BeforeHeaders;
        return options.Fault switch
        {
            Fault.Refuse => ResetAsync,
            Fault.Cut when beforeHeaders => ResetAsync,
            Fault.RouterError => () => WriteAsync(500, "text/plain; charset=utf-8", RouterError),
            Fault.Html => () => WriteAsync(200, "text/html; charset=utf-8", CaptivePortal),
            Fault.Unauthorized => () => ApiKey.RefuseAsync(context.Response),
            Fault.NotFound => throw new RequestRejectedException(VllmError.UnknownModel(options.Model, options.Model)),
            Fault.Busy => throw new RequestRejectedException(VllmError.Busy),
            Fault.Stopping => throw new RequestRejectedException(VllmError.ShuttingDown),
            Fault.EngineDeath when beforeHeaders => throw new RequestRejectedException(VllmError.EngineDead),
            Fault.Error => throw new RequestRejectedException(VllmError.EngineDead),
            Fault.Overflow => throw new RequestRejectedException(VllmError.Overflow(options.ContextWindow, options.ContextWindow + 1)),
            _ => null,
        };

        Task ResetAsync()
        {
            context.Abort();
            return Task.CompletedTask;
        }

        Task WriteAsync(int status, string contentType, string body)
        {
            (context.Response.StatusCode, context.Response.ContentType) = (status, contentType);
            return context.Response.WriteAsync(body);
        }
    }
}
