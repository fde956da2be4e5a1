using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using k8s;
using k8s.Models;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Llasta.Tests.Manifests;

/// <summary>Kubernetes objects of one file or several, read strictly: a field that the API doesn't know is an error.</summary>
internal sealed partial class Manifest(string name, IReadOnlyList<IKubernetesObject<V1ObjectMeta>> objects)
{
    public static readonly string Folder = Repository.PathOf("aspire-manifests");

    /// <summary>The version of the solution, which is that of the images, the chart and the labels.</summary>
    public static readonly string SolutionVersion = typeof(global::Llasta.ChatApi.ChatApiApplication).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    public IReadOnlyList<IKubernetesObject<V1ObjectMeta>> Objects => objects;
    public IEnumerable<V1Deployment> Deployments => All<V1Deployment>();

    public IEnumerable<T> All<T>() => objects.OfType<T>();

    public override string ToString() => name;

    /// <exception cref="YamlException">A field is unknown or of the wrong type.</exception>
    public static Manifest Parse(string name, string text) => new(name,
        [.. KubernetesYaml.LoadAllFromString(text, CustomResources.Types, strict: true).Cast<IKubernetesObject<V1ObjectMeta>>()]);

    /// <summary>The files together, as the cluster has them when all of them are applied.</summary>
    /// <param name="files">Paths below <c>aspire-manifests</c>.</param>
    public static Manifest Load(params string[] files) => Parse(string.Join(" + ", files), string.Join("\n---\n", files.Select(Text)));

    /// <param name="file">A path below <c>aspire-manifests</c>.</param>
    public static string Text(string file) => File.ReadAllText(Path.Combine(Folder, file));

    /// <summary>YAML documents as JSON, scalars typed as YAML types them. Empty documents are left out.</summary>
    public static IEnumerable<JsonNode> Json(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return stream.Documents.Select(document => Node(document.RootNode)).OfType<JsonNode>();

        static JsonNode? Node(YamlNode node) => node switch
        {
            YamlMappingNode map => new JsonObject(map.Select(entry => KeyValuePair.Create(entry.Key.ToString(), Node(entry.Value)))),
            YamlSequenceNode list => new JsonArray([.. list.Select(Node)]),
            YamlScalarNode { Style: not ScalarStyle.Plain } text => text.Value,
            YamlScalarNode { Value: "null" or "~" or "" } => null,
            YamlScalarNode { Value: "true" or "false" } flag => flag.Value == "true",
            YamlScalarNode { Value: { } number } when Integer().IsMatch(number) => long.Parse(number, CultureInfo.InvariantCulture),
            YamlScalarNode { Value: { } number } when Fraction().IsMatch(number) => double.Parse(number, CultureInfo.InvariantCulture),
            _ => node.ToString(),
        };
    }

    [GeneratedRegex("^-?[0-9]+$")]
    private static partial Regex Integer();

    [GeneratedRegex(@"^-?[0-9]+\.[0-9]+$")]
    private static partial Regex Fraction();
}
