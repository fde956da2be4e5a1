using System.Collections.Frozen;
using System.Net;
using System.Net.Sockets;
using Llasta.ChatApi;
using Llasta.ChatApi.Contract;
using Llasta.ServiceDefaults;
using Llasta.Streaming;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Microsoft.Extensions.ServiceDiscovery.Http;

namespace Llasta.Web;

/// <summary>
/// Forwards <c>/api</c> to the chat API, which service discovery finds by its name: the whole request, and the response as it arrives. The
/// request's origin has been checked here; to the chat API it comes from the chatbot.
/// </summary>
internal sealed class ChatApiForwarder : StreamEndpoint<HttpRequestMessage, Stream>, IDisposable
{
    /// <summary>The request headers that the chat API reads; the trace context is replaced if this process has one of its own.</summary>
    private static readonly string[] ForwardedHeaders = ["Content-Type", "traceparent", "tracestate"];

    /// <summary>Response headers about the connection to the chat API. Kestrel writes its own for the connection to the reader.</summary>
    private static readonly FrozenSet<string> ConnectionHeaders = FrozenSet.Create(StringComparer.OrdinalIgnoreCase, "Connection", "Date", "Keep-Alive", "Transfer-Encoding");

    /// <summary>Names and values of headers that the chat API sends with each answer. A response keeps them while it streams: thousands share these.</summary>
    private static readonly FrozenSet<string> UsualHeaders = FrozenSet.Create(StringComparer.Ordinal, "text/event-stream", "no-store, no-transform", "X-Accel-Buffering", "no");

    /// <summary>Holds the events that begin an answer, which have about 200 bytes; a token's event has 50.</summary>
    private const int EventBytes = 1 << 8;

    private readonly HttpMessageInvoker _client;
    private readonly ClientLimit _clients;
    private readonly FailureLog _failures;
    private readonly TimeSpan _headTimeout;
    private readonly int _maxBodyBytes;

    public ChatApiForwarder(IServiceProvider services, IServiceDiscoveryHttpMessageHandlerFactory discovery, RequestBodies bodies, ClientLimit clients, FailureLog failures, StreamSweep sweep, Drain drain, TimeProvider time, IOptions<ChatOptions> options)
        : base(bodies, drain, sweep, time)
    {
        _client = new(discovery.CreateHandler(services.CreateUpstreamHandler(Uri.UriSchemeHttp, options.Value.ConnectTimeout)));
        _clients = clients;
        _failures = failures;
        _maxBodyBytes = options.Value.MaxBodyBytes;
        // Within its heartbeat interval the chat API answers or begins a stream; a process in between may accept connections and be silent.
        _headTimeout = options.Value.HeartbeatInterval + options.Value.ConnectTimeout + TimeSpan.FromSeconds(5);
    }

    /// <summary>A draining chatbot still tells the model's state to the readers whose answers it finishes.</summary>
    protected override bool AnswersWhileDraining(HttpContext http) => Is(http, ApiPaths.Model);

    /// <summary>The chat API, which counts all turns, sees all of them come from here.</summary>
    protected override StreamRefusal? Admit(HttpContext http) => Is(http, ApiPaths.Chat) && !_clients.TryEnter(http) ? StreamRefusal.ClientFull : null;

    protected override void Release(HttpContext http)
    {
        if (Is(http, ApiPaths.Chat))
            _clients.Leave(http);
    }

    /// <summary>Routing takes a path with a slash at its end for the same one.</summary>
    private static bool Is(HttpContext http, string path) => http.Request.Path.StartsWithSegments(path);

    protected override Task RefuseAsync(HttpContext http, StreamRefusal refusal) => RefuseAsync(http, ChatProblem.Of(refusal));

    private Task RefuseAsync(HttpContext http, ChatProblem problem)
    {
        _failures.Add(problem.Code, problem.Detail);
        return WaitForReaderAsync(http, problem.WriteAsync(http));
    }

    protected override async ValueTask<HttpRequestMessage?> ReadAsync(HttpContext http, RequestBody body)
    {
        if (await JsonBody.ReadAsync(body, _maxBodyBytes) is { } problem)
        {
            await RefuseAsync(http, problem);
            return null;
        }

        var message = new HttpRequestMessage(HttpMethod.Parse(http.Request.Method), $"http://chatapi{http.Request.Path}{http.Request.QueryString}");
        if (http.Request.ContentLength is not null || !body.Bytes.IsEmpty)
            message.Content = new ByteSequenceContent(body.Bytes);
        foreach (var name in ForwardedHeaders)
        {
            if (http.Request.Headers[name] is { Count: > 0 } values && !message.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                message.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }

        return message;
    }

    /// <summary>Sends the request and waits for the head of the response, whose status and headers are copied.</summary>
    protected override async Task<Stream?> OpenAsync(HttpContext http, HttpRequestMessage request, ResponseWriter response, StreamLease lease)
    {
        using var message = request;
        lease.UpstreamTimeout = _headTimeout;
        ChatProblem problem;
        try
        {
            HttpResponseMessage upstream;
            try
            {
                upstream = await lease.WaitAsync(_client.SendAsync(message, lease.Cancellation));
            }
            catch (Exception e) when (IsNoConnection(e) && !lease.Cancellation.IsCancellationRequested)
            {
                // The address of a chat API may be that of one that has just stopped. Nothing was sent, so the request is tried a second time,
                // which may reach another chat API: the next address of several, or the next pod of a Service. It has the time limit anew.
                upstream = await lease.WaitAsync(_client.SendAsync(message, lease.Cancellation));
            }

            lease.UpstreamTimeout = null;
            try
            {
                if (upstream.StatusCode is HttpStatusCode.OK or >= HttpStatusCode.BadRequest)
                {
                    http.Response.StatusCode = (int)upstream.StatusCode;
                    CopyHeaders(upstream.Headers, http.Response);
                    CopyHeaders(upstream.Content.Headers, http.Response);
                    return await upstream.Content.ReadAsStreamAsync(lease.Cancellation);
                }

                upstream.Dispose();
                problem = ChatProblem.Unreachable("The chat API can't be reached: something else answers under its address. The operator has to check it.");
            }
            catch
            {
                upstream.Dispose();
                throw;
            }
        }
        catch (OperationCanceledException e) when (lease.TimedOut || e.InnerException is TimeoutException)
        {
            problem = ChatProblem.Unreachable("The chat API did not answer in time.", StatusCodes.Status504GatewayTimeout);
        }
        catch (OperationCanceledException)
        {
            problem = ChatProblem.ShuttingDown();
        }
        catch (HttpRequestException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.TooManyOpenSockets })
        {
            problem = ChatProblem.OutOfDescriptors();
        }
        catch (HttpRequestException)
        {
            problem = ChatProblem.Unreachable("The chat API can't be reached: it is starting, or not running.");
        }

        if (!lease.ReaderLeft)
            await RefuseAsync(http, problem);
        return null;
    }

