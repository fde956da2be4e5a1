using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Llasta.AppHost.Tests.Aspirate;

/// <summary>What <c>kubectl kustomize</c> makes of the fields that our templates use.</summary>
internal static class Kustomize
{
    /// <param name="files">The files' texts by their path.</param>
    /// <param name="folder">The folder with the kustomization; empty for the root.</param>
    public static List<KubernetesObject> Build(Dictionary<string, string> files, string folder = "")
    {
        string In(string file) => folder.Length == 0 ? file : $"{folder}/{file}";
        var kustomization = KubernetesObjectsOf(files[In("kustomization.yaml")]).Single();
        var unknown = kustomization.Children.Keys.Select(key => key.ToString()).Except(["namespace", "resources", "generatorOptions", "configMapGenerator", "secretGenerator", "patches"]);
        if (unknown.Any())
            throw new NotSupportedException($"{In("kustomization.yaml")} has {string.Join(", ", unknown)}, which this test doesn't read.");

        var objects = new List<KubernetesObject>();
        foreach (var resource in Items(kustomization, "resources"))
            objects.AddRange(files.TryGetValue(In(resource.ToString()), out var text) ? KubernetesObject.Parse(text) : Build(files, In(resource.ToString())));
        foreach (var generator in Items(kustomization, "configMapGenerator"))
            objects.Add(Generate("ConfigMap", generator, kustomization["generatorOptions"]["labels"]));
        foreach (var generator in Items(kustomization, "secretGenerator"))
            objects.Add(Generate("Secret", generator, kustomization["generatorOptions"]["labels"]));
        foreach (var patch in Items(kustomization, "patches"))
            Patch(objects, patch);
        if (kustomization.Children.TryGetValue("namespace", out var @namespace))
            foreach (var o in objects.Where(o => o.Root["kind"].ToString() != "Namespace"))
                ((YamlMappingNode)o.Root["metadata"]).Children["namespace"] = @namespace;
        return objects;
    }

    private static IEnumerable<YamlMappingNode> KubernetesObjectsOf(string text) => KubernetesObject.Parse(text).Select(o => o.Root);

    private static IEnumerable<YamlNode> Items(YamlMappingNode map, string key) => map.Children.TryGetValue(key, out var list) ? (YamlSequenceNode)list : [];

    private static KubernetesObject Generate(string kind, YamlNode generator, YamlNode labels)
    {
        var data = new YamlMappingNode();
        foreach (var literal in (YamlSequenceNode)generator["literals"])
        {
            var (key, value) = literal.ToString().Split('=', 2) switch { var parts => (parts[0], parts[1]) };
            data.Add(key, new YamlScalarNode(value) { Style = ScalarStyle.DoubleQuoted });
        }
        return new(new YamlMappingNode
        {
            { "apiVersion", "v1" },
            { "kind", kind },
            { "metadata", new YamlMappingNode { { "name", generator["name"] }, { "labels", labels } } },
            { "data", data },
        });
    }

    /// <summary>A merge of <c>data</c>, where null removes.</summary>
    private static void Patch(List<KubernetesObject> objects, YamlNode patch)
    {
        var target = (YamlMappingNode)patch["target"];
        var merge = KubernetesObjectsOf(patch["patch"].ToString()).Single();
        foreach (var o in objects.Where(o => o.Root["kind"].Equals(target["kind"]) && (!target.Children.TryGetValue("name", out var name) || o.Root["metadata"]["name"].Equals(name))))
            foreach (var (key, value) in (YamlMappingNode)merge["data"])
                if (value is YamlScalarNode { Style: ScalarStyle.Plain, Value: "null" })
                    ((YamlMappingNode)o.Root["data"]).Children.Remove(key);
                else
                    ((YamlMappingNode)o.Root["data"]).Children[key] = value;
    }
}
