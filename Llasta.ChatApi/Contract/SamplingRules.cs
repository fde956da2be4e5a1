namespace Llasta.ChatApi.Contract;

/// <summary>The range of a sampling parameter.</summary>
/// <param name="Name">The parameter's name in JSON.</param>
/// <param name="Value">Reads the parameter.</param>
/// <param name="Min">The least value.</param>
/// <param name="Max">The greatest value, if there is one.</param>
/// <param name="AboveMin">The least value itself is not allowed.</param>
/// <param name="Words">The range in words.</param>
internal sealed record SamplingRange(string Name, Func<Sampling, double?> Value, decimal Min, decimal? Max, bool AboveMin, string Words);

/// <summary>The ranges of sampling parameters, for requests, for settings and for the OpenAPI document.</summary>
internal static class SamplingRules
{
    /// <summary>All ranges.</summary>
    internal static readonly IReadOnlyList<SamplingRange> Ranges =
    [
        new("temperature", sampling => sampling.Temperature, 0, 2, AboveMin: false, "from 0 to 2"),
        new("topP", sampling => sampling.TopP, 0, 1, AboveMin: true, "above 0 and at most 1"),
        new("topK", sampling => sampling.TopK, 1, null, AboveMin: false, "1 or more"),
        new("minP", sampling => sampling.MinP, 0, 1, AboveMin: false, "from 0 to 1"),
        new("maxTokens", sampling => sampling.MaxTokens, 1, null, AboveMin: false, "1 or more"),
        new("thinkingTokens", sampling => sampling.ThinkingTokens, 0, null, AboveMin: false, "0 or more"),
    ];

    /// <summary>Checks sampling parameters.</summary>
    /// <returns>The range of the first parameter that is outside of it, or null.</returns>
    internal static SamplingRange? Check(Sampling? sampling) => sampling is null ? null
        : Ranges.FirstOrDefault(range => range.Value(sampling) is { } value
            && !(value >= (double)range.Min && (!range.AboveMin || value > (double)range.Min) && (range.Max is not { } max || value <= (double)max)));
}
