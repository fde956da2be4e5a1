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

    private static readonly (string Text, string[] Words)[] Topics =
    [
        ("table", ["table", "tables", "compare", "comparison"]),
        ("code", ["code", "program", "function", "script", "snippet"]),
        ("math", ["math", "maths", "mathematics", "formula", "formulas", "equation", "equations", "latex"]),
        ("notes", ["note", "notes", "footnote", "footnotes", "warning"]),
        ("languages", ["language", "languages", "chinese", "japanese", "korean", "arabic", "hebrew"]),
        ("lists", ["list", "lists", "bullets", "checklist", "steps"]),
    ];

    public static string To(Question question)
    {
        if (question.ReadLength() is var (count, inTokens))
            return new LongText(question.Seed, inTokens).Of(count);
        if (question.HasAny("everything"))
            return Texts.Of("everything");
        var topics = Topics.Where(topic => question.HasAny(topic.Words)).Select(topic => Texts.Of(topic.Text)).ToList();
        if (topics.Count > 0)
            return $"{Texts.Of("notice")}\n\n{string.Join("\n\n", topics)}\n\n{Texts.Of("how-to-connect-in-short")}";
        if (question.HasAny("connect", "connected") || (question.HasAny("real") && question.HasAny("model")))
            return Texts.Of("how-to-connect");
        if (question.HasAny("you") && question.HasAny("who", "what") && question.HasAny("are"))
            return Texts.Of("what-are-you");
        return Ordinary(question);
    }

    private static string Ordinary(Question question)
    {
        var (openings, asides) = (Texts.Lines("openings"), Texts.Lines("asides"));
        var opening = openings[question.Seed % openings.Length];
        var aside = asides[question.Seed / 7 % asides.Length];
        var said = question.Quote() is { Length: > 0 } quote ? $"You wrote:\n\n> {quote}" : "Your message was empty, which is a fine way to begin.";
        var words = question.Words.Count;
        var size = $"That is **{words} {(words == 1 ? "word" : "different words")}** in message *{question.Turn}* of this conversation; the simulator read them and understood nothing.";
        return $"{opening}\n\n{said}\n\n{size} {aside}\n\n{Texts.Of("what-to-try")}\n\n{Texts.Of("how-to-connect-in-short")}";
    }
}
