using System.Text;
using Llasta.AppHost.Model;
using YamlDotNet.RepresentationModel;

namespace Llasta.AppHost.Kubernetes;

/// <summary>All objects in one file for <c>kubectl apply</c>, in an order and with comments that help its reader.</summary>
internal static class FlatFile
{
    private const string Header = """
        # Written by the AppHost: `dotnet run --project Llasta.AppHost --launch-profile manifests` writes it anew (docs/manifests.md).

        """;

    /// <summary>The sections in their order, each with its title.</summary>
    private static readonly (string Name, string Title)[] s_sections =
    [
        ("network", "Nothing goes in or out of a pod but what a policy names; kubectl port-forward ends inside the pod and needs none"),
        ("vllm", "The model's server"),
        ("chatapi", "The chat API: relays turns to the model"),
        ("chatbot", "The page, and the way in: kubectl -n llasta port-forward svc/chatbot 8080:8080"),
    ];

    /// <summary>Comments by kind and name of the object, and where it matters by backend.</summary>
    private static readonly Dictionary<string, string> s_comments = new()
    {
        ["Secret/model-api-key"] = "Empty: no key. After a change: kubectl -n llasta rollout restart deployment vllm chatapi",
        ["PersistentVolumeClaim/model-cache"] = "Weights and compiled graphs, so that only the first start takes long",
        ["Deployment/vllm/Sim"] = "The simulator in vLLM's place: its name, its port and its dialect, without a model and without a GPU",
        ["Deployment/vllm/Cpu"] = "Recreate: the volume has one writer. No service links: they would set VLLM_PORT, and vLLM refuses to start with it",
        ["Deployment/vllm/Gpu"] = "Recreate: a second pod would wait for the only GPU. No service links: they would set VLLM_PORT, and vLLM refuses to start with it",
        ["NetworkPolicy/vllm-network"] = "The key guards /v1 only; this guards the rest",
        ["NetworkPolicy/vllm-download"] = "For the weights; delete it once they are in the volume",
        ["HorizontalPodAutoscaler/chatapi-autoscaler"] = "The Deployment says no number of replicas: applying this file again must not undo the autoscaler's",
        ["NetworkPolicy/chatbot-network"] = "Nothing may come in: the way is port-forward, or ingress.yaml",
    };

    private static readonly string[] s_kinds =
        ["Secret", "ConfigMap", "PersistentVolumeClaim", "Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy"];

    public static string Text(List<YamlMappingNode> objects, ModelBackend backend)
    {
        var text = new StringBuilder(Header).Append(EmbeddedObjects.Text("namespace.yaml"));
        foreach (var (section, title) in s_sections)
        {
            text.Append("---\n# ── ").Append(title).Append(".\n");
            text.AppendJoin("---\n", objects
                .Where(o => Section(o) == section)
                .OrderBy(o => Array.IndexOf(s_kinds, o.Kind()))
                .ThenBy(o => o.Name(), StringComparer.Ordinal)
                .Select(o => Comment(o, backend) + KubernetesYaml.Text(o.In(KubernetesTarget.Name))));
        }
        return text.ToString();
    }

    private static string Section(YamlMappingNode o) => o.Name() is "default-deny" or "dns" ? "network" : o.Component();

    private static string Comment(YamlMappingNode o, ModelBackend backend)
    {
        var key = $"{o.Kind()}/{o.Name()}";
        var comment = s_comments.GetValueOrDefault($"{key}/{backend}") ?? s_comments.GetValueOrDefault(key);
        return comment is null ? "" : $"# {comment}.\n";
    }
}
