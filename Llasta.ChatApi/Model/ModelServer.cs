using System.ClientModel;
using System.ClientModel.Primitives;
using Llasta.ChatApi.Streaming;
using Microsoft.Extensions.Options;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Models;

namespace Llasta.ChatApi.Model;

/// <summary>
/// The connection to the model's server, by the OpenAI package's protocol methods: they send the body as we write it, vLLM's
/// own fields included, and hand out the raw response stream.
/// </summary>
internal sealed class ModelServer : IDisposable
{
    private readonly HttpClient _http;
    private readonly ChatClient _chat;
    private readonly OpenAIModelClient _models;

    public ModelServer(IOptions<ModelServerOptions> options, IOptions<ChatOptions> chat, TimeProvider time)
    {
        Options = options.Value;
        _http = new HttpClient(Handler(Options.Endpoint.Scheme, chat.Value.ConnectTimeout, time)) { Timeout = Timeout.InfiniteTimeSpan };

        var client = new OpenAIClientOptions
        {
            Endpoint = Options.Endpoint,
            Transport = new HttpClientPipelineTransport(_http),
            // A turn that was sent may be running: it is never sent again by itself.
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
            // Silence is timed per read, by the sweep; a turn's whole time isn't.
            NetworkTimeout = Timeout.InfiniteTimeSpan,
        };
        // The package wants a key and a model; "EMPTY" is what vLLM's documentation sends to a server without one, and the
        // protocol methods take the model from the body.
        var credential = new ApiKeyCredential(string.IsNullOrEmpty(Options.ApiKey) ? "EMPTY" : Options.ApiKey);
        _chat = new ChatClient("-", credential, client);
        _models = new OpenAIModelClient(credential, client);
    }

    public ModelServerOptions Options { get; }

    /// <summary>
    /// In the cluster and on a laptop the model speaks plain HTTP, and that way is the short one. Behind https there are certificates and
    /// proxies to mind, handshakes to save, and a network that costs more than we could win.
    /// </summary>
    private static HttpMessageHandler Handler(string scheme, TimeSpan connectTimeout, TimeProvider time) => scheme == Uri.UriSchemeHttp
        ? new StreamingHttpHandler(connectTimeout, time)
        : new SocketsHttpHandler
        {
            ConnectTimeout = connectTimeout,
            // vLLM's server (uvicorn) closes a connection that has been idle for 5 s; a request sent at that moment would be lost.
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(4),
            // What is left early was stopped: close at once, rather than read on for up to 2 s to use the connection again.
            MaxResponseDrainSize = 0,
            AllowAutoRedirect = false,
            UseCookies = false,
        };

    /// <summary>Sends a chat completion.</summary>
    /// <returns>The response, whatever its status, as soon as its headers are there. Disposing it while more is to come closes the connection.</returns>
    /// <exception cref="ClientResultException">The server could not be reached, or closed the connection without an answer.</exception>
    public async Task<PipelineResponse> CompleteAsync(BinaryContent body, string requestId, CancellationToken cancellation)
    {
        var options = new RequestOptions { BufferResponse = false, ErrorOptions = ClientErrorBehaviors.NoThrow, CancellationToken = cancellation };
        // Not Accept: text/event-stream, which the package takes as leave to send a cut turn again by itself, and for which it
        // keeps a copy of the body and looks at every event (System.ClientModel 1.16, SsePipelineResponseHandler).
        // vLLM names its response chatcmpl-<this id>, so both logs can be joined.
        options.SetHeader("X-Request-Id", requestId);
        return (await _chat.CompleteChatAsync(body, options)).GetRawResponse();
    }

    /// <summary><c>GET /v1/models</c>.</summary>
    public async Task<PipelineResponse> ListModelsAsync(CancellationToken cancellation)
    {
        var options = new RequestOptions { BufferResponse = false, ErrorOptions = ClientErrorBehaviors.NoThrow, CancellationToken = cancellation };
        return (await _models.GetModelsAsync(options)).GetRawResponse();
    }

    /// <summary>Sends a request to the server itself, outside <c>/v1</c>.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellation)
    {
        var request = new HttpRequestMessage(method, new Uri(Options.Root, path)) { Content = content };
        return _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
    }

    public void Dispose() => _http.Dispose();
}
