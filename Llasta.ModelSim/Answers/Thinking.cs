using System.Text;
using Llasta.ModelSim.Prompts;

namespace Llasta.ModelSim.Answers;

/// <summary>What the simulator pretends to think. The same conversation and the same settings have the same thinking.</summary>
internal static class Thinking
{
    private const int ShortSteps = 4;
    private const int LongSteps = 40;

    private static readonly string[] Steps =
    [
        "Let me look at the message once more.",
        "There is a request in it, and I should find out which kind of content it asks for.",
        "Keywords decide that here, not understanding, and I should say so plainly.",
        "If a length was given, the text has to have it.",
        "Wait, I should also mention that no real model is connected.",
        "The answer should be short, pleasant, and show what the page can render.",
        "I could count the words to make sure.",
        "Hmm, the order matters: first who I am, then what was asked, then how to connect a model.",
        "Checking that again: the same conversation must always bring the same answer.",
        "That seems right.",
    ];

    /// <param name="messages">The conversation.</param>
    /// <param name="tokens">Exactly that many tokens, or null for a length that suits the question.</param>
    public static string For(IReadOnlyList<Message> messages, int? tokens)
    {
        var asked = messages.LastOrDefault(message => message.Role == "user")?.Content ?? "";
        var words = Answer.Words(asked);
        var hard = words.Contains("think") && (words.Contains("hard") || words.Contains("harder") || words.Contains("long") || words.Contains("longer") || words.Contains("deeply") || words.Contains("carefully"));
        var text = new StringBuilder(Answer.Quote(asked) is { Length: > 0 } quote ? $"Okay, the user wrote: \"{quote}\"." : "Okay, the user wrote nothing.");
        var seed = Answer.Seed(asked);
        var steps = hard ? LongSteps : ShortSteps;
        // A step begins with white space, so its tokens add up with those before it.
        for (var (step, count) = (0, 0); step < steps || count < tokens; step++)
        {
            var next = (step % 5 == 4 ? "\n\n" : " ") + Steps[(seed + step) % Steps.Length];
            text.Append(next);
            count += Tokenizer.Count(next);
        }
        return text.ToString(0, Tokenizer.LengthOf(text.ToString(), tokens ?? int.MaxValue));
    }
}
