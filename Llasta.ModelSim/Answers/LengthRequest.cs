using System.Globalization;
using System.Text.RegularExpressions;

namespace Llasta.ModelSim.Answers;

/// <summary>A length that a message asks for: "2000 words", "a 2,000-word essay", "about 2k tokens".</summary>
internal readonly partial record struct LengthRequest(int Count, bool InTokens)
{
    private const int Most = 200_000;

    public static LengthRequest? In(string text)
    {
        var match = Pattern.Match(text);
        if (!match.Success || !double.TryParse(match.Groups[1].Value.Replace(",", "", StringComparison.Ordinal), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            return null;
        var count = (int)Math.Clamp(number * (match.Groups[2].Length > 0 ? 1000 : 1), 1, Most);
        return new(count, match.Groups[3].Value.StartsWith("tok", StringComparison.OrdinalIgnoreCase));
    }

    [GeneratedRegex(@"\b(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)\s?(k)?[\s-]?(words?|tokens?)\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Pattern { get; }
}
