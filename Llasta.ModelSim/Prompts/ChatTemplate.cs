using System.Text;

namespace Llasta.ModelSim.Prompts;

/// <summary>Qwen3-8B's chat template (<c>tokenizer_config.json</c>), without tools.</summary>
internal static class ChatTemplate
{
    public static string Render(IReadOnlyList<Message> messages, bool addGenerationPrompt, bool continueFinalMessage, bool enableThinking)
    {
        var lastQuestion = messages.Count - 1;
        while (lastQuestion >= 0 && messages[lastQuestion].Role != "user")
            lastQuestion--;
        var prompt = new StringBuilder();
        for (var i = 0; i < messages.Count; i++)
        {
            var last = i == messages.Count - 1;
            prompt.Append(Tokenizer.MessageStart).Append(messages[i].Role).Append('\n');
            if (messages[i].Role == "assistant")
                AppendAnswer(prompt, messages[i], last, afterLastQuestion: i > lastQuestion);
            else
                prompt.Append(messages[i].Content);
            if (!(last && continueFinalMessage))
                prompt.Append(Tokenizer.MessageEnd).Append('\n');
        }
        if (!addGenerationPrompt)
            return prompt.ToString();
        prompt.Append(Tokenizer.MessageStart).Append("assistant\n");
        if (!enableThinking)
            AppendThought(prompt, "");
        return prompt.ToString();
    }

    /// <summary>Thinking is kept after the last question only, and the last message always has a block for it.</summary>
    private static void AppendAnswer(StringBuilder prompt, Message message, bool last, bool afterLastQuestion)
    {
        var (content, reasoning) = (message.Content, message.Reasoning);
        if (reasoning is null && content.LastIndexOf(Tokenizer.ThinkEnd, StringComparison.Ordinal) is var end and >= 0)
        {
            var thought = content[..content.IndexOf(Tokenizer.ThinkEnd, StringComparison.Ordinal)];
            reasoning = thought[(thought.LastIndexOf(Tokenizer.ThinkStart, StringComparison.Ordinal) is var start and >= 0 ? start + Tokenizer.ThinkStart.Length : 0)..];
            content = content[(end + Tokenizer.ThinkEnd.Length)..];
        }
        if (afterLastQuestion && (last || reasoning is { Length: > 0 }))
            AppendThought(prompt, (reasoning ?? "").Trim('\n'));
        prompt.Append(content.TrimStart('\n'));
    }

    private static void AppendThought(StringBuilder prompt, string thought) =>
        prompt.Append(Tokenizer.ThinkStart).Append('\n').Append(thought).Append('\n').Append(Tokenizer.ThinkEnd).Append("\n\n");
}
