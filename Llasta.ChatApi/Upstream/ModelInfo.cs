using System.Text.RegularExpressions;

namespace Llasta.ChatApi.Upstream;

/// <summary>A model as its server describes it.</summary>
/// <param name="Name">The name that requests use.</param>
/// <param name="ContextWindow">The context window in tokens, if the server gives it.</param>
/// <param name="Kind">The kind of server that describes a model like this; <see cref="ServerKind.Auto"/> if that can't be told.</param>
/// <param name="Chats">The model answers chats; an embedding model doesn't.</param>
/// <param name="Simulated">The server is the simulator, which says so in <c>owned_by</c>.</param>
/// <param name="Status">The model's own state, if the server is a router that loads models when they are used.</param>
internal sealed partial record ModelInfo(string Name, int? ContextWindow, ServerKind Kind, bool Chats = true, bool Simulated = false, string? Status = null)
{
    /// <summary>The simulator's <c>owned_by</c>.</summary>
    public const string SimulatorOwner = "llasta-modelsim";

    /// <summary>
    /// A Qwen3 model that thinks or not as the request says: the first releases, whatever their quantization. Later ones (Instruct-2507,
    /// Thinking-2507, Coder, VL, …) do only one of both, and have other recommended sampling.
    /// </summary>
    public bool IsQwen3Hybrid => Hybrid().IsMatch(Name) && !OtherQwen3().IsMatch(Name);

    /// <summary>The model is not loaded yet, and its server loads it with the first message.</summary>
    public bool LoadsWhenUsed => Status is not null && Unloaded().IsMatch(Status);

    /// <summary>The server is loading the model.</summary>
    public bool IsLoading => Status is not null && Loading().IsMatch(Status);

    [GeneratedRegex(@"qwen-?3(?:[-:_ ]|$)", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Hybrid();

    [GeneratedRegex(@"instruct|thinking|coder|base|2507|embed|rerank|\bvl\b|-vl-|omni|next|guard|asr|tts|max|image", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex OtherQwen3();

    [GeneratedRegex(@"^(?:unloaded|not[-_ ]loaded|sleeping|stopped|idle)$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Unloaded();

    [GeneratedRegex(@"^(?:loading|starting|downloading|pending|initiali[sz]ing)$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Loading();
}
