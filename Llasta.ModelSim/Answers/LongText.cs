using System.Globalization;
using System.Text;
using Llasta.ModelSim.Prompts;

namespace Llasta.ModelSim.Answers;

/// <summary>Text of a wanted length with Markdown of every kind in it: exactly so many words, or tokens to within a word.</summary>
internal static class LongText
{
    private const int RoomForAnEnding = 40;

    private static readonly string[] Subjects = ["A stream", "The relay", "Each token", "The reader", "A cut answer", "The context window", "A patient client", "The scheduler", "One connection", "The prefix cache"];

    private static readonly string[] Verbs = ["arrives before", "waits for", "carries", "outlives", "measures", "is shorter than", "follows", "remembers", "depends on", "makes room for"];

    private static readonly string[] Objects = ["the next word", "a slow network", "every paragraph", "the last newline", "its own beginning", "a closed tab", "the stop button", "the whole conversation", "a queue of requests", "the end of the sentence"];

    private static readonly string[] Details = ["without a pause", "even at sixty tokens per second", "as long as nobody stops it", "in *plain* text", "with **no model** behind it", "and says so", "one piece at a time", "through `/v1/chat/completions`", "à la carte", "like 水 in a river"];

    public static string Of(LengthRequest length, uint seed)
    {
        Func<string, int> measure = length.InTokens ? text => Tokenizer.Count(text) : CountWords;
        var text = new StringBuilder(length.Count * 7);
        var written = 0;
        if (length.Count > RoomForAnEnding)
            Add(About.Notice);
        for (var section = 0; ; section++)
        {
            var block = Block(section, ref seed);
            if (written + measure(block) > length.Count - RoomForAnEnding)
                break;
            Add(block);
        }
        if (written > 0)
            text.Append("\n\n");
        return Fill(text, length, length.Count - written - (length.InTokens && written > 0 ? 1 : 0), ref seed);

        void Add(string block)
        {
            // A blank line is one token and no word.
            written += measure(block) + (length.InTokens && written > 0 ? 1 : 0);
            text.Append(text.Length == 0 ? "" : "\n\n").Append(block);
        }
    }

    /// <summary>A last paragraph of plain words that brings the text to its length.</summary>
    private static string Fill(StringBuilder text, LengthRequest length, int rest, ref uint seed)
    {
        for (var first = true; rest > 0; first = false)
            foreach (var word in Sentence(ref seed).Split(' '))
            {
                var piece = first || text.Length == 0 || text[^1] == '\n' ? word : " " + word;
                var size = length.InTokens ? Tokenizer.Count(piece) : 1;
                if (rest <= 0)
                    break;
                text.Append(piece);
                first = false;
                rest -= size;
            }
        return text.ToString();
    }

    private static string Block(int section, ref uint seed) => (section % 8) switch
    {
        0 => string.Create(CultureInfo.InvariantCulture, $"## Part {section / 8 + 1}"),
        3 => $"- {Sentence(ref seed)}\n- {Sentence(ref seed)}\n  - {Sentence(ref seed)}\n  - {Sentence(ref seed)}\n- {Sentence(ref seed)}",
        5 => (section / 8 % 4) switch
        {
            0 => "```python\nfor token in stream:\n    print(token, end=\"\", flush=True)\n```",
            1 => "| Piece | Length | Kind |\n|---|---:|---|\n| ` the` | 4 | word |\n| `2026` | 4 | number |\n| `…` | 1 | symbol |",
            2 => "$$\n\\sum_{k=1}^{n} k = \\frac{n(n+1)}{2}\n$$",
            _ => "```sql\nSELECT phase, count(*) FROM turns GROUP BY phase;\n```",
        },
        6 => $"> {Sentence(ref seed)} {Sentence(ref seed)}",
        _ => Paragraph(ref seed),
    };

    private static string Paragraph(ref uint seed)
    {
        var sentences = new string[3 + Next(ref seed) % 4];
        for (var i = 0; i < sentences.Length; i++)
            sentences[i] = Sentence(ref seed);
        return string.Join(' ', sentences);
    }

    private static string Sentence(ref uint seed) =>
        $"{Subjects[Next(ref seed) % Subjects.Length]} {Verbs[Next(ref seed) % Verbs.Length]} {Objects[Next(ref seed) % Objects.Length]} {Details[Next(ref seed) % Details.Length]}.";

    // A linear congruential generator: the same text on every machine.
    private static uint Next(ref uint seed)
    {
        seed = seed * 1_664_525 + 1_013_904_223;
        return seed >> 16;
    }

    private static int CountWords(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
}
