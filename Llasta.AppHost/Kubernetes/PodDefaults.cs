using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Resources;

namespace Llasta.AppHost.Kubernetes;

/// <summary>What every pod here has: Pod Security <c>restricted</c>, probes, and a shutdown that lets streams finish.</summary>
internal static class PodDefaults
{
    /// <summary>
    /// Seconds from the pod's removal from its Service to SIGTERM, so that every node has stopped sending requests by then.
    /// </summary>
    public const int PreStopSeconds = 5;

    /// <summary>Seconds that the process has to exit after its drain before Kubernetes kills it.</summary>
    private const int MarginSeconds = 10;

    /// <param name="pod">The pod.</param>
    /// <param name="user">The container's user id.</param>
    /// <param name="group">The container's group id, also for the files of a volume.</param>
    /// <param name="readOnlyRoot">Whether the root file system is read-only; the container then writes to volumes only.</param>
    /// <param name="drainSeconds">The longest time from SIGTERM to the process's exit.</param>
    public static void SetDefaults(this PodSpecV1 pod, long user, long group, bool readOnlyRoot, int drainSeconds)
    {
        // Service links would set VLLM_PORT=tcp://… from the Service named vllm, and vLLM refuses to start with it (vllm/envs.py).
        pod.EnableServiceLinks = false;
        pod.AutomountServiceAccountToken = false;
        pod.TerminationGracePeriodSeconds = PreStopSeconds + drainSeconds + MarginSeconds;
        pod.SecurityContext = new()
        {
            RunAsNonRoot = true,
            RunAsUser = user,
            RunAsGroup = group,
            SeccompProfile = new() { Type = "RuntimeDefault" },
        };

        var container = pod.Containers[0];
        container.ImagePullPolicy = "IfNotPresent";
        container.SecurityContext = new()
        {
            AllowPrivilegeEscalation = false,
            ReadOnlyRootFilesystem = readOnlyRoot,
            Capabilities = new() { Drop = { "ALL" } },
        };
        // A sleep action (Kubernetes 1.30), since our images have no shell. The other handlers are not null by default, and
        // Aspire would publish them as empty handlers beside this one.
        container.Lifecycle = new() { PreStop = new() { Sleep = new() { Seconds = PreStopSeconds }, Exec = null!, HttpGet = null!, TcpSocket = null! } };
    }

    /// <summary>An HTTP probe. Aspire's WithHttpProbe publishes a scheme that the API server rejects (microsoft/aspire#18271).</summary>
    public static ProbeV1 Probe(string path, int everySeconds, int failures) => new()
    {
        HttpGet = new() { Path = path, Port = "http", Scheme = "HTTP" },
        PeriodSeconds = everySeconds,
        // Kubernetes' default of one second takes busy pods out of service.
        TimeoutSeconds = 5,
        FailureThreshold = failures,
    };

    /// <summary>Reads a ConfigMap that exists only where an add-on is applied.</summary>
    public static void AddOptionalConfigMap(this ContainerV1 container, string configMap) =>
        container.EnvFrom.Add(new() { ConfigMapRef = new() { Name = configMap, Optional = true } });

    /// <summary>
    /// Reads the model's key from a Secret that the operator creates where a key is wanted. Aspire would publish a Secret for
    /// server and client each, and applying an empty one again would delete the key.
    /// </summary>
    /// <param name="kubernetes">The resource.</param>
    /// <param name="variable">The environment variable that takes the key.</param>
    public static void UseModelApiKey(this KubernetesResource kubernetes, string variable)
    {
        var container = kubernetes.Workload!.PodTemplate.Spec.Containers[0];
        container.EnvFrom.RemoveAll(source => source.SecretRef is not null);
        container.Env.Add(new() { Name = variable, ValueFrom = new() { SecretKeyRef = new() { Name = ModelApiKey.Secret, Key = ModelApiKey.Key, Optional = true } } });
        kubernetes.Secret = null;
    }

    /// <summary>The Secret with the model's key, and the variables that the key has for vLLM and for its client.</summary>
    public static class ModelApiKey
    {
        public const string Secret = "model-api-key";
        public const string Key = "api-key";
        public const string ServerVariable = "VLLM_API_KEY";
        public const string ClientVariable = "OPENAI_API_KEY";
    }

    /// <summary>Requests and limits of a container. Ephemeral storage is its logs and what it writes outside volumes.</summary>
    public static ResourceRequirementsV1 Resources(string cpu, string memory, string storage, string cpuLimit, string memoryLimit, string storageLimit) => new()
    {
        Requests = { ["cpu"] = cpu, ["memory"] = memory, ["ephemeral-storage"] = storage },
        Limits = { ["cpu"] = cpuLimit, ["memory"] = memoryLimit, ["ephemeral-storage"] = storageLimit },
    };

    public static DeploymentStrategyV1 RollingUpdateWithoutGap() => new() { Type = "RollingUpdate", RollingUpdate = new() { MaxUnavailable = 0, MaxSurge = 1 } };
}
