using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Llasta.AppHost.Kubernetes;

/// <summary>Kubernetes objects as YAML nodes: read, addressed by path, and written as a person would.</summary>
internal static partial class Yaml
{
    public static IEnumerable<YamlMappingNode> Documents(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return stream.Documents.Select(document => (YamlMappingNode)document.RootNode);
    }

    public static string Kind(this YamlMappingNode o) => ((YamlScalarNode)o["kind"]).Value!;

    public static string Name(this YamlMappingNode o) => ((YamlScalarNode)o["metadata"]["name"]).Value!;

    public static string Component(this YamlMappingNode o) => ((YamlScalarNode)o["metadata"]["labels"]["app.kubernetes.io/component"]).Value!;

    /// <summary>A copy that names its namespace, so that applying the file needs no flag.</summary>
    public static YamlMappingNode In(this YamlMappingNode o, string @namespace)
    {
        var copy = o.Copy();
        ((YamlMappingNode)copy["metadata"]).Children.Insert(1, "namespace", @namespace);
        return copy;
    }

    public static YamlMappingNode Copy(this YamlMappingNode o) => Documents(Text(o)).Single();

    /// <summary>The node at a path of keys and indexes such as <c>spec/template/spec/containers/0/image</c>.</summary>
    public static YamlNode At(this YamlNode node, string path) =>
        path.Split('/').Aggregate(node, (at, key) => at is YamlSequenceNode list ? list[int.Parse(key, System.Globalization.CultureInfo.InvariantCulture)] : at[key]);

    /// <summary>Replaces the node at a path, or adds it to its parent.</summary>
    public static void Set(this YamlNode node, string path, YamlNode value)
    {
        var slash = path.LastIndexOf('/');
        var (parent, key) = (slash < 0 ? node : node.At(path[..slash]), path[(slash + 1)..]);
        if (parent is YamlSequenceNode list)
            list.Children[int.Parse(key, System.Globalization.CultureInfo.InvariantCulture)] = value;
        else
            ((YamlMappingNode)parent).Children[key] = value;
    }

    public static IEnumerable<YamlScalarNode> Scalars(YamlNode node) => node.AllNodes.OfType<YamlScalarNode>();

    /// <summary>Values by their dotted path.</summary>
    public static Dictionary<string, string> Leaves(YamlMappingNode root)
    {
        var leaves = new Dictionary<string, string>();
        Walk(root, "");
        return leaves;

        void Walk(YamlMappingNode map, string prefix)
        {
            foreach (var (key, value) in map)
            {
                var path = prefix + key;
                if (value is YamlMappingNode inner)
                    Walk(inner, path + ".");
                else if (value is YamlScalarNode leaf)
                    leaves[path] = leaf.Value!;
            }
        }
    }

    /// <summary>The order in which a person would write; other keys follow as they come.</summary>
    private static readonly string[] s_order =
    [
        "apiVersion", "kind", "metadata", "name", "namespace", "labels", "annotations",
        "type", "replicas", "selector", "strategy", "template", "spec",
        "securityContext", "enableServiceLinks", "automountServiceAccountToken", "terminationGracePeriodSeconds", "containers",
        "from", "to", "accessModes", "storageClassName",
        "image", "imagePullPolicy", "command", "args", "ports", "env", "envFrom", "resources", "requests", "limits", "volumeMounts",
        "httpGet", "path", "port", "containerPort", "targetPort", "protocol", "scheme",
        "startupProbe", "readinessProbe", "livenessProbe", "lifecycle",
    ];

    /// <summary>Puts the keys of every mapping in that order.</summary>
    public static void Order(YamlNode node)
    {
        foreach (var map in node.AllNodes.OfType<YamlMappingNode>().ToList())
        {
            var entries = map.Children.OrderBy(entry => Array.IndexOf(s_order, entry.Key.ToString()) is var rank and >= 0 ? rank : s_order.Length).ToList();
            map.Children.Clear();
            foreach (var (key, value) in entries)
                map.Children.Add(key, value);
        }
    }

    /// <summary>In block style, with quotes only where a string would be read as something else.</summary>
    public static string Text(YamlNode node)
    {
        foreach (var scalar in Scalars(node).Where(scalar => scalar.Style is ScalarStyle.DoubleQuoted or ScalarStyle.SingleQuoted))
            scalar.Style = ReadAsSomethingElse().IsMatch(scalar.Value!) ? ScalarStyle.DoubleQuoted : ScalarStyle.Any;

        var text = new StringWriter { NewLine = "\n" };
        var settings = new EmitterSettings(bestIndent: 2, bestWidth: int.MaxValue, isCanonical: false, maxSimpleKeyLength: 1024, indentSequences: true);
        new YamlStream(new YamlDocument(node)).Save(new Emitter(text, settings), assignAnchors: false);
        // YamlDotNet ends a document that it was not told to end.
        return text.ToString().Replace("...\n", "", StringComparison.Ordinal);
    }

    [GeneratedRegex("^(|~|null|true|false|yes|no|on|off|y|n|[-+]?[0-9][0-9_.:eExo+-]*|[-+]?\\.[0-9].*)$", RegexOptions.IgnoreCase)]
    private static partial Regex ReadAsSomethingElse();
}
