using System.Text.RegularExpressions;
using Llasta.AppHost.Model;
using YamlDotNet.RepresentationModel;

namespace Llasta.AppHost.Kubernetes;

/// <summary>The Helm chart that Aspire's publish step writes.</summary>
internal static partial class AspireChart
{
    /// <summary>Reads the chart's objects, replaces expressions by values, and deletes the chart.</summary>
    /// <param name="folder">The folder that Aspire published to.</param>
    /// <param name="images">The names of our images, in place of Aspire's.</param>
    /// <param name="backend">The model's backend; the simulator is an image of ours.</param>
    public static List<YamlMappingNode> Take(string folder, Images images, ModelBackend backend)
    {
        var valuesFile = Path.Combine(folder, "values.yaml");
        var templates = Path.Combine(folder, "templates");
        var values = Leaves(KubernetesYaml.Documents(File.ReadAllText(valuesFile)).Single());
        values["parameters.chatapi.chatapi_image"] = images.Of("chatapi");
        values["parameters.chatbot.chatbot_image"] = images.Of("chatbot");
        if (backend == ModelBackend.Sim)
            values["parameters.vllm.vllm_image"] = images.Of("modelsim");

        var objects = Directory.EnumerateFiles(templates, "*.yaml", SearchOption.AllDirectories)
            .SelectMany(file => KubernetesYaml.Documents(File.ReadAllText(file)))
            .ToList();
        foreach (var text in objects.SelectMany(o => o.AllNodes.OfType<YamlScalarNode>()))
            text.Value = DeploymentName().Replace(Expression().Replace(text.Value!, match => match.Groups["value"] is { Success: true } value
                ? values[value.Value]
                : KubernetesTarget.Name), "$1");

        Directory.Delete(templates, recursive: true);
        File.Delete(valuesFile);
        File.Delete(Path.Combine(folder, "Chart.yaml"));
        return objects;
    }

    /// <summary>The chart's values by their dotted path.</summary>
    private static Dictionary<string, string> Leaves(YamlMappingNode root)
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

    [GeneratedRegex(@"\{\{ (?:\.Values\.(?<value>[\w.]+)|\.Chart\.Name|\.Release\.Name) \}\}")]
    private static partial Regex Expression();

    [GeneratedRegex("^(vllm|chatapi|chatbot)-deployment$")]
    private static partial Regex DeploymentName();
}
