using System.Globalization;
using System.Text.RegularExpressions;
using k8s;
using k8s.Models;

namespace Llasta.Tests.Manifests;

/// <summary>
/// What the manifests promise, one rule each; those about pods are in ManifestRules.Pods.cs. A rule yields a sentence for each
/// violation, and a mutation test shows that it can.
/// </summary>
internal static partial class ManifestRules
{
    public static readonly IReadOnlyDictionary<string, Func<Manifest, IEnumerable<string>>> All = new Dictionary<string, Func<Manifest, IEnumerable<string>>>
    {
        ["names"] = Names,
        ["labels"] = Labels,
        ["namespace"] = Namespace,
        ["cluster-ip"] = ClusterIp,
        ["selectors"] = Selectors,
        ["ports"] = Ports,
        ["references"] = References,
        ["secrets"] = Secrets,
        ["restricted"] = Restricted,
        ["read-only"] = ReadOnlyRoot,
        ["service-links"] = ServiceLinks,
        ["probes"] = Probes,
        ["patience"] = Patience,
        ["grace"] = Grace,
        ["rollout"] = Rollout,
        ["gpu"] = Gpu,
        ["vllm"] = Vllm,
        ["resources"] = Resources,
        ["images"] = Images,
    };

    private static readonly string[] RecommendedLabels = ["name", "component", "instance", "version", "part-of", "managed-by"];

    /// <summary>Labels that Kubernetes recommends, so that <c>kubectl get -l</c> and a pruning <c>apply</c> find every object.</summary>
    private static IEnumerable<string> Labels(Manifest manifest) => manifest.Objects
        .Where(o => RecommendedLabels.Any(label => o.Metadata.Labels?.ContainsKey($"app.kubernetes.io/{label}") is not true))
        .Select(o => $"{o.Kind} {o.Name()} lacks a recommended label.");

    /// <summary>The README's names: Service, Deployment, port, and the addresses made of them.</summary>
    private static IEnumerable<string> Names(Manifest manifest)
    {
        foreach (var (name, port) in (ReadOnlySpan<(string, int)>)[("vllm", 8000), ("chatapi", 8080), ("chatbot", 8080)])
        {
            if (!manifest.All<V1Service>().Any(service => service.Name() == name && service.Spec.Ports.Any(p => p.Port == port)))
                return [$"There is no Service {name} with port {port}."];
            if (manifest.Deployments.All(deployment => deployment.Name() != name))
                return [$"There is no Deployment {name}."];
        }
        if (Setting(manifest, "chatapi", "OPENAI_API_BASE_URL") is not "http://vllm.llasta.svc.cluster.local:8000/v1" and var model)
            return [$"The chat API expects the model at {model}."];
        if (Setting(manifest, "chatbot", "services__chatapi__http__0") is not "http://chatapi:8080" and var api)
            return [$"The page expects the chat API at {api}."];
        return [];
    }

    /// <summary>Files that <c>kubectl apply</c> takes name the namespace; a chart leaves it to Helm.</summary>
    private static IEnumerable<string> Namespace(Manifest manifest)
    {
        if (manifest.All<V1Namespace>().SingleOrDefault() is not { } space)
            return manifest.Objects.Where(o => o.Metadata.NamespaceProperty is not null).Select(o => $"{o.Kind} {o.Name()} names a namespace.");
        return manifest.Objects
            .Where(o => o is not V1Namespace && o.Metadata.NamespaceProperty != "llasta")
            .Select(o => $"{o.Kind} {o.Name()} is in no namespace.")
            .Concat(space.Name() == "llasta" && space.Labels()["pod-security.kubernetes.io/enforce"] == "restricted" ? [] : ["The namespace is not llasta under Pod Security restricted."]);
    }

    private static IEnumerable<string> ClusterIp(Manifest manifest) => manifest.All<V1Service>()
        .Where(service => service.Spec is not { Type: "ClusterIP", ExternalIPs: null })
        .Select(service => $"Service {service.Name()} is reachable from outside.");

