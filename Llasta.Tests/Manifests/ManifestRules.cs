using System.Globalization;
using System.Text.RegularExpressions;
using k8s;
using k8s.Models;

namespace Llasta.Tests.Manifests;

/// <summary>What the manifests promise, one rule each. A rule yields a sentence for every breach; a mutation test shows that each can.</summary>
internal static partial class ManifestRules
{
    public static readonly IReadOnlyDictionary<string, Func<Manifest, IEnumerable<string>>> All = new Dictionary<string, Func<Manifest, IEnumerable<string>>>
    {
        ["names"] = Names,
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
        if (Setting(manifest, "chatapi", "OPENAI_API_BASE_URL") is not "http://vllm:8000/v1" and var model)
            return [$"The chat API looks for the model at {model}."];
        if (Setting(manifest, "chatbot", "services__chatapi__http__0") is not "http://chatapi:8080" and var api)
            return [$"The page looks for the chat API at {api}."];
        return [];
    }

    /// <summary>For files that are applied without a flag; a chart leaves the namespace to Helm.</summary>
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

    /// <summary>What selects pods finds pods.</summary>
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

    /// <summary>Services, probes, policies and the server itself mean the same port.</summary>
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

    /// <summary>What is named exists, unless it is optional.</summary>
    private static IEnumerable<string> References(Manifest manifest)
    {
        foreach (var (deployment, container) in Containers(manifest))
        {
            var pod = deployment.Spec.Template.Spec;
            var missing = (container.EnvFrom ?? [])
                .Where(source => source.ConfigMapRef is { Optional: not true } map && Find<V1ConfigMap>(map.Name) is null)
                .Select(source => $"ConfigMap {source.ConfigMapRef.Name}")
                .Concat((container.Env ?? [])
                    .Where(variable => variable.ValueFrom?.SecretKeyRef is { } key && Find<V1Secret>(key.Name)?.StringData.ContainsKey(key.Key) is not true)
                    .Select(variable => $"the key of {variable.Name}"))
                .Concat((container.VolumeMounts ?? [])
                    .Where(mount => (pod.Volumes ?? []).All(volume => volume.Name != mount.Name))
                    .Select(mount => $"volume {mount.Name}"))
                .Concat((pod.Volumes ?? [])
                    .Where(volume => volume.PersistentVolumeClaim is { } claim && Find<V1PersistentVolumeClaim>(claim.ClaimName) is null
                        || volume.ConfigMap is { } map && Find<V1ConfigMap>(map.Name) is null)
                    .Select(volume => $"what volume {volume.Name} holds"))
                .Concat(pod.ServiceAccountName is { } account && Find<V1ServiceAccount>(account) is null ? [$"service account {account}"] : []);
            foreach (var what in missing)
                yield return $"{deployment.Name()} wants {what}, which isn't there.";
        }

        T? Find<T>(string name) where T : IKubernetesObject<V1ObjectMeta> => manifest.All<T>().SingleOrDefault(o => o.Metadata.Name == name);
    }

    private static IEnumerable<string> Secrets(Manifest manifest) => manifest.All<V1ConfigMap>()
        .SelectMany(map => (map.Data ?? new Dictionary<string, string>()).Where(entry => Secret().IsMatch(entry.Key)).Select(entry => $"{entry.Key} is in ConfigMap {map.Name()}."))
        .Concat(Containers(manifest).SelectMany(c => c.Container.Env ?? []).Where(variable => Secret().IsMatch(variable.Name) && variable.Value is not null).Select(variable => $"{variable.Name} stands in a Deployment."))
        .Concat(Containers(manifest).SelectMany(c => c.Container.Args ?? []).Where(argument => argument.StartsWith("--api-key", StringComparison.Ordinal)).Select(argument => $"{argument} is an argument."));

    /// <summary>Pod Security Standards, level restricted (kubernetes.io/docs/concepts/security/pod-security-standards).</summary>
    private static IEnumerable<string> Restricted(Manifest manifest)
    {
        foreach (var (deployment, container) in Containers(manifest))
        {
            var pod = deployment.Spec.Template.Spec;
            if (pod.SecurityContext is not { RunAsNonRoot: true, RunAsUser: not (null or 0), SeccompProfile.Type: "RuntimeDefault" })
                yield return $"{deployment.Name()} may run as root, or without the runtime's seccomp profile.";
            if (pod.HostNetwork is true || pod.HostPID is true || pod.HostIPC is true || pod.Volumes?.Any(volume => volume.HostPath is not null) is true)
                yield return $"{deployment.Name()} shares the host's namespaces or files.";
            if (container.SecurityContext is not { AllowPrivilegeEscalation: false, Privileged: not true } context || context.Capabilities is not { Drop: ["ALL"], Add: null })
                yield return $"{deployment.Name()} may gain privileges.";
            if (pod.ServiceAccountName is null && pod.AutomountServiceAccountToken is not false)
                yield return $"{deployment.Name()} gets a token for the API server that it has no use for.";
        }
    }

