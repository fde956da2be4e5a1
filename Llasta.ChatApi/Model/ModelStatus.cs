using System.Text.Json.Serialization;

namespace Llasta.ChatApi.Model;

/// <summary>The answer of <c>GET /api/model</c>.</summary>
/// <param name="State">Whether a turn would be answered now.</param>
/// <param name="Model">The model's name; the last known one while the server is away.</param>
/// <param name="ContextWindow">Its context window in tokens, where the server tells it.</param>
/// <param name="Version">The server's version, where it tells it (vLLM's <c>/version</c>).</param>
/// <param name="Simulated">True when no real model is connected.</param>
/// <param name="Detail">While not ready: why, and what to do about it.</param>
/// <param name="ForSeconds">While not ready: since how many seconds.</param>
public sealed record ModelStatus(
    ModelState State,
    string? Model = null,
    int? ContextWindow = null,
    string? Version = null,
    bool Simulated = false,
    string? Detail = null,
    int? ForSeconds = null);

/// <summary>Whether the model answers.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ModelState>))]
public enum ModelState
{
    /// <summary>It answers.</summary>
    [JsonStringEnumMemberName("ready")] Ready,

    /// <summary>Its server doesn't listen yet: vLLM refuses connections until the weights are loaded.</summary>
    [JsonStringEnumMemberName("loading")] Loading,

    /// <summary>It can't be reached, or refuses us.</summary>
    [JsonStringEnumMemberName("unreachable")] Unreachable,

    /// <summary>It answers, but this process relays as many turns as it may.</summary>
    [JsonStringEnumMemberName("busy")] Busy,
}

/// <summary>A model as its server describes it.</summary>
/// <param name="Name">What requests call it.</param>
/// <param name="ContextWindow">In tokens (vLLM's <c>max_model_len</c>), where told.</param>
/// <param name="Simulated">The simulator says so in <c>owned_by</c>.</param>
internal sealed record ModelInfo(string Name, int? ContextWindow, bool Simulated);
