using System.Text.Json.Serialization;

namespace Llasta.ChatApi.Contract;

/// <summary>The answer of <c>GET /api/model</c>.</summary>
/// <param name="State">Whether a turn would be answered now.</param>
/// <param name="Model">The model's name; the last known one while the server does not answer.</param>
/// <param name="Models">The names of the models to choose from, the default first; absent unless the server lists several that can chat and the operator has set none.</param>
/// <param name="ContextWindow">Its context window in tokens, if the server gives it.</param>
/// <param name="Version">The server's version, if it gives one (vLLM's <c>/version</c>).</param>
/// <param name="Simulated">True when no real model is connected.</param>
/// <param name="Thinking">Whether the thinking switch does something with this model; absent if that is not known.</param>
/// <param name="Waiting">The requests that wait in the server's queue, if asked for and known.</param>
/// <param name="Code">While not ready: one of <see cref="ProblemCodes"/>.</param>
/// <param name="Detail">While not ready: the reason, and what to do about it. Also while ready, if the server loads the model with the first message.</param>
/// <param name="ForSeconds">While not ready: for how many seconds.</param>
public sealed record ModelStatus(
    ModelState State,
    string? Model = null,
    IReadOnlyList<string>? Models = null,
    int? ContextWindow = null,
    string? Version = null,
    bool Simulated = false,
    bool? Thinking = null,
    int? Waiting = null,
    string? Code = null,
    string? Detail = null,
    int? ForSeconds = null);

/// <summary>Whether the model answers.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ModelState>))]
public enum ModelState
{
    /// <summary>It answers.</summary>
    [JsonStringEnumMemberName("ready")] Ready,

    /// <summary>Its server says that it is loading the model, or doesn't accept connections yet: vLLM refuses them until the weights are loaded.</summary>
    [JsonStringEnumMemberName("loading")] Loading,

    /// <summary>Its server can't be reached, or refuses the chat API.</summary>
    [JsonStringEnumMemberName("unreachable")] Unreachable,

    /// <summary>It answers, but the chat API relays as many turns as it may, or its server takes no more requests.</summary>
    [JsonStringEnumMemberName("busy")] Busy,
}