    /// <summary>vLLM compiles into its file system; nothing else writes.</summary>
    private static IEnumerable<string> ReadOnlyRoot(Manifest manifest) => Containers(manifest)
        .Where(c => !IsVllm(c.Container) && c.Container.SecurityContext?.ReadOnlyRootFilesystem is not true)
        .Select(c => $"{c.Deployment.Name()} can write to its root file system.");

    private static IEnumerable<string> ServiceLinks(Manifest manifest) => manifest.Deployments
        .Where(deployment => deployment.Spec.Template.Spec.EnableServiceLinks is not false)
        .Select(deployment => $"{deployment.Name()} gets VLLM_PORT from the Service vllm.");

    private static IEnumerable<string> Probes(Manifest manifest)
    {
        foreach (var (deployment, container) in Containers(manifest))
        {
            var name = deployment.Name();
            if (container.ReadinessProbe is null || container.LivenessProbe is null || name is "chatapi" or "chatbot" or "vllm" && container.StartupProbe is null)
                yield return $"{name} lacks a probe.";
            foreach (var http in ProbesOf(container).Select(probe => probe.HttpGet).OfType<V1HTTPGetAction>())
                if (http.Scheme is not (null or "HTTP"))
                    yield return $"A probe of {name} has the scheme {http.Scheme}, which the API server rejects.";
            var live = name is "chatapi" or "chatbot" ? "/alive" : "/health";
            if (name is "chatapi" or "chatbot" or "vllm" && (container.StartupProbe?.HttpGet.Path, container.ReadinessProbe?.HttpGet.Path, container.LivenessProbe?.HttpGet.Path) != ("/health", "/health", live))
                yield return $"A probe of {name} asks another path than /health, or {live} for liveness.";
        }
    }

    /// <summary>A probe that gives up early kills a model while it loads, or a service under load.</summary>
    private static IEnumerable<string> Patience(Manifest manifest)
    {
        foreach (var (deployment, container) in Containers(manifest))
        {
            if (ProbesOf(container).Any(probe => probe.TimeoutSeconds is null or < 2) && ProbesOf(container).Any(probe => probe.HttpGet is not null))
                yield return $"A probe of {deployment.Name()} gives up after a second.";
            if (container.LivenessProbe is { } live && live.PeriodSeconds * live.FailureThreshold < 30)
                yield return $"{deployment.Name()} is killed after less than 30 s of silence.";
            if (!IsVllm(container))
                continue;
            var startup = container.StartupProbe.PeriodSeconds * container.StartupProbe.FailureThreshold;
            if (startup < 1800 || int.Parse(Setting(manifest, deployment.Name(), "VLLM_ENGINE_READY_TIMEOUT_S") ?? "600", CultureInfo.InvariantCulture) < startup)
                yield return $"{deployment.Name()} has less than half an hour to download and load the model.";
            if (!(deployment.Spec.ProgressDeadlineSeconds > startup))
                yield return $"The rollout of {deployment.Name()} is called failed while it loads.";
        }
    }

    /// <summary>The grace period holds the wait before SIGTERM, the drain, and a margin, in seconds.</summary>
    private static IEnumerable<string> Grace(Manifest manifest)
    {
        const int LastWordsAndClose = 5; // Llasta.ServiceDefaults, Drain
        const int Margin = 5;
        foreach (var (deployment, container) in Containers(manifest).Where(c => c.Deployment.Name() is "chatapi" or "chatbot" or "vllm"))
        {
            if (container.Lifecycle?.PreStop?.Sleep?.Seconds is not { } preStop)
            {
                yield return $"{deployment.Name()} stops before every node knows that it is gone.";
                continue;
            }
            var drain = IsVllm(container)
                ? Argument(container, "--shutdown-timeout") is { } seconds ? int.Parse(seconds, CultureInfo.InvariantCulture) : (int?)null
                : Setting(manifest, deployment.Name(), "Chat__DrainTimeout") is { } time ? (int)TimeSpan.Parse(time, CultureInfo.InvariantCulture).TotalSeconds + LastWordsAndClose : 0;
            if (drain is null)
                yield return $"{deployment.Name()} has no --shutdown-timeout, so it aborts its streams.";
            else if (deployment.Spec.Template.Spec.TerminationGracePeriodSeconds < preStop + drain + Margin)
                yield return $"{deployment.Name()} is killed before {preStop} + {drain} + {Margin} s are over.";
        }
    }

