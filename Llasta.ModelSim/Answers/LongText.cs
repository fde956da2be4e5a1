using System.Text;
using Llasta.ModelSim.Prompts;

namespace Llasta.ModelSim.Answers;

/// <summary>Text of a requested length with many kinds of Markdown: exact in words, and in tokens to within a word.</summary>
internal sealed class LongText(uint seed, bool inTokens)
{
    private const int RoomForAnEnding = 40;

    private static readonly string[] Subjects = ["A stream", "The relay", "Each token", "The reader", "A cut answer", "The context window", "A patient client", "The scheduler", "One connection", "The prefix cache"];

    private static readonly string[] Verbs = ["arrives before", "waits for", "carries", "outlives", "measures", "is shorter than", "follows", "remembers", "depends on", "makes room for"];

    private static readonly string[] Objects = ["the next word", "a slow network", "every paragraph", "the last newline", "its own beginning", "a closed tab", "the stop button", "the whole conversation", "a queue of requests", "the end of the sentence"];

    private static readonly string[] Details = ["without a pause", "even at sixty tokens per second", "as long as nobody stops it", "in *plain* text", "with **no model** behind it", "and says so", "one piece at a time", "through `/v1/chat/completions`", "à la carte", "like 水 in a river"];

    public string Of(int length)
    {
        var text = new StringBuilder(length * 7);
        var written = 0;
        if (length > RoomForAnEnding)
            Add(Texts.Of("notice"));
        var block = Block(0);
        for (var section = 1; written + Measure(block) <= length - RoomForAnEnding; section++)
        {
            Add(block);
            block = Block(section);
        }
        if (written > 0)
            Add("");
        // A last paragraph of plain words fills the text up to its length.
        while (written < length)
            foreach (var word in Sentence().Split(' '))
            {
                if (written >= length)
                    break;
                var piece = text.Length == 0 || text[^1] == '\n' ? word : " " + word;
                text.Append(piece);
                written += Measure(piece);
            }
        return text.ToString();

        void Add(string block)
        {
            // A blank line is one token and no word.
            written += Measure(block) + (inTokens && written > 0 ? 1 : 0);
            text.Append(text.Length == 0 ? "" : "\n\n").Append(block);
        }
    }

    private int Measure(string text) => inTokens ? Tokenizer.Count(text) : text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;

    private string Block(int section) => (section % 8) switch
    {
        0 => $"## Part {section / 8 + 1}",
        3 => $"- {Sentence()}\n- {Sentence()}\n  - {Sentence()}\n  - {Sentence()}\n- {Sentence()}",
        5 => (section / 8 % 4) switch
        {
            0 => "```python\nfor token in stream:\n    print(token, end=\"\", flush=True)\n```",
            1 => "| Piece | Length | Kind |\n|---|---:|---|\n| ` the` | 4 | word |\n| `2026` | 4 | number |\n| `…` | 1 | symbol |",
            2 => "$$\n\\sum_{k=1}^{n} k = \\frac{n(n+1)}{2}\n$$",
            _ => "```sql\nSELECT phase, count(*) FROM turns GROUP BY phase;\n```",
        },
        6 => $"> {Sentence()} {Sentence()}",
        _ => string.Join(' ', Enumerable.Range(0, 3 + Next(4)).Select(_ => Sentence())),
    };

    private string Sentence() => $"{One(Subjects)} {One(Verbs)} {One(Objects)} {One(Details)}.";

    private string One(string[] choices) => choices[Next(choices.Length)];

    // A linear congruential generator: the same text on every machine.
    private int Next(int choices)
    {
        seed = seed * 1_664_525 + 1_013_904_223;
        return (int)((seed >> 16) % choices);
    }
}
