using System.Text.Json;
using Llasta.ChatApi.Contract;
using Llasta.ChatApi.Relay;
using Microsoft.Extensions.Options;

namespace Llasta.ChatApi.Model;

/// <summary>
/// Which model answers, and whether it does: asked of the server's <c>/v1/models</c>, remembered for turns, and asked again
/// (at most once a second, by one request at a time) for the page.
/// </summary>
internal sealed class ModelDirectory(ModelServer server, TurnLimit turns, IOptions<ChatOptions> options, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan StatusLifetime = TimeSpan.FromSeconds(1);

    /// <summary>/v1/models and /version are answered from memory: a server that takes longer is stuck.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _asking = new(1, 1);
    private volatile ModelInfo? _model;
    private volatile Observation? _last;
    private string? _version;
    private long? _notReadySince;

    private sealed record Observation(ModelStatus Status, long At);

    /// <summary>The model for a turn, without a question to the server if it is known.</summary>
    /// <returns>The model, or the problem to answer with.</returns>
    public async ValueTask<(ModelInfo? Model, ChatProblem? Problem)> GetAsync(CancellationToken cancellation) =>
        _model is { } known ? (known, null) : await AskAsync(cancellation);

    /// <summary>The server said that it doesn't know the model: ask again what it serves.</summary>
    public async ValueTask<(ModelInfo? Model, ChatProblem? Problem)> RediscoverAsync(CancellationToken cancellation)
    {
        _model = null;
        return await AskAsync(cancellation);
    }

    /// <summary>What the page shows. At most a second old; never throws but for <paramref name="cancellation"/>.</summary>
    public async ValueTask<ModelStatus> GetStatusAsync(CancellationToken cancellation)
    {
        if (Fresh() is { } fresh)
            return fresh;
        await _asking.WaitAsync(cancellation);
        try
        {
            if (Fresh() is { } justNow)
                return justNow;
            // Not this caller's token: others will use the answer.
            var status = await ObserveAsync();
            _last = new Observation(status, time.GetTimestamp());
            return Shown(status);
        }
        finally
        {
            _asking.Release();
        }

        ModelStatus? Fresh() => _last is { } last && time.GetElapsedTime(last.At) < StatusLifetime ? Shown(last.Status) : null;

        ModelStatus Shown(ModelStatus status) => status.State == ModelState.Ready && turns.IsFull
            ? status with { State = ModelState.Busy, Detail = "As many answers are running as this server allows; a message waits for its turn." }
            : status;
    }

    private async Task<ModelStatus> ObserveAsync()
    {
        var (model, problem) = await AskAsync(CancellationToken.None);
        if (model is not null)
        {
            _notReadySince = null;
            _version ??= await AskVersionAsync();
            return new ModelStatus(ModelState.Ready, model.Name, model.ContextWindow, _version, model.Simulated);
        }

        // A restarted server may be another version.
        _version = null;
        var since = _notReadySince ??= time.GetTimestamp();
        var waited = time.GetElapsedTime(since);
        var loading = problem!.Title == UpstreamErrors.Refused && waited < options.Value.ModelStartTimeout;
        return new ModelStatus(
            loading ? ModelState.Loading : ModelState.Unreachable,
            _model?.Name,
            _model?.ContextWindow,
            Simulated: _model?.Simulated == true,
            Detail: problem.Detail,
            ForSeconds: (int)waited.TotalSeconds);
    }

    private async Task<(ModelInfo? Model, ChatProblem? Problem)> AskAsync(CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(options.Value.ConnectTimeout + AnswerTimeout);
        try
        {
            using var response = await server.ListModelsAsync(timeout.Token);
            var body = await UpstreamErrors.ReadBodyAsync(response.ContentStream, timeout.Token);
            if (response.IsError)
                return (null, UpstreamErrors.FromResponse(response.Status, body, retryAfter: null));
            return Read(body) is { } model
                ? (_model = model, null)
                : (null, ChatProblem.ModelNotFound(options.Value.Model is { Length: > 0 } wanted
                    ? $"The model's server doesn't list '{wanted}'. The operator has to set Chat:Model to a model that it serves, or leave it empty."
                    : "The model's server lists no model. The operator has to start it with one."));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e) when (UpstreamErrors.FromException(e) is { } problem)
        {
            return (null, problem);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return (null, ChatProblem.ModelError("The model's server answered /v1/models with something that is not its JSON. The operator has to check that OPENAI_API_BASE_URL points at an OpenAI-compatible server and ends in /v1."));
        }
    }

    private ModelInfo? Read(ReadOnlyMemory<byte> body)
    {
        using var json = JsonDocument.Parse(body);
        if (json.RootElement is not { ValueKind: JsonValueKind.Object } root || !root.TryGetProperty("data", out var data) || data.ValueKind != JsonValueKind.Array)
            throw new JsonException();

        var wanted = options.Value.Model;
        foreach (var entry in data.EnumerateArray())
        {
            var id = entry.GetProperty("id").GetString()!;
            if (wanted.Length > 0 && id != wanted)
                continue;
            int? window = entry.TryGetProperty("max_model_len", out var max) && max.ValueKind == JsonValueKind.Number && max.TryGetInt32(out var tokens) ? tokens : null;
            var simulated = entry.TryGetProperty("owned_by", out var owner) && owner.ValueKind == JsonValueKind.String && owner.ValueEquals("llasta-modelsim");
            return new ModelInfo(id, window, simulated);
        }

        return null;
    }

    private async Task<string?> AskVersionAsync()
    {
        using var timeout = new CancellationTokenSource(AnswerTimeout);
        try
        {
            using var response = await server.SendAsync(HttpMethod.Get, "version", null, timeout.Token);
            if (!response.IsSuccessStatusCode)
                return null;
            using var json = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(timeout.Token), cancellationToken: timeout.Token);
            return json.RootElement.TryGetProperty("version", out var version) ? version.GetString() : null;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or JsonException or InvalidOperationException or IOException)
        {
            // Only vLLM has it.
            return null;
        }
    }

    public void Dispose() => _asking.Dispose();
}
