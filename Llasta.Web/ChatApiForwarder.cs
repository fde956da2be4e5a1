using Llasta.ChatApi;
using Llasta.ChatApi.Contract;
using Llasta.ServiceDefaults;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.ServiceDiscovery.Http;
using Yarp.ReverseProxy.Forwarder;

namespace Llasta.Web;

/// <summary>Forwards <c>/api</c> to the chat API, which service discovery finds by its name.</summary>
internal sealed class ChatApiForwarder(IHttpForwarder forwarder, IServiceDiscoveryHttpMessageHandlerFactory discovery, Drain drain, IOptions<ChatOptions> options) : IDisposable
{
    private const string Destination = "http://chatapi";

    private readonly HttpMessageInvoker _client = new(new ConnectAgain(discovery.CreateHandler(new SocketsHttpHandler
    {
        ConnectTimeout = options.Value.ConnectTimeout,
        // A pod that is to go leaves its Service 5 s before it is told to stop; only new connections notice.
        PooledConnectionLifetime = TimeSpan.FromSeconds(4),
        UseProxy = false,
        // What is left early was stopped: close at once, rather than read on for up to 2 s to use the connection again.
        MaxResponseDrainSize = 0,
        AllowAutoRedirect = false,
        UseCookies = false,
        // YARP's transforms decide about traceparent; without a listener there is none to send.
        ActivityHeadersPropagator = new ReverseProxyPropagator(System.Diagnostics.DistributedContextPropagator.Current),
    })));

    private readonly ForwarderRequestConfig _request = new()
    {
        Version = System.Net.HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        // The chat API ends an idle turn by itself, and says why; this is for a chat API that is stuck.
        ActivityTimeout = options.Value.IdleTimeout + options.Value.ConnectTimeout + TimeSpan.FromSeconds(30),
    };

    internal async Task HandleAsync(HttpContext http)
    {
        if (!drain.TryEnter())
        {
            http.Response.Headers.Connection = "close";
            await ChatProblem.Stopping().WriteAsync(http);
            return;
        }

        try
        {
            if (http.Request.ContentLength > options.Value.MaxBodyBytes)
            {
                await ChatProblem.TooLarge(options.Value.MaxBodyBytes).WriteAsync(http);
                return;
            }

            http.LimitBody(options.Value.MaxBodyBytes);
            var error = await forwarder.SendAsync(http, Destination, _client, _request, Transformer.Instance, drain.EndStreams);
            if (error != ForwarderError.None && !http.Response.HasStarted && !http.RequestAborted.IsCancellationRequested)
                await Explain(error, http).WriteAsync(http);
        }
        finally
        {
            drain.Leave();
        }
    }

    private ChatProblem Explain(ForwarderError error, HttpContext http) => error switch
    {
        ForwarderError.RequestBodyClient when http.Response.StatusCode == StatusCodes.Status413PayloadTooLarge => ChatProblem.TooLarge(options.Value.MaxBodyBytes),
        ForwarderError.RequestBodyClient => ChatProblem.InvalidRequest("The request's body could not be read."),
        ForwarderError.RequestTimedOut => ChatProblem.Unreachable("The chat API did not answer in time.", StatusCodes.Status504GatewayTimeout),
        ForwarderError.RequestCanceled => ChatProblem.Stopping(),
        _ => ChatProblem.Unreachable("The chat API can't be reached: it is starting, or not running."),
    };

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

    /// <summary>
    /// What says where a request comes from has been checked here; behind this, the request comes from the chatbot.
    /// </summary>
    private sealed class Transformer : HttpTransformer
    {
        internal static readonly Transformer Instance = new();

        public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            proxyRequest.Headers.Remove("Origin");
            proxyRequest.Headers.Remove("Sec-Fetch-Site");
            proxyRequest.Headers.Remove("Cookie");
            proxyRequest.Headers.Host = null;
        }
    }
}

internal static class ChatApiForwarderExtensions
{
    internal static void AddChatApiForwarder(this IServiceCollection services)
    {
        services.AddHttpForwarder();
        services.AddSingleton<ChatApiForwarder>();
    }

    internal static void MapChatApiForwarder(this IEndpointRouteBuilder endpoints) =>
        endpoints.Map("/api/{**path}", (RequestDelegate)endpoints.ServiceProvider.GetRequiredService<ChatApiForwarder>().HandleAsync);
}
