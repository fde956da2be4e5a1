using System.Text;
using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Llasta.AppHost.Kubernetes;

/// <summary>The flat file's objects as a Helm chart: where an operator has a choice, the object's own value becomes the default of a value.</summary>
internal static class Chart
{
    /// <param name="Value">Its name in values.yaml, section and key.</param>
    /// <param name="Comment">What it is for, above it in values.yaml.</param>
    /// <param name="Object">Kind and name of the object.</param>
    /// <param name="Path">Where in the object.</param>
    /// <param name="Expression">What the template says there, when it is not simply the value.</param>
    /// <param name="Default">Its default, from the object; otherwise what the object has there.</param>
    private sealed record Choice(string Value, string Comment, string Object, string Path, string? Expression = null, Func<YamlNode, YamlNode>? Default = null);

    private const string Container = "spec/template/spec/containers/0";

    /// <summary>What an operator chooses comes first in vLLM's arguments; the rest is <c>vllm.args</c>.</summary>
    private const string Arguments = """{{ concat (list "serve" .Values.model.name "--max-model-len" (.Values.model.contextWindow | int | toString) "--tensor-parallel-size" (.Values.vllm.gpus | int | toString)) .Values.vllm.args | toJson }}""";

    private const string Limits = """{{ merge (dict "nvidia.com/gpu" (.Values.vllm.gpus | int | toString)) .Values.vllm.limits | toJson }}""";

    private static readonly Choice[] s_choices =
    [
        new("model.name", "The model on Hugging Face, and the name it is served under.", "Deployment/vllm", $"{Container}/args/1"),
        new("model.contextWindow", "Its window in tokens; more takes more of the GPU's memory.", "Deployment/vllm", $"{Container}/args/3", Default: o => Number(o.At($"{Container}/args/3"))),
        new("model.apiKey", "The key that vLLM asks for and the chat API sends. Empty: none.", "Secret/model-api-key", "stringData/api-key"),

        new("vllm.image", "", "Deployment/vllm", $"{Container}/image"),
        new("vllm.gpus", "Per replica; the model is split over them (tensor parallel).", "Deployment/vllm", $"{Container}/args/5", Default: o => Number(o.At($"{Container}/args/5"))),
        new("vllm.args", "Of `vllm serve`, after those that the values above make.", "Deployment/vllm", $"{Container}/args", Arguments, o => new YamlSequenceNode(((YamlSequenceNode)o.At($"{Container}/args")).Skip(6))),
        new("vllm.replicas", "More than one needs GPUs, a strategy and an access mode for it (docs/scaling.md).", "Deployment/vllm", "spec/replicas"),
        new("vllm.strategy", "Recreate, since a second pod would wait for the only GPU.", "Deployment/vllm", "spec/strategy"),
        new("vllm.requests", "", "Deployment/vllm", $"{Container}/resources/requests"),
        new("vllm.limits", "Besides the GPUs.", "Deployment/vllm", $"{Container}/resources/limits", Limits, o => new YamlMappingNode(((YamlMappingNode)o.At($"{Container}/resources/limits")).Where(limit => limit.Key.ToString() != "nvidia.com/gpu"))),
        new("vllm.nodeSelector", "", "Deployment/vllm", "spec/template/spec/nodeSelector", Default: _ => new YamlMappingNode()),
        new("vllm.tolerations", "", "Deployment/vllm", "spec/template/spec/tolerations"),
        new("vllm.storageClass", "Of the volume for weights and compiled graphs; null is the cluster's default.", "PersistentVolumeClaim/model-cache", "spec/storageClassName", Default: _ => new YamlScalarNode("null")),
        new("vllm.storageSize", "", "PersistentVolumeClaim/model-cache", "spec/resources/requests/storage"),
        new("vllm.storageAccessModes", "", "PersistentVolumeClaim/model-cache", "spec/accessModes"),
        new("vllm.env", "Environment of the server.", "ConfigMap/vllm-config", "data"),

        .. Service("chatapi"),
        .. Service("chatbot"),
    ];

    /// <summary>Pods read their configuration at start, so a change of it must make new ones.</summary>
    private static readonly (string Deployment, string Digest)[] s_restarts =
    [
        ("Deployment/vllm", "{{ list .Values.vllm.env .Values.model.apiKey | toJson | sha256sum }}"),
        ("Deployment/chatapi", "{{ list .Values.chatapi.env .Values.model.apiKey .Values.dashboard.enabled .Values.ingress | toJson | sha256sum }}"),
        ("Deployment/chatbot", "{{ list .Values.chatbot.env .Values.dashboard.enabled .Values.ingress | toJson | sha256sum }}"),
    ];

    /// <summary>Opt-in parts, by the value that says yes, and what in their text is a value.</summary>
    private static readonly (string Part, string Section, (string Key, string Default, string Comment)[] Values)[] s_options =
    [
        ("ingress.yaml", "ingress",
        [
            ("host", "chat.example.com", "There is no authentication: whoever reaches this name can use the model."),
            ("className", "nginx", ""),
            ("tlsSecret", "chatbot-tls", "A Secret with the certificate."),
            ("controllerNamespace", "ingress-nginx", "Where the controller's pods run; only they may reach the page."),
        ]),
        ("dashboard.yaml", "dashboard", []),
    ];

