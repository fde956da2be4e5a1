using System.Security.Cryptography;
using System.Text;
using k8s.Models;

namespace Llasta.Tests.Manifests;

/// <summary>
/// The Helm chart as rendered with one set of values: the files in <c>Renderings</c>, which <c>render.sh</c> makes. So the
/// chart is tested where there is no Helm, and each rendering says of which chart it is.
/// </summary>
internal sealed class ChartRendering(string name)
{
    private const string Folder = "Llasta.Tests/Manifests/Renderings";

    public static readonly IReadOnlyList<string> Names = [.. Directory.EnumerateFiles(Repository.PathOf(Folder), "*.yaml")
        .Select(file => Path.GetFileNameWithoutExtension(file)).Where(file => !file.EndsWith(".values", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    public string Text { get; } = File.ReadAllText(Repository.PathOf($"{Folder}/{name}.yaml"));

    /// <summary>The values that the chart was rendered with, as a path in the repository; null for the chart's own.</summary>
    public string? Values => name switch
    {
        "default" => null,
        "openshift" => "aspire-manifests/chart/values-openshift.yaml",
        _ => $"{Folder}/{name}.values.yaml",
    };

    /// <summary>The digest of the chart and the values that the rendering was made from.</summary>
    public string MadeFrom => Text.Split('\n')[1]["# Inputs: ".Length..];

    /// <summary>The digest of the chart and the values as they are now: that of the lines that <c>sha256sum</c> prints for them.</summary>
    public string Digest()
    {
        var root = Repository.PathOf("");
        var files = Directory.EnumerateFiles(Path.Combine(Manifest.Folder, "chart"), "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(root, file).Replace('\\', '/'))
            .Concat(Values is null ? [] : [Values]).Distinct().Order(StringComparer.Ordinal);
        return Hash(Encoding.UTF8.GetBytes(string.Concat(files.Select(file => $"{Hash(File.ReadAllBytes(Path.Combine(root, file)))}  {file}\n"))));

        static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    /// <summary>What an installation makes: everything but the objects of <c>helm test</c>.</summary>
    public Manifest Installed() => Load(isTest: false);

    /// <summary>The objects of <c>helm test</c>.</summary>
    public Manifest Test() => Load(isTest: true);

    private Manifest Load(bool isTest) =>
        new(name, [.. Manifest.Parse(name, Text).Objects.Where(o => (o.Metadata.Annotations?.ContainsKey("helm.sh/hook") is true) == isTest)]);
}
