using System.Text;


namespace Llasta.ModelSim.Prompts;

/// <summary>Qwen3-8B's chat template (<c>tokenizer_config.json</c>), as far as it decides what a prompt holds.</summary>
internal static class ChatTemplate
{
    public static string Render(IReadOnlyList<Message> messages, bool addGenerationPrompt, bool continueFinalMessage, bool enableThinking)
    {
        var prompt = new StringBuilder();
        for (var i = 0; i < messages.Count; i++)
        {
            var (role, content, reasoning) = messages[i];
            var last = i == messages.Count - 1;
            prompt.Append(Tokenizer.MessageStart).Append(role).Append('\n');
            // Thinking stays with the last turn only, and is dropped from older ones.
            if (role == "assistant" && last && reasoning?.Trim('\n') is { Length: > 0 } thought)
                prompt.Append(Tokenizer.ThinkStart).Append('\n').Append(thought).Append('\n').Append(Tokenizer.ThinkEnd).Append("\n\n");
            prompt.Append(role == "assistant" ? content.TrimStart('\n') : content);
            if (!(last && continueFinalMessage))
                prompt.Append(Tokenizer.MessageEnd).Append('\n');
        }
        if (!addGenerationPrompt)
            return prompt.ToString();
        prompt.Append(Tokenizer.MessageStart).Append("assistant\n");
        if (!enableThinking)
            prompt.Append(Tokenizer.ThinkStart).Append("\n\n").Append(Tokenizer.ThinkEnd).Append("\n\n");
        return prompt.ToString();
    }
}
