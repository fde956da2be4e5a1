using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net.Sockets;
using Llasta.Streaming;
using Microsoft.Extensions.Options;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Models;

namespace Llasta.ChatApi.Upstream;

/// <summary>
/// The connection to the model's server, through the OpenAI package's protocol methods. They send the body as it is written here, with
/// vLLM's own fields, and return the raw response stream.
/// </summary>
internal sealed class ModelServer : IDisposable
{
    /// <summary>How long one answer serves all turns.</summary>
    private static readonly TimeSpan ProbeLifetime = TimeSpan.FromSeconds(1);

    private readonly Lock _probing = new();
    private readonly TimeProvider _time;
    private readonly TimeSpan _connectTimeout;
    private readonly HttpClient _http;
    private readonly ChatClient _chat;
    private readonly OpenAIModelClient _models;

    private Probe? _probe;

    public ModelServer(IOptions<ModelServerOptions> options, IOptions<ChatOptions> chat, IServiceProvider services, TimeProvider time)
    {
        Options = options.Value;
        _time = time;
        _connectTimeout = chat.Value.ConnectTimeout;
        Errors = new UpstreamErrors(Options.ApiKey);
        _http = new HttpClient(services.CreateUpstreamHandler(Options.Endpoint.Scheme, _connectTimeout)) { Timeout = Timeout.InfiniteTimeSpan };

        var client = new OpenAIClientOptions
        {
            Endpoint = Options.Endpoint,
            Transport = new HttpClientPipelineTransport(_http),
            // A turn that was sent may be running, so it is never sent again automatically.
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
            // The sweep limits the silence between reads; the duration of a turn has no limit.
            NetworkTimeout = Timeout.InfiniteTimeSpan,
        };
        // The package requires a key and a model. vLLM's documentation sends "EMPTY" to a server without a key, and the protocol methods
        // take the model from the body.
        var credential = new ApiKeyCredential(string.IsNullOrEmpty(Options.ApiKey) ? "EMPTY" : Options.ApiKey);
        _chat = new ChatClient("-", credential, client);
        _models = new OpenAIModelClient(credential, client);
    }

    /// <param name="Accepts">Whether the server accepts connections.</param>
    /// <param name="At">When it was asked (<see cref="TimeProvider.GetTimestamp"/>).</param>
    private sealed record Probe(Task<bool> Accepts, long At);

    public ModelServerOptions Options { get; }

    /// <summary>Explains the server's errors.</summary>
    public UpstreamErrors Errors { get; }

    /// <summary>
    /// Asks whether the server still accepts connections, on a fresh one. A server whose time to stop is over closes its port, and leaves
    /// running streams silent until it is killed. All turns share one connection and its answer: where the server's machine has gone, each
    /// would wait for the connect timeout, with a file descriptor of its own.
    /// </summary>
    /// <returns>
    /// False only if the connection is refused; true also when <paramref name="cancellation"/> is cancelled. Behind TLS the answer is always
    /// true: a proxy may stand in between.
    /// </returns>
    public async Task<bool> AcceptsConnectionsAsync(CancellationToken cancellation)
    {
        if (Options.Endpoint.Scheme != Uri.UriSchemeHttp)
            return true;
        Task<bool> accepts;
        lock (_probing)
        {
            if (_probe is null || (_probe.Accepts.IsCompleted && _time.GetElapsedTime(_probe.At) > ProbeLifetime))
                _probe = new Probe(ProbeAsync(), _time.GetTimestamp());
            accepts = _probe.Accepts;
        }

        try
        {
            return await accepts.WaitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    private async Task<bool> ProbeAsync()
    {
        using var timeout = new CancellationTokenSource(_connectTimeout);
        try
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(Options.Endpoint.IdnHost, Options.Endpoint.Port, timeout.Token);
            return true;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode != SocketError.ConnectionRefused;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    /// <summary>Sends a chat completion.</summary>
    /// <returns>The response, whatever its status, as soon as its head has been read. Disposing it before its end closes the connection.</returns>
    /// <exception cref="ClientResultException">The server could not be reached, or closed the connection without an answer.</exception>
    public async Task<PipelineResponse> CompleteAsync(BinaryContent body, string requestId, CancellationToken cancellation)
    {
        var options = new RequestOptions { BufferResponse = false, ErrorOptions = ClientErrorBehaviors.NoThrow, CancellationToken = cancellation };
        // No "Accept: text/event-stream": with it the package resends a cut turn automatically, keeps a copy of the body and inspects
        // every event (System.ClientModel 1.16, SsePipelineResponseHandler).
        // vLLM names its response chatcmpl-<this id>, so that both logs can be joined.
        options.SetHeader("X-Request-Id", requestId);
        return (await _chat.CompleteChatAsync(body, options)).GetRawResponse();
    }

    /// <summary><c>GET /v1/models</c>.</summary>
    public async Task<PipelineResponse> ListModelsAsync(CancellationToken cancellation)
    {
        var options = new RequestOptions { BufferResponse = false, ErrorOptions = ClientErrorBehaviors.NoThrow, CancellationToken = cancellation };
        return (await _models.GetModelsAsync(options)).GetRawResponse();
    }

    /// <summary>Sends a request to a path of the server outside <c>/v1</c>.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellation)
    {
        var request = new HttpRequestMessage(method, new Uri(Options.Root, path)) { Content = content };
        return _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
    }

    public void Dispose() => _http.Dispose();
}
