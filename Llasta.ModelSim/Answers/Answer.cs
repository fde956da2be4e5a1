using System.Globalization;
using System.Text;
using Llasta.ModelSim.Prompts;

namespace Llasta.ModelSim.Answers;

/// <summary>
/// Chooses a prepared answer. The same conversation has the same answer whatever the sampling, the thinking or the limits, so that a
/// continued answer equals the one that was never cut.
/// </summary>
internal static class Answer
{
    /// <summary>Continues a partial answer that the simulator didn't write.</summary>
    public const string ForeignContinuation = " … and here the simulator stops: it did not write the beginning of this answer, and no real model is connected that could continue it.";

    /// <summary>The text of the endless stream's chunks.</summary>
    public const string Endless = " and so on";

    private const int LongestQuote = 120;

    private static readonly (string[] Words, string Passage)[] Topics =
    [
        (["table", "tables", "compare", "comparison"], Passages.Table),
        (["code", "program", "function", "script", "snippet"], Passages.Code),
        (["math", "maths", "mathematics", "formula", "formulas", "equation", "equations", "latex"], Passages.Math),
        (["note", "notes", "footnote", "footnotes", "warning"], Passages.Notes),
        (["language", "languages", "chinese", "japanese", "korean", "arabic", "hebrew"], Passages.Languages),
        (["list", "lists", "bullets", "checklist", "steps"], Passages.Lists),
    ];

    public static string For(IReadOnlyList<Message> messages)
    {
        var asked = messages.LastOrDefault(message => message.Role == "user")?.Content ?? "";
        if (LengthRequest.In(asked) is { } length)
            return LongText.Of(length, Seed(asked));
        var words = Words(asked);
        if (words.Contains("everything"))
            return Passages.Everything;
        var topics = Topics.Where(topic => topic.Words.Any(words.Contains)).Select(topic => topic.Passage).ToList();
        if (topics.Count > 0)
            return $"{About.Notice}\n\n{string.Join("\n\n", topics)}\n\n{About.HowToConnectInShort}";
        if (words.Contains("connect") || words.Contains("connected") || (words.Contains("real") && words.Contains("model")))
            return About.HowToConnect;
        if (words.Contains("you") && (words.Contains("who") || words.Contains("what")) && words.Contains("are"))
            return About.WhatAreYou;
        return Ordinary(asked, messages.Count(message => message.Role == "user"));
    }

    /// <summary>A number for a text, the same on every machine and in every run.</summary>
    public static uint Seed(string text)
    {
        var hash = 2_166_136_261u;
        foreach (var character in text)
            hash = (hash ^ character) * 16_777_619;
        return hash;
    }

    public static HashSet<string> Words(string text)
    {
        var words = new HashSet<string>(StringComparer.Ordinal);
        var word = new StringBuilder();
        foreach (var character in text + " ")
        {
            if (char.IsLetterOrDigit(character))
            {
                word.Append(char.ToLowerInvariant(character));
                continue;
            }
            if (word.Length > 0)
                words.Add(word.ToString());
            word.Clear();
        }
        return words;
    }

    /// <summary>The text's beginning on one line, without characters that Markdown or the chat template would interpret.</summary>
    public static string Quote(string text)
    {
        var quote = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
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

    private static string Ordinary(string asked, int turn)
    {
        var quote = Quote(asked);
        var seed = Seed(asked);
        var opening = About.Openings[seed % About.Openings.Length];
        var aside = About.Asides[seed / 7 % About.Asides.Length];
        var said = quote.Length == 0 ? "Your message was empty, which is a fine way to begin." : $"You wrote:\n\n> {quote}";
        var words = Words(asked).Count;
        var size = string.Create(CultureInfo.InvariantCulture, $"That is **{words} {(words == 1 ? "word" : "different words")}** in message *{turn}* of this conversation; the simulator read them and understood nothing.");
        return $"{opening}\n\n{said}\n\n{size} {aside}\n\n{About.WhatToTry}\n\n{About.HowToConnectInShort}";
    }
}