    private static bool IsNoConnection(Exception e) => e is
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } or
        // The connect timeout: the address of a pod that has gone may swallow what is sent to it.
        OperationCanceledException { InnerException: TimeoutException };

    private static void CopyHeaders(System.Net.Http.Headers.HttpHeaders from, HttpResponse to)
    {
        foreach (var (name, values) in from.NonValidated)
        {
            // A proxy between may send what Kestrel refuses.
            if (!ConnectionHeaders.Contains(name) && values.All(value => !value.AsSpan().ContainsAnyExceptInRange(' ', '~')))
                to.Headers[Shared(name)] = values.Count == 1 ? Shared(values.ToString()) : new StringValues([.. values]);
        }

        static string Shared(string text) => UsualHeaders.TryGetValue(text, out var shared) ? shared : text;
    }

    protected override async Task StreamAsync(HttpContext http, ResponseWriter response, StreamLease lease, Stream upstream)
    {
        using (upstream)
        {
            var pump = new StreamPump(upstream, response, lease, EventBytes);
            try
            {
                await pump.RunAsync(() =>
                {
                    response.Write(pump.Unread);
                    pump.Take(pump.Unread.Length);
                    return true;
                });
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                // The chat API or this process cut the stream. The reader must not take it for complete.
                if (!lease.ReaderLeft)
                    _failures.Add("truncated", "The chat API's answer was cut, or this process is stopping.");
                http.Abort();
                return;
            }
        }

        await EndAsync(http);
    }

    public void Dispose() => _client.Dispose();
}

internal static class ChatApiForwarderExtensions
{
    /// <summary>Where service discovery looks for the chat API's addresses.</summary>
    private const string AddressSetting = "services:chatapi:http";

    /// <exception cref="OptionsValidationException">An address is wrong: service discovery would fail at each request.</exception>
    internal static void AddChatApiForwarder(this IHostApplicationBuilder builder)
    {
        // One address may be set without an index.
        var setting = builder.Configuration.GetSection(AddressSetting);
        var addresses = setting.Value is null ? setting.GetChildren().ToList() : [setting];
        if (addresses.Count == 0)
            throw new OptionsValidationException(AddressSetting, typeof(Uri), [$"{AddressSetting}:0 is not set; set it to the chat API's address, like http://chatapi:8080."]);
        if (addresses.Find(address => !IsAddress(address.Value)) is { } wrong)
            throw new OptionsValidationException(AddressSetting, typeof(Uri), [$"{wrong.Path} is '{StartUp.WithoutCredentials(wrong.Value ?? "")}'; it must be an http address, like http://chatapi:8080."]);
        builder.AddChatStreaming();
        // The chat API ends idle turns, and says why. This limit is for a chat API that is stuck.
        builder.Services.AddOptions<StreamingOptions>().Configure<IOptions<ChatOptions>>((streaming, chat) =>
            streaming.IdleTimeout = chat.Value.IdleTimeout + chat.Value.ConnectTimeout + TimeSpan.FromSeconds(30));
        builder.Services.AddSingleton<ChatApiForwarder>();
    }

    /// <summary>Service discovery also takes a name without a scheme.</summary>
    private static bool IsAddress(string? value) =>
        Uri.TryCreate(value?.Contains("://", StringComparison.Ordinal) == true ? value : $"http://{value}", UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttp;

    internal static void MapChatApiForwarder(this IEndpointRouteBuilder endpoints)
    {
        // One route for each endpoint: traces are named by it, and no path reaches the chat API that it could read as another one.
        var forwarder = endpoints.ServiceProvider.GetRequiredService<ChatApiForwarder>();
        endpoints.MapPost(ApiPaths.Chat, (RequestDelegate)forwarder.HandleAsync);
        endpoints.MapGet(ApiPaths.Model, (RequestDelegate)forwarder.HandleAsync);
        endpoints.MapPost(ApiPaths.Tokens, (RequestDelegate)forwarder.HandleAsync);
    }
}
