using Llasta.ModelSim.Answers;
using Llasta.ModelSim.Prompts;
using Llasta.ModelSim.Protocol;

namespace Llasta.ModelSim.Generation;

/// <summary>
/// What the simulated model generates for a request: a text with its thinking in <c>&lt;think&gt;</c> tags, as Qwen3 writes it.
/// It depends on the conversation alone, so that an answer that goes on from a part equals the one that was never cut.
/// </summary>
internal sealed record Completion(string Text, bool StartsThinking)
{
    public static Completion For(ChatRequest request, ModelSimOptions options)
    {
        if (request is { ContinueFinalMessage: true, Messages: [.., { Role: "assistant" } partial] })
            return new(Remainder(Answer.For([.. request.Messages.Take(request.Messages.Count - 1)]), partial.Content), request.EnableThinking);

        var answer = Answer.For(request.Messages);
        if (!request.EnableThinking)
            return new(answer, false);
        var thinking = Thinking.For(request.Messages, options.ThinkingTokens, request.ThinkingTokenBudget);
        return new($"{Tokenizer.ThinkStart}\n{thinking}\n{Tokenizer.ThinkEnd}\n\n{answer}", true);
    }

    // Qwen3's template strips the partial answer's leading newlines, so the model never sees them.
    private static string Remainder(string answer, string partial)
    {
        var seen = partial.TrimStart('\n');
        return answer.StartsWith(seen, StringComparison.Ordinal) ? answer[seen.Length..] : Answer.ForeignContinuation;
    }
}

/// <summary>What a token is for.</summary>
internal enum TokenKind
{
    Thinking,
    Answer,

    /// <summary>A tag that the reasoning parser swallows: it counts, and nothing is sent for it.</summary>
    Tag,
}

/// <summary>Steps through a completion token by token.</summary>
internal struct TokenCursor(Completion completion, ReasoningField field)
{
    private readonly string _text = completion.Text;

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
        Kind = (closes || (wasThinking && Piece.SequenceEqual(Tokenizer.ThinkStart))) && field != ReasoningField.Tags ? TokenKind.Tag
            : wasThinking ? TokenKind.Thinking
            : TokenKind.Answer;
        return true;
    }
}