    /// <summary>Every selector of pods finds some.</summary>
    private static IEnumerable<string> Selectors(Manifest manifest)
    {
        foreach (var deployment in manifest.Deployments)
        {
            if (!Matches(deployment.Spec.Selector, deployment))
                yield return $"Deployment {deployment.Name()} doesn't select its own pods.";
            foreach (var spread in deployment.Spec.Template.Spec.TopologySpreadConstraints ?? [])
                if (!Matches(spread.LabelSelector, deployment))
                    yield return $"Deployment {deployment.Name()} spreads other pods than its own.";
        }
        foreach (var service in manifest.All<V1Service>())
            if (manifest.Deployments.Count(deployment => Matches(new() { MatchLabels = service.Spec.Selector }, deployment)) != 1)
                yield return $"Service {service.Name()} doesn't select one Deployment's pods.";
        foreach (var budget in manifest.All<V1PodDisruptionBudget>())
            if (manifest.Deployments.Count(deployment => Matches(budget.Spec.Selector, deployment)) != 1)
                yield return $"The disruption budget {budget.Name()} doesn't select one Deployment's pods.";
        foreach (var scaler in manifest.All<V2HorizontalPodAutoscaler>())
            if (manifest.Deployments.All(deployment => deployment.Name() != scaler.Spec.ScaleTargetRef.Name))
                yield return $"The autoscaler {scaler.Name()} scales nothing.";
    }

    /// <summary>Services, probes, policies and the server agree on the port.</summary>
    private static IEnumerable<string> Ports(Manifest manifest)
    {
        foreach (var service in manifest.All<V1Service>())
            foreach (var port in service.Spec.Ports)
                foreach (var pod in manifest.Deployments.Where(deployment => Matches(new() { MatchLabels = service.Spec.Selector }, deployment)))
                    if (!HasPort(pod, port.TargetPort))
                        yield return $"Service {service.Name()} sends to port {port.TargetPort.Value}, which {pod.Name()} doesn't have.";
        foreach (var (deployment, container) in Containers(manifest))
            foreach (var probe in ProbesOf(container))
                if ((probe.HttpGet?.Port ?? probe.TcpSocket?.Port) is { } port && !HasPort(deployment, port))
                    yield return $"A probe of {deployment.Name()} asks port {port.Value}, which it doesn't have.";
        foreach (var policy in manifest.All<V1NetworkPolicy>())
            foreach (var port in (policy.Spec.Ingress ?? []).SelectMany(rule => rule.Ports ?? []))
                foreach (var pod in manifest.Deployments.Where(deployment => Matches(policy.Spec.PodSelector, deployment)))
                    if (!HasPort(pod, port.Port))
                        yield return $"The policy {policy.Name()} opens port {port.Port.Value}, which {pod.Name()} doesn't have.";
        foreach (var deployment in manifest.Deployments)
            if (Setting(manifest, deployment.Name(), "HTTP_PORTS") is { } listens && !HasPort(deployment, listens))
                yield return $"{deployment.Name()} listens on {listens}, a port that it doesn't say it has.";
    }

