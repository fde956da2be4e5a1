using System.Reflection;
using System.Text.RegularExpressions;
using Llasta.ChatApi.Contract;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>The codes of problems are the same wherever they are listed.</summary>
public sealed partial class ProblemCodeTests
{
    private static string[] Codes => [.. typeof(ProblemCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(constant => (string)constant.GetRawConstantValue()!).Order(StringComparer.Ordinal)];

    [Fact]
    public void The_READMEs_table_lists_all_codes()
    {
        var readme = File.ReadAllText(Repository.PathOf("README.md"));
        var table = readme[readme.IndexOf("| Code | Status |", StringComparison.Ordinal)..];

        Assert.Equal(Codes, Code().Matches(table[..table.IndexOf("\n\n", StringComparison.Ordinal)]).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_page_knows_all_codes_that_a_turn_can_have()
    {
        var wire = File.ReadAllText(Repository.PathOf("Llasta.Web/ui/src/turn/wire.ts"));
        var list = wire[wire.IndexOf("problemCodes = [", StringComparison.Ordinal)..];

        // Only /api/tokens answers not-supported; the page shows no count then.
        Assert.Equal(Codes.Except([ProblemCodes.NotSupported]), Quoted().Matches(list[..list.IndexOf(']', StringComparison.Ordinal)]).Select(match => match.Groups[1].Value).Intersect(Codes).Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"^\| `([a-z-]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Code();

    [GeneratedRegex("\"([a-z-]+)\"")]
    private static partial Regex Quoted();
}
