using System.Globalization;
using k8s;
using k8s.Models;

namespace Llasta.Tests.Manifests;

internal static partial class ManifestRules
{
    /// <summary>Pod Security Standards, level restricted (kubernetes.io/docs/concepts/security/pod-security-standards).</summary>
    private static IEnumerable<string> Restricted(Manifest manifest)
    {
        foreach (var (deployment, container) in Containers(manifest))
        {
            var pod = deployment.Spec.Template.Spec;
            if (pod.SecurityContext is not { RunAsNonRoot: true, RunAsUser: not (null or 0), SeccompProfile.Type: "RuntimeDefault" })
                yield return $"{deployment.Name()} may run as root, or without the runtime's seccomp profile.";
            if (container.Image.Contains("/llasta/", StringComparison.Ordinal) && pod.SecurityContext.RunAsUser < 10000)
                yield return $"{deployment.Name()} runs as a user that the node may have, too.";
            if (pod.HostNetwork is true || pod.HostPID is true || pod.HostIPC is true || pod.Volumes?.Any(volume => volume.HostPath is not null) is true)
                yield return $"{deployment.Name()} shares the host's namespaces or files.";
            if (container.SecurityContext is not { AllowPrivilegeEscalation: false, Privileged: not true } context || context.Capabilities is not { Drop: ["ALL"], Add: null })
                yield return $"{deployment.Name()} may gain privileges.";
            if (pod.ServiceAccountName is null && pod.AutomountServiceAccountToken is not false)
                yield return $"{deployment.Name()} gets a token for the API server that it never uses.";
        }
    }

    /// <summary>vLLM compiles into its file system; no other container writes to its own.</summary>
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

    /// <summary>A probe that gives up early restarts a model while it loads, or a service under load.</summary>
    private static IEnumerable<string> Patience(Manifest manifest)
    {
        foreach (var (deployment, container) in Containers(manifest))
        {
            if (ProbesOf(container).Any(probe => probe.TimeoutSeconds is null or < 2) && ProbesOf(container).Any(probe => probe.HttpGet is not null))
                yield return $"A probe of {deployment.Name()} gives up after a second.";
            if (container.LivenessProbe is { } live && live.PeriodSeconds * live.FailureThreshold < 30)
                yield return $"{deployment.Name()} is restarted after less than 30 s of silence.";
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
        const int FlushAndClose = 5; // after the drain timeout: 3 s for the last events, 2 s to close
        const int Margin = 5;
        foreach (var (deployment, container) in Containers(manifest).Where(c => c.Deployment.Name() is "chatapi" or "chatbot" or "vllm"))
        {
            if (container.Lifecycle?.PreStop?.Sleep?.Seconds is not { } preStop)
            {
                yield return $"{deployment.Name()} stops before every node has removed it from its endpoints.";
                continue;
            }
            var drain = IsVllm(container)
                ? Argument(container, "--shutdown-timeout") is { } seconds ? int.Parse(seconds, CultureInfo.InvariantCulture) : (int?)null
                : Setting(manifest, deployment.Name(), "Chat__DrainTimeout") is { } time ? (int)TimeSpan.Parse(time, CultureInfo.InvariantCulture).TotalSeconds + FlushAndClose : 0;
            if (drain is null)
                yield return $"{deployment.Name()} has no --shutdown-timeout, so it aborts its streams.";
            else if (deployment.Spec.Template.Spec.TerminationGracePeriodSeconds < preStop + drain + Margin)
                yield return $"{deployment.Name()} is killed earlier than {preStop} + {drain} + {Margin} s after its end began.";
        }
    }

    /// <summary>Two pods or more of each service, none missing during a rollout, never all evicted, and their number set by the autoscaler alone.</summary>
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

    /// <summary>A surge pod would wait for the only GPU indefinitely, and a disruption budget on one replica blocks every drain.</summary>
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

    /// <summary>vLLM's user, its cache on a volume, shared memory, no usage statistics.</summary>
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
                    yield return $"{variable} is on no claim, so every start downloads or compiles again.";
            if (!container.VolumeMounts.Any(mount => mount.MountPath == "/dev/shm" && pod.Volumes.Any(volume => volume.Name == mount.Name && volume.EmptyDir is { Medium: "Memory" })))
                yield return "vLLM has 64 MB of shared memory.";
            if (Setting(manifest, deployment.Name(), "VLLM_NO_USAGE_STATS") != "1")
                yield return "vLLM sends statistics of its use.";
            if (Argument(container, "--reasoning-parser") != "qwen3")
                yield return "Thinking arrives inside the answer.";
        }
    }

    /// <summary>Requests of everything that a node can run out of, limits of what a container can exhaust, and a model that fits the smallest node with its GPU.</summary>
    private static IEnumerable<string> Resources(Manifest manifest)
    {
        foreach (var (deployment, container) in Containers(manifest))
        {
            if (container.Resources is not { Requests: { } requests, Limits: { } limits }
                || !Requested.All(requests.ContainsKey) || !Limited.All(limits.ContainsKey))
                yield return $"{deployment.Name()} lacks requests or limits.";
            else if (IsVllm(container) && (requests["cpu"].ToDecimal() > 3 || requests["memory"].ToDecimal() > 12L << 30))
                yield return $"{deployment.Name()} requests more than a node of 4 CPUs and 16 GiB can give.";
            else if (OnDisk(deployment.Spec.Template.Spec) > limits["ephemeral-storage"].ToDecimal())
                yield return $"{deployment.Name()} is evicted before its volumes on the node's disk are full: they count towards its ephemeral storage.";
        }

        static decimal OnDisk(V1PodSpec pod) =>
            (pod.Volumes ?? []).Sum(volume => volume.EmptyDir is { Medium: not "Memory", SizeLimit: { } limit } ? limit.ToDecimal() : 0);
    }

    private static readonly string[] Requested = ["cpu", "memory", "ephemeral-storage"];
    private static readonly string[] Limited = ["memory", "ephemeral-storage"];

    private static IEnumerable<string> Images(Manifest manifest) => Containers(manifest)
        .Where(c => !Tag().IsMatch(c.Container.Image))
        .Select(c => $"{c.Container.Image} is a tag that moves.");
}
