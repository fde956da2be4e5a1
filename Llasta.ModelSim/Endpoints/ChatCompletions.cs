using Llasta.ModelSim.Generation;
using Llasta.ModelSim.Protocol;
using Llasta.ModelSim.Requests;

namespace Llasta.ModelSim.Endpoints;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal static class ChatCompletions
{
    public static async Task HandleAsync(HttpContext context, Engine engine)
    {
        var headers = context.Request.Headers;
        var given = headers["X-Request-Id"].ToString();
        var record = new RequestRecord($"chatcmpl-{(given.Length > 0 ? given : Guid.NewGuid().ToString("N"))}", engine.Time)
        {
            Traceparent = headers.TraceParent.ToString() is { Length: > 0 } traceparent ? traceparent : null,
        };
        engine.Requests.Add(record);
        await using var whenAborted = context.RequestAborted.UnsafeRegister(static record => ((RequestRecord)record!).Abort(), record);
        try
        {
            if (engine.Settings.ForRequest(headers, out var options) is { } complaint)
                throw new RequestRejectedException(VllmError.Invalid(complaint));
            var body = await RequestBody.ReadAsync(context.Request);
            record.Keep(body);
            if (await RefusedAsync(context, record, options))
                return;
            var request = ChatRequest.Read(body, options);
            using var sequence = new Sequence(context, request, options, record, engine);
            if (options is { Fault: Fault.Stall, FaultPhase: FaultPhase.BeforeHeaders })
            {
                record.Fail();
                await sequence.SilenceAsync();
            }
            else
                await new Generator(sequence, CreateWriter(context.Response, sequence)).RunAsync();
        }
        catch (RequestRejectedException e)
        {
            record.Fail();
            record.Finish();
            await e.Error.WriteAsync(context.Response);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or BadHttpRequestException && context.RequestAborted.IsCancellationRequested)
        {
            // The client left while its request was read; the record says so.
        }
    }

    private static CompletionWriter CreateWriter(HttpResponse response, Sequence sequence)
    {
        var request = sequence.Request;
        return request.Stream
            ? new StreamedCompletion(response, sequence.Head, request.IncludeUsage, request.ContinuousUsage)
            : new WholeCompletion(response, sequence.Head);
    }

    /// <summary>The faults that answer in place of the engine.</summary>
    private static async Task<bool> RefusedAsync(HttpContext context, RequestRecord record, ModelSimOptions options)
    {
        if (options.Fault == Fault.Refuse || options is { Fault: Fault.Cut, FaultPhase: FaultPhase.BeforeHeaders })
        {
            record.Fail();
            record.Finish();
            context.Abort();
            return true;
        }
        if (options.Fault == Fault.Html)
        {
            record.Fail();
            record.Finish();
            context.Response.ContentType = "text/html; charset=utf-8";
            await context.Response.BodyWriter.WriteAsync("<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Sign in to the network</h1></body></html>\n"u8.ToArray());
            return true;
        }
        if (options.Fault == Fault.Unauthorized)
        {
            record.Fail();
            record.Finish();
            await ApiKey.RefuseAsync(context.Response);
            return true;
        }
        return options.Fault switch
        {
            Fault.NotFound => throw new RequestRejectedException(VllmError.UnknownModel(options.Model)),
            Fault.Error => throw new RequestRejectedException(VllmError.EngineDead),
            Fault.Overflow => throw new RequestRejectedException(VllmError.Overflow(options.ContextWindow, 0)),
            _ => false,
        };
    }
}
