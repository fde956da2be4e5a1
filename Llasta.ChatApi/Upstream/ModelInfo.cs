namespace Llasta.ChatApi.Upstream;

/// <summary>A model as its server describes it.</summary>
/// <param name="Name">The name that requests use.</param>
/// <param name="ContextWindow">The context window in tokens (vLLM's <c>max_model_len</c>), if the server gives it.</param>
/// <param name="Simulated">The server is the simulator, which says so in <c>owned_by</c>.</param>
internal sealed record ModelInfo(string Name, int? ContextWindow, bool Simulated);