    /// <summary>Every object that a pod refers to exists, unless the reference is optional.</summary>
    private static IEnumerable<string> References(Manifest manifest)
    {
        foreach (var (deployment, container) in Containers(manifest))
        {
            var pod = deployment.Spec.Template.Spec;
            var missing = (container.EnvFrom ?? [])
                .Where(source => source.ConfigMapRef is { Optional: not true } map && Find<V1ConfigMap>(map.Name) is null)
                .Select(source => $"ConfigMap {source.ConfigMapRef.Name}")
                .Concat((container.Env ?? [])
                    .Where(variable => variable.ValueFrom?.SecretKeyRef is { Optional: not true } key && Find<V1Secret>(key.Name)?.StringData.ContainsKey(key.Key) is not true)
                    .Select(variable => $"the key of {variable.Name}"))
                .Concat((container.VolumeMounts ?? [])
                    .Where(mount => (pod.Volumes ?? []).All(volume => volume.Name != mount.Name))
                    .Select(mount => $"volume {mount.Name}"))
                .Concat((pod.Volumes ?? [])
                    .Where(volume => volume.PersistentVolumeClaim is { } claim && Find<V1PersistentVolumeClaim>(claim.ClaimName) is null
                        || volume.ConfigMap is { Optional: not true } map && Find<V1ConfigMap>(map.Name) is null)
                    .Select(volume => $"what volume {volume.Name} holds"))
                .Concat(pod.ServiceAccountName is { } account && Find<V1ServiceAccount>(account) is null ? [$"service account {account}"] : []);
            foreach (var what in missing)
                yield return $"{deployment.Name()} refers to {what}, which doesn't exist.";
        }

        T? Find<T>(string name) where T : IKubernetesObject<V1ObjectMeta> => manifest.All<T>().SingleOrDefault(o => o.Metadata.Name == name);
    }

    private static IEnumerable<string> Secrets(Manifest manifest) => manifest.All<V1ConfigMap>()
        .SelectMany(map => (map.Data ?? new Dictionary<string, string>()).Where(entry => Secret().IsMatch(entry.Key)).Select(entry => $"{entry.Key} is in ConfigMap {map.Name()}."))
        .Concat(Containers(manifest).SelectMany(c => c.Container.Env ?? []).Where(variable => Secret().IsMatch(variable.Name) && variable.Value is not null).Select(variable => $"{variable.Name} is in a Deployment."))
        .Concat(Containers(manifest).SelectMany(c => c.Container.Args ?? []).Where(argument => argument.StartsWith("--api-key", StringComparison.Ordinal)).Select(argument => $"{argument} is an argument."));

    internal static bool Matches(V1LabelSelector selector, V1Deployment deployment)
    {
        var labels = deployment.Spec.Template.Metadata.Labels;
        return (selector.MatchLabels ?? new Dictionary<string, string>()).All(label => labels.TryGetValue(label.Key, out var value) && value == label.Value)
            && (selector.MatchExpressions ?? []).All(expression => expression.OperatorProperty == "In" && labels.TryGetValue(expression.Key, out var value) && expression.Values.Contains(value));
    }

    private static IEnumerable<(V1Deployment Deployment, V1Container Container)> Containers(Manifest manifest) =>
        manifest.Deployments.SelectMany(deployment => deployment.Spec.Template.Spec.Containers.Select(container => (deployment, container)));

    private static IEnumerable<V1Probe> ProbesOf(V1Container container) =>
        new[] { container.StartupProbe, container.ReadinessProbe, container.LivenessProbe }.OfType<V1Probe>();

    private static bool HasPort(V1Deployment deployment, IntOrString port) => deployment.Spec.Template.Spec.Containers
        .SelectMany(container => container.Ports)
        .Any(has => has.Name == port.Value || has.ContainerPort.ToString(CultureInfo.InvariantCulture) == port.Value);

    private static bool IsVllm(V1Container container) => container.Image.Contains("vllm/vllm-openai", StringComparison.Ordinal);

    private static string? Argument(V1Container container, string option) =>
        container.Args.IndexOf(option) is var at and >= 0 ? container.Args[at + 1] : null;

    private static string? Setting(Manifest manifest, string deployment, string variable) =>
        manifest.All<V1ConfigMap>().SingleOrDefault(map => map.Name() == $"{deployment}-config")?.Data.TryGetValue(variable, out var value) is true ? value : null;

    [GeneratedRegex("API_?KEY|TOKEN|PASSWORD|SECRET", RegexOptions.IgnoreCase)]
    private static partial Regex Secret();

    [GeneratedRegex(@":v?[0-9]+(\.[0-9]+)+$|@sha256:[0-9a-f]{64}$")]
    private static partial Regex Tag();
}
