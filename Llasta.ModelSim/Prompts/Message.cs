namespace Llasta.ModelSim.Prompts;

/// <summary>A message of the conversation.</summary>
/// <param name="Role">Such as <c>user</c>.</param>
/// <param name="Content">Its text; content in parts is its text parts, joined by newlines.</param>
/// <param name="Reasoning">The thinking before the text, or null.</param>
internal sealed record Message(string Role, string Content, string? Reasoning);
