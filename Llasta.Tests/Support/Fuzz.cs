using System.Globalization;
using System.Text;

namespace Llasta.Tests.Support;

/// <summary>
/// What all tests with random inputs share. Their seeds are fixed, and a failure names seed and case. A longer run by hand (CONTRIBUTING.md):
/// <c>FUZZ=100</c> in the environment makes a hundred times as many cases, <c>FUZZ_SEED=7</c> others.
/// </summary>
internal static class Fuzz
{
    /// <summary>How many times as many cases as in the suite.</summary>
    public static int Factor { get; } = Number("FUZZ", 1);

    /// <summary>The generator of a test's cases.</summary>
    /// <param name="seed">The test's own seed.</param>
    public static Random Random(int seed) => new(seed + (1000 * Number("FUZZ_SEED", 0)));

    /// <summary>Changes a few places: removes some characters, inserts one of the pieces, or doubles what is there.</summary>
    /// <param name="text">Characters or, as Latin-1, bytes.</param>
    /// <param name="pieces">What may be inserted.</param>
    /// <param name="random">Decides.</param>
    public static string Change(string text, string[] pieces, Random random)
    {
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            var at = random.Next(text.Length + 1);
            var length = Math.Min(random.Next(8) == 0 ? random.Next(200) : random.Next(4), text.Length - at);
            var put = random.Next(5) switch
            {
                0 => "",
                1 => string.Concat(text.AsSpan(at, length), text.AsSpan(at, length)),
                _ => pieces[random.Next(pieces.Length)],
            };
            text = text[..at] + put + text[(at + length)..];
        }

        return text;
    }

    /// <summary>Shows bytes in a failure's message.</summary>
    public static string Show(string latin1)
    {
        var shown = new StringBuilder();
        foreach (var c in latin1.Length > 4000 ? latin1[..4000] : latin1)
        {
            if (c is < ' ' or > '~')
                shown.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
            else
                shown.Append(c);
        }

        return shown.ToString();
    }

    private static int Number(string variable, int otherwise) => int.Parse(Environment.GetEnvironmentVariable(variable) ?? $"{otherwise}", CultureInfo.InvariantCulture);
}
