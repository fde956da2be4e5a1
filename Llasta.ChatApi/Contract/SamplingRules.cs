namespace Llasta.ChatApi.Contract;

/// <summary>The ranges of sampling parameters, for requests and for settings.</summary>
internal static class SamplingRules
{
    /// <summary>Checks sampling parameters.</summary>
    /// <returns>The first parameter out of its range and the range, or null.</returns>
    internal static (string Name, string Rule)? Check(Sampling? sampling) => sampling switch
    {
        { Temperature: < 0 or > 2 or double.NaN } => ("temperature", "from 0 to 2"),
        { TopP: <= 0 or > 1 or double.NaN } => ("topP", "above 0 and at most 1"),
        { TopK: < -1 or 0 } => ("topK", "1 or more, or -1 for all tokens"),
        { MinP: < 0 or > 1 or double.NaN } => ("minP", "from 0 to 1"),
        { MaxTokens: < 1 } => ("maxTokens", "1 or more"),
        { ThinkingTokens: < 0 } => ("thinkingTokens", "0 or more"),
        _ => null,
    };
}
