using System.Text;

namespace Llasta.ModelSim.Prompts;

/// <summary>
/// A tokenizer of our own: pieces of about four characters whose concatenation is the text, cut in Qwen's manner (a word
/// takes the space before it, digits come in threes, newlines together, special tokens whole). Counts are near Qwen's, not equal.
/// As in Qwen's, an emoji is more than one token: a piece may end in the first half of a surrogate pair.
/// </summary>
internal static class Tokenizer
{
    /// <summary>Opens the thinking.</summary>
    public const string ThinkStart = "<think>";

    /// <summary>Closes the thinking.</summary>
    public const string ThinkEnd = "</think>";

    /// <summary>Opens a message of the chat template.</summary>
    public const string MessageStart = "<|im_start|>";

    /// <summary>Closes a message of the chat template.</summary>
    public const string MessageEnd = "<|im_end|>";

    private const int LongestWordPiece = 6;
    private const int LongestNumberPiece = 3;
    private const int LongestSymbolPiece = 3;
    private const int VocabularySize = 151_643;

    /// <summary>The length of the piece that <paramref name="text"/> (not empty) begins with.</summary>
    public static int PieceLength(ReadOnlySpan<char> text)
    {
        if (text[0] == '<' && SpecialLength(text) is var special and > 0)
            return special;
        if (char.IsLowSurrogate(text[0]))
            return 1;
        if (text[0] is '\n' or '\r')
            return Run(text, 0, int.MaxValue, rune => rune.Value is '\n' or '\r');
        var spaces = Run(text, 0, int.MaxValue, rune => rune.Value is ' ' or '\t');
        // Indentation is a piece of its own; its last space belongs to the word behind it.
        if (spaces > 1 || spaces == text.Length)
            return spaces == text.Length ? spaces : spaces - 1;

        Rune.DecodeFromUtf16(text[spaces..], out var first, out var length);
        if (length == 2)
            return spaces + 1;
        if (IsIdeograph(first))
            return spaces + length;
        if (Rune.IsLetter(first))
            return Run(text, spaces, LongestWordPiece, rune => Rune.IsLetter(rune) && !IsIdeograph(rune));
        if (Rune.IsDigit(first))
            return Run(text, spaces, LongestNumberPiece, Rune.IsDigit);
        return first.Value is '<' or '\n' or '\r'
            ? (spaces == 0 ? length : spaces)
            : Run(text, spaces, LongestSymbolPiece, rune => !Rune.IsLetterOrDigit(rune) && !Rune.IsWhiteSpace(rune) && rune.Value != '<', atLeastOne: true);
    }

    /// <summary>How many pieces the text has.</summary>
    public static int Count(ReadOnlySpan<char> text)
    {
        var count = 0;
        for (; !text.IsEmpty; text = text[PieceLength(text)..])
            count++;
        return count;
    }

    /// <summary>The length in characters of the text's first <paramref name="count"/> pieces.</summary>
    public static int LengthOf(ReadOnlySpan<char> text, int count)
    {
        var rest = text;
        for (; count > 0 && !rest.IsEmpty; count--)
            rest = rest[PieceLength(rest)..];
        return text.Length - rest.Length;
    }

    /// <summary>A number for a piece, stable and within Qwen3's vocabulary.</summary>
    public static int Id(ReadOnlySpan<char> piece) => (int)(Hash(piece) % VocabularySize);

    /// <summary>A number for a text, the same on every machine and in every run (FNV-1a).</summary>
    public static uint Hash(ReadOnlySpan<char> text)
    {
        var hash = 2_166_136_261u;
        foreach (var character in text)
            hash = (hash ^ character) * 16_777_619;
        return hash;
    }

    private static int SpecialLength(ReadOnlySpan<char> text) =>
        text.StartsWith(ThinkStart, StringComparison.Ordinal) ? ThinkStart.Length
        : text.StartsWith(ThinkEnd, StringComparison.Ordinal) ? ThinkEnd.Length
        : text.StartsWith(MessageStart, StringComparison.Ordinal) ? MessageStart.Length
        : text.StartsWith(MessageEnd, StringComparison.Ordinal) ? MessageEnd.Length
        : 0;

    private static int Run(ReadOnlySpan<char> text, int from, int most, Func<Rune, bool> belongs, bool atLeastOne = false)
    {
        var at = from;
        for (var taken = 0; taken < most && at < text.Length; taken++)
        {
            Rune.DecodeFromUtf16(text[at..], out var rune, out var length);
            if ((length == 2 || !belongs(rune)) && !(atLeastOne && taken == 0))
                break;
            at += length;
        }
        return at;
    }

    private static bool IsIdeograph(Rune rune) => rune.Value is >= 0x2E80 and <= 0xD7FF or >= 0xF900 and <= 0xFAFF;
}