    /// <summary>Two or more of each service, none missing in a rollout, never all evicted, and one owner of their number.</summary>
    private static IEnumerable<string> Rollout(Manifest manifest)
    {
        foreach (var name in (string[])["chatapi", "chatbot"])
        {
            var deployment = manifest.Deployments.Single(d => d.Name() == name);
            if (deployment.Spec.Strategy is not { Type: "RollingUpdate" } strategy || strategy.RollingUpdate.MaxUnavailable.Value != "0")
                yield return $"A rollout of {name} leaves a gap.";
            if (manifest.All<V2HorizontalPodAutoscaler>().SingleOrDefault(scaler => scaler.Spec.ScaleTargetRef.Name == name) is not { Spec.MinReplicas: >= 2 })
                yield return $"{name} can have fewer than two pods.";
            if (deployment.Spec.Replicas is not null)
                yield return $"Applying the file again undoes what the autoscaler of {name} did.";
            if (!manifest.All<V1PodDisruptionBudget>().Any(budget => Matches(budget.Spec.Selector, deployment) && budget.Spec.MaxUnavailable.Value == "1"))
                yield return $"A drained node may take all pods of {name}.";
            if (deployment.Spec.Template.Spec.TopologySpreadConstraints is not { Count: > 0 })
                yield return $"All pods of {name} may be on one node.";
        }
    }

    /// <summary>A surge pod would wait for the only GPU for ever, and a disruption budget on one replica blocks every drain.</summary>
    private static IEnumerable<string> Gpu(Manifest manifest)
    {
        foreach (var (deployment, container) in Containers(manifest).Where(c => IsVllm(c.Container)))
        {
            var gpus = container.Resources.Limits.TryGetValue("nvidia.com/gpu", out var limit) ? limit.ToInt32() : 0;
            if (Argument(container, "--tensor-parallel-size") != Math.Max(gpus, 1).ToString(CultureInfo.InvariantCulture))
                yield return $"{deployment.Name()} has {gpus} GPUs and splits the model over another number.";
            if (deployment.Spec.Replicas == 1 && deployment.Spec.Strategy.Type != "Recreate")
                yield return $"{deployment.Name()} is not recreated.";
            if (manifest.All<V1PodDisruptionBudget>().Any(budget => Matches(budget.Spec.Selector, deployment)))
                yield return $"{deployment.Name()} blocks drains.";
        }
    }

    /// <summary>What vLLM needs besides: its user, its cache on a volume, shared memory, no word home.</summary>
    private static IEnumerable<string> Vllm(Manifest manifest)
    {
        foreach (var (deployment, container) in Containers(manifest).Where(c => IsVllm(c.Container)))
        {
            var pod = deployment.Spec.Template.Spec;
            if (pod.SecurityContext is not { RunAsUser: 2000, RunAsGroup: 0, FsGroup: 0 })
                yield return "vLLM's user is not 2000:0, which owns what it writes.";
            var claims = pod.Volumes.Where(volume => volume.PersistentVolumeClaim is not null).Select(volume => volume.Name).ToHashSet();
            var mounts = container.VolumeMounts.Where(mount => claims.Contains(mount.Name)).Select(mount => mount.MountPath + "/").ToList();
            foreach (var variable in (string[])["HF_HOME", "VLLM_CACHE_ROOT"])
                if (Setting(manifest, deployment.Name(), variable) is not { } path || !mounts.Exists(mount => path.StartsWith(mount, StringComparison.Ordinal)))
                    yield return $"{variable} is on no claim, so every start downloads or compiles anew.";
            if (!container.VolumeMounts.Any(mount => mount.MountPath == "/dev/shm" && pod.Volumes.Any(volume => volume.Name == mount.Name && volume.EmptyDir is { Medium: "Memory" })))
                yield return "vLLM has 64 MB of shared memory.";
            if (Setting(manifest, deployment.Name(), "VLLM_NO_USAGE_STATS") != "1")
                yield return "vLLM sends statistics of its use.";
            if (Argument(container, "--reasoning-parser") != "qwen3")
                yield return "Thinking arrives inside the answer.";
        }
    }

    private static IEnumerable<string> Resources(Manifest manifest) => Containers(manifest)
        .Where(c => c.Container.Resources is not { Requests: { } requests, Limits: { } limits } || !requests.ContainsKey("cpu") || !requests.ContainsKey("memory") || !limits.ContainsKey("memory"))
        .Select(c => $"{c.Deployment.Name()} lacks requests or limits.");

    private static IEnumerable<string> Images(Manifest manifest) => Containers(manifest)
        .Where(c => !Tag().IsMatch(c.Container.Image))
        .Select(c => $"{c.Container.Image} is not one image for ever.");

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
