using System.Text.Json;
using Llasta.ChatApi.Contract;
using Microsoft.Extensions.Options;

namespace Llasta.ChatApi.Upstream;

/// <summary>
/// Finds out which model answers, and whether it does, from the server's <c>/v1/models</c>. Turns use the remembered answer; for the page
/// the server is asked at most once a second, by one request at a time.
/// </summary>
internal sealed class ModelDirectory(ModelServer server, IOptions<ChatOptions> options, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan StatusLifetime = TimeSpan.FromSeconds(1);

    /// <summary>Servers answer /v1/models and /version from memory: a server that takes longer is stuck.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _asking = new(1, 1);
    private volatile ModelInfo? _model;
    private volatile Observation? _last;
    private string? _version;
    private long? _notReadySince;

    private sealed record Observation(ModelStatus Status, long At);

    /// <summary>Finds the model for a turn; asks the server only if the model is not known yet.</summary>
    /// <returns>The model, or the problem to answer with.</returns>
    public async ValueTask<(ModelInfo? Model, ChatProblem? Problem)> GetAsync(CancellationToken cancellation) =>
        _model is { } known ? (known, null) : await AskAsync(cancellation);

    /// <summary>Asks the server again, after it has refused the remembered model.</summary>
    public async ValueTask<(ModelInfo? Model, ChatProblem? Problem)> RediscoverAsync(CancellationToken cancellation)
    {
        _model = null;
        return await AskAsync(cancellation);
    }

    /// <summary>Tells the state of the model, at most a second old. Throws only when <paramref name="cancellation"/> is cancelled.</summary>
    public async ValueTask<ModelStatus> GetStatusAsync(CancellationToken cancellation)
    {
        if (Fresh() is { } fresh)
            return fresh;
        await _asking.WaitAsync(cancellation);
        try
        {
            if (Fresh() is { } justNow)
                return justNow;
            // Without this caller's token, because other callers use the answer too.
            var status = await ObserveAsync();
            _last = new Observation(status, time.GetTimestamp());
            return status;
        }
        finally
        {
            _asking.Release();
        }

        ModelStatus? Fresh() => _last is { } last && time.GetElapsedTime(last.At) < StatusLifetime ? last.Status : null;
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

        // A restarted server may have another version.
        _version = null;
        var since = _notReadySince ??= time.GetTimestamp();
        var waited = time.GetElapsedTime(since);
        var loading = problem!.NotListening && waited < options.Value.ModelStartTimeout;
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
            // Only vLLM has /version.
            return null;
        }
    }

    public void Dispose() => _asking.Dispose();
}
