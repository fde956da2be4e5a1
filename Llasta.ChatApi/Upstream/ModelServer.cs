using System.ClientModel;
using System.ClientModel.Primitives;
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
    private readonly HttpClient _http;
    private readonly ChatClient _chat;
    private readonly OpenAIModelClient _models;

    public ModelServer(IOptions<ModelServerOptions> options, IOptions<ChatOptions> chat, IServiceProvider services)
    {
        Options = options.Value;
        _http = new HttpClient(services.CreateUpstreamHandler(Options.Endpoint.Scheme, chat.Value.ConnectTimeout)) { Timeout = Timeout.InfiniteTimeSpan };

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

    public ModelServerOptions Options { get; }

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