    private static Choice[] Service(string name) =>
    [
        new($"{name}.image", "", $"Deployment/{name}", $"{Container}/image"),
        new($"{name}.minReplicas", "", $"HorizontalPodAutoscaler/{name}-autoscaler", "spec/minReplicas"),
        new($"{name}.maxReplicas", "", $"HorizontalPodAutoscaler/{name}-autoscaler", "spec/maxReplicas"),
        new($"{name}.resources", "", $"Deployment/{name}", $"{Container}/resources"),
        new($"{name}.nodeSelector", "", $"Deployment/{name}", "spec/template/spec/nodeSelector", Default: _ => new YamlMappingNode()),
        new($"{name}.tolerations", "", $"Deployment/{name}", "spec/template/spec/tolerations", Default: _ => new YamlSequenceNode()),
        new($"{name}.env", "Settings, such as Chat__MaxConcurrentTurns (README.md).", $"ConfigMap/{name}-config", "data"),
    ];

    /// <returns>The chart's files, by their path in it.</returns>
    public static IEnumerable<(string Path, string Text)> Of(ILookup<string, YamlMappingNode> sections, string header)
    {
        var templates = sections.SelectMany(section => section).ToDictionary(o => $"{o.Kind()}/{o.Name()}", o => o.Copy());
        var values = new Values();
        var expressions = new List<string>();
        foreach (var choice in s_choices)
            values.Add(choice.Value, choice.Comment, choice.Default?.Invoke(templates[choice.Object]) ?? templates[choice.Object].At(choice.Path));
        foreach (var choice in s_choices)
            templates[choice.Object].Set(choice.Path, Placeholder(choice.Expression ?? $"{{{{ .Values.{choice.Value} | toJson }}}}"));
        foreach (var o in templates.Values)
            LabelByRelease(o, Placeholder("{{ .Release.Name | toJson }}"));
        foreach (var (deployment, configuration) in s_restarts)
            templates[deployment].Set("spec/template/metadata/annotations", new YamlMappingNode("llasta/configuration", Placeholder(configuration)));

        yield return ("Chart.yaml", header + $"""
            apiVersion: v2
            name: {KubernetesTarget.Name}
            description: A self-hosted chat with vLLM serving Qwen3-8B.
            type: application
            version: {Images.Version}
            appVersion: {Images.Version}
            # Pods wait with the `sleep` action before they stop.
            kubeVersion: ">= 1.30.0-0"

            """);
        foreach (var section in sections)
            yield return ($"templates/{section.Key}.yaml", string.Join("---\n", section.Select(o => Render(templates[$"{o.Kind()}/{o.Name()}"]))));
        foreach (var (part, section, texts) in s_options)
        {
            values.Add($"{section}.enabled", "", new YamlScalarNode("false"));
            var text = Parts.Text(part);
            foreach (var (key, @default, comment) in texts)
            {
                values.Add($"{section}.{key}", comment, new YamlScalarNode(@default));
                text = Regex.Replace(text, $@"(?<=: |\[){Regex.Escape(@default)}(?=\n|\])", $"{{{{ .Values.{section}.{key} | toJson }}}}");
            }
            yield return ($"templates/{part}", $"{{{{- if .Values.{section}.enabled }}}}\n{text}{{{{- end }}}}\n");
        }
        yield return ("templates/NOTES.txt", """
            The page: kubectl -n {{ .Release.Namespace }} port-forward svc/chatbot 8080:8080
            then http://localhost:8080. The first start downloads the model; the page says when it is ready.

            """);
        yield return ("values.yaml", header + values);

        YamlScalarNode Placeholder(string expression)
        {
            expressions.Add(expression);
            return new($"expression-{expressions.Count - 1}-");
        }

        // YAML has no plain scalar that starts with a brace, so expressions are put in after the text is written.
        string Render(YamlMappingNode o)
        {
            var text = Yaml.Text(o);
            for (var i = 0; i < expressions.Count; i++)
                text = text.Replace($"expression-{i}-", expressions[i], StringComparison.Ordinal);
            return text;
        }
    }

    /// <summary>Two releases in one cluster are told apart by this label.</summary>
    private static void LabelByRelease(YamlMappingNode o, YamlNode release)
    {
        const string Label = "app.kubernetes.io/instance";
        foreach (var labels in o.AllNodes.OfType<YamlMappingNode>().Where(map => map.Children.ContainsKey(Label)).ToList())
            labels.Children[Label] = release;
    }

    private static YamlScalarNode Number(YamlNode text) => new(text.ToString());

    /// <summary>values.yaml, two levels deep, in the order of the choices.</summary>
    private sealed class Values
    {
        private readonly StringBuilder _text = new();
        private string? _section;

        public void Add(string value, string comment, YamlNode @default)
        {
            var (section, key) = (value[..value.IndexOf('.', StringComparison.Ordinal)], value[(value.IndexOf('.', StringComparison.Ordinal) + 1)..]);
            if (section != _section)
                _text.Append(_section is null ? "" : "\n").Append(_section = section).Append(":\n");
            if (comment.Length > 0)
                _text.Append("  # ").Append(comment).Append('\n');
            foreach (var line in Yaml.Text(new YamlMappingNode(key, @default)).TrimEnd().Split('\n'))
                _text.Append("  ").Append(line).Append('\n');
        }

        public override string ToString() => _text.ToString();
    }
}
