using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Llasta.ModelSim.Prompts;

namespace Llasta.ModelSim.Answers;

/// <summary>The last user message of a conversation, and what the simulator understands of it.</summary>
internal sealed partial class Question(IReadOnlyList<Message> messages)
{
    private const int LongestText = 200_000;
    private const int LongestQuote = 120;

    private readonly string _text = messages.LastOrDefault(message => message.Role == "user")?.Content ?? "";

    /// <summary>The number of user messages up to this one.</summary>
    public int Turn => messages.Count(message => message.Role == "user");

    /// <summary>A number for the text, the same on every machine and in every run.</summary>
    public uint Seed => Tokenizer.Hash(_text);

    /// <summary>Its different words, in lower case.</summary>
    public HashSet<string> Words => field ??= [.. Word.Matches(_text).Select(word => word.Value.ToLowerInvariant())];

    /// <summary>Whether it has one of these words.</summary>
    public bool HasAny(params string[] words) => words.Any(Words.Contains);

    /// <summary>The length that it asks for: "2000 words", "a 2,000-word essay", "about 2k tokens".</summary>
    public (int Count, bool InTokens)? ReadLength()
    {
        var match = LengthWords.Match(_text);
        if (!match.Success || !double.TryParse(match.Groups[1].Value.Replace(",", "", StringComparison.Ordinal), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            return null;
        var count = (int)Math.Clamp(number * (match.Groups[2].Length > 0 ? 1000 : 1), 1, LongestText);
        return (count, match.Groups[3].Value.StartsWith("tok", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Its beginning on one line, without characters that Markdown or the chat template would interpret.</summary>
    public string Quote()
    {
        var quote = new StringBuilder();
        foreach (var rune in _text.EnumerateRunes())
        {
            if (quote.Length >= LongestQuote)
                return quote.Append('…').ToString();
            if (Rune.IsWhiteSpace(rune))
                _ = quote.Length == 0 || quote[^1] == ' ' ? quote : quote.Append(' ');
            else if (!Rune.IsControl(rune) && !"<>`*_[]|$\\#~".Contains(rune.ToString(), StringComparison.Ordinal))
                quote.Append(rune.ToString());
        }
        return quote.ToString().TrimEnd();
    }

    [GeneratedRegex(@"[\p{L}\p{Nd}]+")]
    private static partial Regex Word { get; }

    [GeneratedRegex(@"\b(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)\s?(k)?[\s-]?(words?|tokens?)\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex LengthWords { get; }
}
