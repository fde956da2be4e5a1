using System.Text.Json;
using Llasta.ChatApi.Contract;
using Microsoft.Extensions.Options;

namespace Llasta.ChatApi.Upstream;

/// <summary>
/// Finds out which model answers, and whether it does, from the server's <c>/v1/models</c>. Turns use the remembered answer; for the page
/// the server is asked at most once a second, by one request at a time.
/// </summary>
internal sealed class ModelDirectory(ModelServer server, ServerDialect dialect, ThinkingSwitch thinking, IOptions<ChatOptions> options, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan StatusLifetime = TimeSpan.FromSeconds(1);

    /// <summary>Servers answer /v1/models and /version from memory: a server that takes longer is stuck.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Routers list hundreds of models, with descriptions: half a megabyte and more. The rest of a longer list is not read.</summary>
    private const int MaxListBytes = 4 << 20;

    /// <summary>What <c>/version</c> answers has a few dozen bytes.</summary>
    private const int MaxVersionBytes = 4 << 10;

    /// <summary>A page can't offer more models than this in a menu.</summary>
    private const int MaxChoices = 500;

    private readonly SemaphoreSlim _asking = new(1, 1);
    private readonly Lock _listing = new();
    private Task<(ModelInfo? Model, ChatProblem? Problem)>? _list;
    private volatile ModelInfo? _model;
    private volatile IReadOnlyList<ModelInfo> _choices = [];
    private volatile Observation? _last;
    private string? _version;
    private long? _notReadySince;

    private sealed record Observation(ModelStatus Status, bool HasList, long At);

    private string Wanted => options.Value.Model;

    /// <summary>The model that the operator has set, if the server's list doesn't tell about it.</summary>
    private ModelInfo Unlisted => new(Wanted, ContextWindow: null, ServerKind.Auto);

    /// <summary>Finds the model for a turn; asks the server only if the model is not known yet.</summary>
    /// <param name="name">The name that the request gives; null for the default model.</param>
    /// <param name="cancellation">The request was closed.</param>
    /// <returns>The model, or the problem to answer with.</returns>
    public async ValueTask<(ModelInfo? Model, ChatProblem? Problem)> GetAsync(string? name, CancellationToken cancellation)
    {
        if (name is null || name == Wanted)
            return await GetDefaultAsync(cancellation);
        if (Wanted.Length > 0)
            return (null, ChatProblem.InvalidRequest("model can't be chosen: the operator has set Chat:Model. Leave model out."));
        if (Choice(name) is { } known)
            return (known, null);
        // At most once a second, whatever names clients send.
        await GetStatusAsync(cancellation);
        if (Choice(name) is { } found)
            return (found, null);
        var (model, problem) = await GetDefaultAsync(cancellation);
        return (null, model is null ? problem : ChatProblem.ModelNotFound("The model's server doesn't list the model that was asked for, or it can't chat. Choose another one: GET /api/model lists them."));
    }

    private ModelInfo? Choice(string name) => _choices.FirstOrDefault(model => model.Name == name);

    private async ValueTask<(ModelInfo? Model, ChatProblem? Problem)> GetDefaultAsync(CancellationToken cancellation)
    {
        if (_model is { } known)
            return (known, null);
        var (model, problem) = await AskAsync(cancellation);
        // With Chat:Model set the list is optional: the turn itself tells whether the server knows the model.
        return model is null && Wanted.Length > 0 && problem!.Code != ProblemCodes.Unreachable ? (Unlisted, null) : (model, problem);
    }

    /// <summary>Asks the server for its default model again, after it has refused the remembered one.</summary>
    public async ValueTask<(ModelInfo? Model, ChatProblem? Problem)> RediscoverAsync(CancellationToken cancellation)
    {
        _model = null;
        return await AskAsync(cancellation);
    }

    /// <summary>Tells the state of a model, at most a second old. Throws only when <paramref name="cancellation"/> is cancelled.</summary>
    /// <param name="name">The name that the request gives; null, or a name that the server doesn't list, for the default model.</param>
    /// <param name="cancellation">The request was closed.</param>
    public async ValueTask<ModelStatus> GetStatusAsync(string? name, CancellationToken cancellation)
    {
        var (status, hasList, _) = await GetStatusAsync(cancellation);
        if (!hasList || status.Models is null || name is null || name == status.Model || Choice(name) is not { } model)
            return status;
        return model.IsLoading
            ? new ModelStatus(ModelState.Loading, model.Name, status.Models, model.ContextWindow, Simulated: model.Simulated, Code: ProblemCodes.Unreachable, Detail: IsLoading.Detail)
            : await ReadyAsync(model, status.Models);
    }

    private static readonly ChatProblem IsLoading = ChatProblem.Unreachable("The model's server is loading the model.") with { IsStarting = true };

    private async ValueTask<ModelStatus> ReadyAsync(ModelInfo model, IReadOnlyList<string>? choices)
    {
        // Only for the page: no turn waits for it.
        var thinks = await thinking.ChangesPromptAsync(model);
        return new ModelStatus(ModelState.Ready, model.Name, choices, model.ContextWindow, _version, model.Simulated, thinks,
            Detail: model.LoadsWhenUsed ? "The model is not loaded; its server loads it with the first message, which takes a while." : null);
    }

    private async ValueTask<Observation> GetStatusAsync(CancellationToken cancellation)
    {
        if (Fresh() is { } fresh)
            return fresh;
        await _asking.WaitAsync(cancellation);
        try
        {
            if (Fresh() is { } justNow)
                return justNow;
            // Without this caller's token, because other callers use the answer too.
            return _last = await ObserveAsync();
        }
        finally
        {
            _asking.Release();
        }

        Observation? Fresh() => _last is { } last && time.GetElapsedTime(last.At) < StatusLifetime ? last : null;
    }

    private async Task<Observation> ObserveAsync()
    {
        var (model, problem) = await AskAsync(CancellationToken.None);
        var hasList = model is not null;
        var choices = _choices is { Count: > 1 } several ? several.Select(choice => choice.Name).ToArray() : null;
        if (model is null && Wanted.Length > 0 && problem!.Code is ProblemCodes.ModelNotFound or ProblemCodes.ModelError)
            model = Unlisted;
        if (model is { IsLoading: false })
        {
            _notReadySince = null;
            _version ??= await AskVersionAsync();
            return new Observation(await ReadyAsync(model, choices), hasList, time.GetTimestamp());
        }

        // A restarted server may have another version.
        _version = null;
        var since = _notReadySince ??= time.GetTimestamp();
        var waited = time.GetElapsedTime(since);
        problem ??= IsLoading;
        var loading = problem.IsStarting && waited < options.Value.ModelStartTimeout;
        var last = model ?? _model;
        var status = new ModelStatus(
            problem.Code == ProblemCodes.Busy ? ModelState.Busy : loading ? ModelState.Loading : ModelState.Unreachable,
            last?.Name ?? (Wanted.Length > 0 ? Wanted : null),
            choices,
            last?.ContextWindow,
            Simulated: last?.Simulated == true,
            Code: problem.Code,
            Detail: problem.Detail,
            ForSeconds: (int)waited.TotalSeconds);
        return new Observation(status, hasList, time.GetTimestamp());
    }

    /// <summary>Asks the server for its list. Those who ask while an answer is awaited wait for the same one: lists can be long.</summary>
    private Task<(ModelInfo? Model, ChatProblem? Problem)> AskAsync(CancellationToken cancellation)
    {
        lock (_listing)
        {
            if (_list is not { IsCompleted: false })
                _list = ListAsync();
            return _list.WaitAsync(cancellation);
        }
    }

    private async Task<(ModelInfo? Model, ChatProblem? Problem)> ListAsync()
    {
        using var timeout = new CancellationTokenSource(options.Value.ConnectTimeout + AnswerTimeout);
        try
        {
            using var response = await server.ListModelsAsync(timeout.Token);
            if (response.IsError)
                return (null, server.Errors.FromResponse(response.Status, await UpstreamErrors.ReadErrorAsync(response.ContentStream, timeout.Token), retryAfter: null));
            var body = await UpstreamErrors.ReadBodyAsync(response.ContentStream, MaxListBytes, timeout.Token);
            var models = ModelList.Read(body.Span);
            IReadOnlyList<ModelInfo> choices = Wanted.Length == 0 ? ModelList.ThatChat(models) : [.. models.Where(model => model.Name == Wanted).Take(1)];
            if (choices is not [var model, ..])
            {
                return (null, ChatProblem.ModelNotFound(Wanted.Length > 0
                    ? $"The model's server doesn't list '{Wanted}'. {UpstreamErrors.SetModel}"
                    : "The model's server lists no model that can chat. The operator has to start it with one."));
            }

            _choices = [.. choices.Take(MaxChoices)];
            dialect.Detected(model.Kind);
            return (_model = model, null);
        }
        catch (Exception e) when (UpstreamErrors.FromException(e) is { } problem)
        {
            return (null, problem);
        }
        catch (JsonException)
        {
            return (null, ChatProblem.ModelError($"The model's server answered /v1/models with something other than a list of models. {UpstreamErrors.CheckBaseUrl}"));
        }
    }

    private async Task<string?> AskVersionAsync()
    {
        using var timeout = new CancellationTokenSource(AnswerTimeout);
        try
        {
            using var response = await server.SendAsync(HttpMethod.Get, "version", null, timeout.Token);
            if (!response.IsSuccessStatusCode)
                return null;
            var body = await UpstreamErrors.ReadBodyAsync(await response.Content.ReadAsStreamAsync(timeout.Token), MaxVersionBytes, timeout.Token);
            using var json = JsonDocument.Parse(body);
            return ServerText.MemberOf(json.RootElement, "version") is { } version && ServerText.StringOf(version) is { Length: > 0 and <= 64 } text ? server.Errors.Clean(text) : null;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or JsonException or IOException)
        {
            // Only vLLM and Ollama have a version.
            return null;
        }
    }

    public void Dispose() => _asking.Dispose();
}
