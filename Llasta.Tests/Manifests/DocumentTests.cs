using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Xunit;

namespace Llasta.Tests.Manifests;

/// <summary>docs/operations.md and docs/scaling.md name files, values and figures that exist.</summary>
public sealed partial class DocumentTests
{
    private static readonly string OperationsText = File.ReadAllText(Repository.PathOf("docs/operations.md"));
    private static readonly string ScalingText = File.ReadAllText(Repository.PathOf("docs/scaling.md"));

    [Fact]
    public void Every_file_that_the_documents_name_exists() =>
        Assert.All(Find(ManifestPath()), path => Assert.True(Path.Exists(Repository.PathOf(path)), path));

    [Fact]
    public void Every_value_of_the_chart_that_the_documents_name_exists()
    {
        var schema = JsonNode.Parse(Manifest.Text("chart/values.schema.json"))!;
        var named = Find(ChartValue());
        Assert.Contains("vllm.runtimeClassName", named);
        Assert.All(named, value => Assert.NotNull(value.Split('.').Aggregate<string, JsonNode?>(schema, (node, key) =>
        {
            if ((string?)node?["$ref"] is { } reference)
                node = schema["definitions"]![reference["#/definitions/".Length..]]!;
            // A map of settings, labels or quantities has keys of its own.
            return node?["properties"]?[key] ?? (node?["additionalProperties"] is JsonObject ? node["additionalProperties"] : node?["allOf"]?[0]);
        })));
    }

    [Fact]
    public void Every_object_that_the_documents_apply_is_one_that_the_API_knows()
    {
        var objects = Applied().Matches(OperationsText).Select(match => match.Groups[1].Value).Where(text => !text.Contains("cloud.google.com", StringComparison.Ordinal)).ToList();
        Assert.Equal(["NetworkPolicy", "Pod"], objects.Select(text => Assert.Single(Manifest.Parse("operations.md", text).Objects).Kind).Order());
    }

    [Fact]
    public void Every_alert_is_explained() =>
        Assert.Equal(AlertName().Matches(Manifest.Text("addons/monitoring/rules.yaml")).Select(match => match.Groups[1].Value),
            AlertRow().Matches(OperationsText).Select(match => match.Groups[1].Value));

    [Fact]
    public void Scaling_computes_with_the_measured_figures()
    {
        var figures = Figures().Match(ScalingText);
        var (api, both, kilobytes) = (Number(figures.Groups[1]), Number(figures.Groups[2]), Number(figures.Groups[3]));
        var performance = File.ReadAllText(Repository.PathOf("docs/performance.md"));
        Assert.Matches($@"\| 400 \|[^\n]*\b{figures.Groups[1].Value} µs[^\n]*\b{figures.Groups[2].Value} µs", performance);
        Assert.Contains($" to {figures.Groups[3].Value} KB", performance, StringComparison.Ordinal);

        var rows = Row().Matches(ScalingText);
        Assert.Equal(4, rows.Count);
        foreach (var row in rows.Select(match => match.Groups))
        {
            var tokens = Number(row[1]);
            var cores = (Api: tokens * api / 1e6, Page: tokens * (both - api) / 1e6);
            Assert.Equal((Pods(cores.Api, 0.25), Pods(cores.Page, 0.25), Pods(cores.Api, 1), Pods(cores.Page, 1)), (Number(row[4]), Number(row[5]), Number(row[6]), Number(row[7])));
            Assert.Equal(cores.Api, Number(row[2]), cores.Api / 10);
            Assert.Equal(cores.Page, Number(row[3]), cores.Page / 10);
            Assert.Equal(tokens / 40 * kilobytes / 1000, Number(row[8]), tokens / 40 * kilobytes / 1000 / 20);
        }

        static double Number(Group text) => double.Parse(text.Value.Replace(",", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        static double Pods(double cores, double request) => Math.Max(2, Math.Ceiling(cores / (0.7 * request)));
    }

    private static List<string> Find(Regex pattern) => [.. pattern.Matches(OperationsText + ScalingText).Select(match => match.Value).Distinct()];

    [GeneratedRegex(@"\baspire-manifests/[\w./-]*\w")]
    private static partial Regex ManifestPath();

    [GeneratedRegex(@"(?<=`|--set |,)(?:model|sim|vllm|chatapi|chatbot|networkPolicy|ingress)(?:\.[A-Za-z_]+)+(?=`|=)")]
    private static partial Regex ChartValue();

    [GeneratedRegex("(?s)<<'EOF'\n(.*?\n)EOF")]
    private static partial Regex Applied();

    [GeneratedRegex(@"- alert: (\w+)")]
    private static partial Regex AlertName();

    [GeneratedRegex(@"(?m)^\| `(Llasta\w+)` \|")]
    private static partial Regex AlertRow();

    [GeneratedRegex(@"c = ([\d.]+) µs for chatapi and ([\d.]+) µs for both[^\n]*b = (\d+) KB")]
    private static partial Regex Figures();

    [GeneratedRegex(@"(?m)^\| [\d,]+ \| ([\d,]+) \| ([\d.]+), ([\d.]+) \| (\d+), (\d+) \| (\d+), (\d+) \| ([\d.]+) MB \|$")]
    private static partial Regex Row();
}
