using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Llasta.AppHost.Kubernetes;

/// <summary>Kubernetes objects as YAML nodes: reading them, and writing them as a person would.</summary>
internal static partial class KubernetesYaml
{
    public static IEnumerable<YamlMappingNode> Documents(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return stream.Documents.Select(document => (YamlMappingNode)document.RootNode);
    }

    public static string Kind(this YamlMappingNode o) => ((YamlScalarNode)o["kind"]).Value!;

    public static string Name(this YamlMappingNode o) => ((YamlScalarNode)o["metadata"]["name"]).Value!;

    public static string Component(this YamlMappingNode o) => ((YamlScalarNode)o["metadata"]["labels"][Labels.Component]).Value!;

    /// <summary>The order in which a person would write the keys; all others follow in their own order.</summary>
    private static readonly string[] Order =
    [
        "apiVersion", "kind", "metadata", "name", "namespace", "labels", "annotations",
        "app.kubernetes.io/name", "app.kubernetes.io/component", "app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/part-of", "app.kubernetes.io/managed-by",
        "type", "replicas", "selector", "strategy", "template", "spec",
        "securityContext", "enableServiceLinks", "automountServiceAccountToken", "terminationGracePeriodSeconds", "containers",
        "from", "to", "accessModes", "storageClassName",
        "image", "imagePullPolicy", "command", "args", "ports", "env", "envFrom", "resources", "requests", "limits", "volumeMounts",
        "httpGet", "path", "port", "containerPort", "targetPort", "protocol", "scheme",
        "startupProbe", "readinessProbe", "livenessProbe", "lifecycle",
    ];

    /// <summary>The object in block style, with keys in order and with quotes only where a string would be read as another type.</summary>
    public static string Text(YamlMappingNode o)
    {
        foreach (var map in o.AllNodes.OfType<YamlMappingNode>().ToList())
        {
            var entries = map.Children.OrderBy(entry => Array.IndexOf(Order, entry.Key.ToString()) is var rank and >= 0 ? rank : Order.Length).ToList();
            map.Children.Clear();
            foreach (var (key, value) in entries)
                map.Children.Add(key, value);
        }
        foreach (var scalar in o.AllNodes.OfType<YamlScalarNode>().Where(scalar => scalar.Style is ScalarStyle.DoubleQuoted or ScalarStyle.SingleQuoted))
            scalar.Style = IsReadAsAnotherType().IsMatch(scalar.Value!) ? ScalarStyle.DoubleQuoted : ScalarStyle.Any;

        var text = new StringWriter { NewLine = "\n" };
        var settings = new EmitterSettings(bestIndent: 2, bestWidth: int.MaxValue, isCanonical: false, maxSimpleKeyLength: 1024, indentSequences: true);
        new YamlStream(new YamlDocument(o)).Save(new Emitter(text, settings), assignAnchors: false);
        // YamlDotNet marks the end of a document.
        return text.ToString().Replace("...\n", "", StringComparison.Ordinal);
    }

    [GeneratedRegex("^(|~|null|true|false|yes|no|on|off|y|n|[-+]?[0-9][0-9_.:eExo+-]*|[-+]?\\.[0-9].*)$", RegexOptions.IgnoreCase)]
    private static partial Regex IsReadAsAnotherType();
}
