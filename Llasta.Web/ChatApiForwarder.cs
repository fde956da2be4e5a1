using System.Collections.Frozen;
using Llasta.ChatApi;
using Llasta.ChatApi.Contract;
using Llasta.ChatApi.Relay;
using Llasta.ChatApi.Streaming;
using Llasta.ServiceDefaults;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Microsoft.Extensions.ServiceDiscovery.Http;

namespace Llasta.Web;

/// <summary>
/// Forwards <c>/api</c> to the chat API, which service discovery finds by its name: the request whole, the response as it comes. What
/// says where a request comes from has been checked here; behind this, it comes from the chatbot.
/// </summary>
internal sealed class ChatApiForwarder(IServiceDiscoveryHttpMessageHandlerFactory discovery, TurnSweep sweep, Drain drain, TimeProvider time, IOptions<ChatOptions> options) : IDisposable
{
    /// <summary>What the chat API reads; the trace context only where this process adds none of its own.</summary>
    private static readonly string[] ForwardedHeaders = ["Content-Type", "traceparent", "tracestate", "baggage"];

    /// <summary>What is about the connection to the chat API; Kestrel writes its own for the one to the reader.</summary>
    private static readonly FrozenSet<string> ConnectionHeaders = FrozenSet.Create(StringComparer.OrdinalIgnoreCase, "Connection", "Date", "Keep-Alive", "Transfer-Encoding");

    private readonly HttpMessageInvoker _client = new(new ConnectAgain(discovery.CreateHandler(new StreamingHttpHandler(options.Value.ConnectTimeout, time))));

    internal async Task HandleAsync(HttpContext http)
    {
        if (!drain.TryEnter())
        {
            // The connection's other end may be a load balancer that would send the next request here, too.
            http.Response.Headers.Connection = "close";
            await ChatProblem.Stopping().WriteAsync(http);
            return;
        }

        try
        {
            await ForwardAsync(http);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The reader left. The connection to the chat API has been closed, which stops the turn.
        }
        finally
        {
            drain.Leave();
        }
    }

    private async Task ForwardAsync(HttpContext http)
    {
        // As in ChatRelay.RelayAsync: not kept while the answer streams.
        var (body, problem) = await RequestBody.ReadAsync(http, options.Value.MaxBodyBytes);
        if (problem is not null)
        {
            await problem.WriteAsync(http);
            return;
        }

        var events = new EventStream(http.Response);
        using var turn = new Turn(events, time, http.RequestAborted, drain.EndStreams);
        sweep.Add(turn);
        try
        {
            (var upstream, problem) = await OpenAsync(http, body, turn);
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

    /// <summary>Sends the request and waits for the response's head.</summary>
    /// <returns>The response's body, once its status and headers are the reader's; or the problem to answer with.</returns>
    private async Task<(Stream? Upstream, ChatProblem? Problem)> OpenAsync(HttpContext http, ReadOnlyMemory<byte> body, Turn turn)
    {
        using var message = new HttpRequestMessage(new HttpMethod(http.Request.Method), $"http://chatapi/api/{http.GetRouteValue("endpoint")}{http.Request.QueryString}");
        if (http.Request.ContentLength is not null || !body.IsEmpty)
            message.Content = new ReadOnlyMemoryContent(body);
        foreach (var name in ForwardedHeaders)
        {
            if (http.Request.Headers[name] is { Count: > 0 } values && !message.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                message.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }

        try
        {
            var response = await _client.SendAsync(message, turn.Stop);
            try
            {
                http.Response.StatusCode = (int)response.StatusCode;
                CopyHeaders(response.Headers, http.Response);
                CopyHeaders(response.Content.Headers, http.Response);
                return (await response.Content.ReadAsStreamAsync(turn.Stop), null);
            }
            catch
            {
                response.Dispose();
                throw;
            }
        }
        catch (OperationCanceledException e) when (turn.TimedOut || e.InnerException is TimeoutException)
        {
            return (null, ChatProblem.Unreachable("The chat API did not answer in time.", StatusCodes.Status504GatewayTimeout));
        }
        catch (OperationCanceledException)
        {
            return (null, ChatProblem.Stopping());
        }
        catch (HttpRequestException)
        {
            return (null, ChatProblem.Unreachable("The chat API can't be reached: it is starting, or not running."));
        }
    }

    private static void CopyHeaders(System.Net.Http.Headers.HttpHeaders from, HttpResponse to)
    {
        foreach (var (name, values) in from.NonValidated)
        {
            if (!ConnectionHeaders.Contains(name))
                to.Headers[name] = new StringValues([.. values]);
        }
    }

    private static async Task StreamAsync(HttpContext http, EventStream events, Turn turn, Stream upstream)
    {
        using (upstream)
        {
            var pump = new UpstreamPump(upstream, events, turn);
            try
            {
                while (await pump.NextAsync())
                {
                    events.Write(pump.Unread);
                    pump.Take(pump.Unread.Length);
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                // Cut, by the chat API or by this process. The reader must not take what it has for the whole.
                http.Abort();
            }
        }
    }

    public void Dispose() => _client.Dispose();

    /// <summary>
    /// An address may be that of a chat API that has just gone. Nothing has been sent to it, so the request is tried once more, which
    /// another may answer: the next address of several, or the next pod of a Service.
    /// </summary>
    private sealed class ConnectAgain(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            try
            {
                return await base.SendAsync(request, cancellationToken);
            }
            catch (Exception e) when (IsNoConnection(e) && !cancellationToken.IsCancellationRequested)
            {
                return await base.SendAsync(request, cancellationToken);
            }
        }

        private static bool IsNoConnection(Exception e) => e is
            HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } or
            // ConnectTimeout: the address of a pod that has gone may swallow what is sent to it.
            OperationCanceledException { InnerException: TimeoutException };
    }
}

internal static class ChatApiForwarderExtensions
{
    internal static void AddChatApiForwarder(this IServiceCollection services)
    {
        // The chat API ends an idle turn by itself, and says why; this is for a chat API that is stuck.
        services.AddTurnSweep(o => o.IdleTimeout + o.ConnectTimeout + TimeSpan.FromSeconds(30));
        services.AddSingleton<ChatApiForwarder>();
    }

    internal static void MapChatApiForwarder(this IEndpointRouteBuilder endpoints) =>
        // One word: nothing in a path that could mean another one behind.
        endpoints.Map("/api/{endpoint:alpha}", (RequestDelegate)endpoints.ServiceProvider.GetRequiredService<ChatApiForwarder>().HandleAsync);
}
