using YamlDotNet.RepresentationModel;

namespace Llasta.AppHost.Tests.Aspirate;

/// <summary>aspire-manifests/chatbot.yaml.</summary>
internal static class FlatFile
{
    public static IReadOnlyList<KubernetesObject> Objects { get; } =
        KubernetesObject.Parse(File.ReadAllText(Repository.PathOf("aspire-manifests/chatbot.yaml")));

    public static string ImageOf(string deployment) =>
        Objects.Single(o => o.Id == $"Deployment/{deployment}").Root["spec"]["template"]["spec"]["containers"][0]["image"].ToString();
}

/// <summary>A Kubernetes object.</summary>
internal sealed record KubernetesObject(YamlMappingNode Root)
{
    public string Id => $"{Root["kind"]}/{Root["metadata"]["name"]}";

    public static IReadOnlyList<KubernetesObject> Parse(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return [.. stream.Documents.Select(document => document.RootNode).OfType<YamlMappingNode>().Select(root => new KubernetesObject(root))];
    }

    /// <summary>A text that is the same for objects that are the same for Kubernetes: keys in order, strings told from other types.</summary>
    public string Canonical => Write(Root, "");

    private static string Write(YamlNode node, string path) => node switch
    {
        YamlMappingNode map => string.Concat(map.OrderBy(entry => entry.Key.ToString(), StringComparer.Ordinal).Select(entry => Write(entry.Value, $"{path}.{entry.Key}"))),
        YamlSequenceNode list => string.Concat(list.Select((item, i) => Write(item, $"{path}[{i}]"))) + (list.Children.Count == 0 ? $"{path}: []\n" : ""),
        YamlScalarNode scalar => $"{path}: {(IsString(scalar) ? "string" : "other")} {scalar.Value}\n",
        _ => throw new NotSupportedException(node.NodeType.ToString()),
    };

    private static bool IsString(YamlScalarNode scalar) =>
        scalar.Style != YamlDotNet.Core.ScalarStyle.Plain || !(scalar.Value is "" or "~" or "null" or "true" or "false" || double.TryParse(scalar.Value, System.Globalization.CultureInfo.InvariantCulture, out _));
}
