using Llasta.ModelSim.Answers;
using Llasta.ModelSim.Prompts;
using Llasta.ModelSim.Protocol;

namespace Llasta.ModelSim.Generation;

/// <summary>
/// What the simulated model generates for a request: a text with its thinking in <c>&lt;think&gt;</c> tags, as Qwen3 writes it.
/// The same conversation has the same text, so that a continued answer equals the one that was never cut.
/// </summary>
/// <param name="Text">The text.</param>
/// <param name="StartsThinking">Whether the text begins inside the thinking.</param>
/// <param name="StopText">The request's stop string that ends the text, or null.</param>
internal sealed record Completion(string Text, bool StartsThinking, string? StopText)
{
    public static Completion For(ChatRequest request, ModelSimOptions options)
    {
        var question = new Question(request.Messages);
        var answer = Answer.To(question);
        var completion = request is { ContinueFinalMessage: true, Messages: [.., { Role: "assistant" } partial] }
            // Qwen3's template strips the partial answer's leading newlines.
            ? Continue(partial.Content.TrimStart('\n'))
            : new(request.EnableThinking ? $"{Tokenizer.ThinkStart}{Thought()}{answer}" : answer, request.EnableThinking, null);
        return completion.StopAt(request.Stop);

        Completion Continue(string partial)
        {
            // The prompt's last think block is closed, so the reasoning parser takes everything for content.
            if (!partial.StartsWith(Tokenizer.ThinkStart, StringComparison.Ordinal))
                return new(Rest(answer, partial) ?? Answer.ForeignContinuation, false, null);
            var seen = partial[Tokenizer.ThinkStart.Length..].TrimStart('\n');
            var ended = seen.Contains(Tokenizer.ThinkEnd, StringComparison.Ordinal);
            var rest = Rest(Thought().TrimStart('\n') + answer, seen) ?? (ended ? Answer.ForeignContinuation : $"\n{Tokenizer.ThinkEnd}\n\n{answer}");
            return new(rest, request.EnableThinking && !ended, null);
        }

        // From the opening tag on, with the closing tag and the blank line after it.
        string Thought()
        {
            var thought = $"\n{Thinking.About(question, options.ThinkingTokens)}\n";
            return $"{thought[..Tokenizer.LengthOf(thought, request.ThinkingTokenBudget ?? int.MaxValue)]}{Tokenizer.ThinkEnd}\n\n";
        }
    }

    /// <summary>What follows in a text after its beginning, or null where it begins otherwise.</summary>
    private static string? Rest(string text, string beginning) => text.StartsWith(beginning, StringComparison.Ordinal) ? text[beginning.Length..] : null;

    private Completion StopAt(IReadOnlyList<string> stops) =>
        stops.Where(stop => stop.Length > 0 && Text.Contains(stop, StringComparison.Ordinal)).MinBy(stop => Text.IndexOf(stop, StringComparison.Ordinal)) is { } first
            ? this with { Text = Text[..Text.IndexOf(first, StringComparison.Ordinal)], StopText = first }
            : this;
}

/// <summary>What a token is for.</summary>
internal enum TokenKind
{
    Thinking,
    Answer,

    /// <summary>A token that counts and has no text on the wire: a tag that the reasoning parser removes.</summary>
    Tag,
}

/// <summary>Steps through a completion token by token.</summary>
internal struct TokenCursor(Completion completion, ModelSimOptions options)
{
    private readonly string _text = completion.Text;
    private readonly bool _parses = options.HasReasoningParser;
    private readonly bool _cutsNewlines = options.FrontEnd == FrontEnd.Rust;
    private bool _afterThinking;

    /// <summary>Whether the text at the end of the current token is still thinking.</summary>
    public bool IsThinking { get; private set; } = completion.StartsThinking;

    public TokenKind Kind { get; private set; }

    public int Start { get; private set; }

    public int End { get; private set; }

    public readonly ReadOnlySpan<char> Piece => _text.AsSpan(Start, End - Start);

    public bool MoveNext()
    {
        if (End == _text.Length)
            return false;
        Start = End;
        End += Tokenizer.PieceLength(_text.AsSpan(Start));
        var wasThinking = IsThinking;
        var closes = wasThinking && Piece.SequenceEqual(Tokenizer.ThinkEnd);
        IsThinking = wasThinking && !closes;
        Kind = _parses && (closes || (wasThinking && Piece.SequenceEqual(Tokenizer.ThinkStart))) ? TokenKind.Tag
            : _parses && _cutsNewlines && _afterThinking && Piece.Trim('\n').IsEmpty ? TokenKind.Tag
            : wasThinking ? TokenKind.Thinking
            : TokenKind.Answer;
        _afterThinking = closes;
        return true;
    }
}
