using System.Text;
using Llasta.ModelSim.Prompts;

namespace Llasta.ModelSim.Answers;

/// <summary>What the simulator pretends to think. The same conversation and the same settings have the same thinking.</summary>
internal static class Thinking
{
    private const int ShortSteps = 4;
    private const int LongSteps = 40;

    /// <param name="question">What it is about.</param>
    /// <param name="tokens">Exactly that many tokens, or null for a length that suits the question.</param>
    public static string About(Question question, int? tokens)
    {
        var text = new StringBuilder(question.Quote() is { Length: > 0 } quote ? $"Okay, the user wrote: \"{quote}\"." : "Okay, the user wrote nothing.");
        var thoughts = Texts.Lines("thoughts");
        var steps = question.HasAny("think") && question.HasAny("hard", "harder", "long", "longer", "deeply", "carefully") ? LongSteps : ShortSteps;
        // A step begins with white space, so its tokens add up with those before it.
        for (var (step, count) = (0, 0); step < steps || count < tokens; step++)
        {
            var next = (step % 5 == 4 ? "\n\n" : " ") + thoughts[(question.Seed + step) % thoughts.Length];
            text.Append(next);
            count += Tokenizer.Count(next);
        }
        return text.ToString(0, Tokenizer.LengthOf(text.ToString(), tokens ?? int.MaxValue));
    }
}
