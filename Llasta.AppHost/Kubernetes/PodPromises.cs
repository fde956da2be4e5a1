using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Resources;

namespace Llasta.AppHost.Kubernetes;

/// <summary>What every pod promises: Pod Security <c>restricted</c>, probes with patience, an end that lets streams finish.</summary>
internal static class PodPromises
{
    /// <summary>
    /// Between the end of a pod's endpoints and its SIGTERM, for the news to reach every node. A <c>sleep</c> action
    /// (Kubernetes 1.30) since our images have no shell.
    /// </summary>
    public const int PreStopSeconds = 5;

    /// <summary>For the process to end by itself after its drain, before it is killed.</summary>
    private const int MarginSeconds = 10;

    /// <param name="pod">The pod.</param>
    /// <param name="user">Its user; nobody's files but its own.</param>
    /// <param name="group">Its group, for the files of a volume too.</param>
    /// <param name="readOnlyRoot">Nothing is ever written outside a volume.</param>
    /// <param name="drainSeconds">The longest time from SIGTERM to the process's end.</param>
    public static void Restrict(this PodSpecV1 pod, long user, long group, bool readOnlyRoot, int drainSeconds)
    {
        // A Service named vllm would become VLLM_PORT=tcp://… in every pod, and vLLM refuses to start with it (vllm/envs.py).
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
        // The other three handlers are not null by default, and would be published as empty ones beside this.
        container.Lifecycle = new() { PreStop = new() { Sleep = new() { Seconds = PreStopSeconds }, Exec = null!, HttpGet = null!, TcpSocket = null! } };
    }

    /// <summary>Written here and not by Aspire's WithHttpProbe, which publishes a scheme that the API server rejects (microsoft/aspire#18271).</summary>
    public static ProbeV1 Probe(string path, int everySeconds, int failures) => new()
    {
        HttpGet = new() { Path = path, Port = "http", Scheme = "HTTP" },
        PeriodSeconds = everySeconds,
        // Kubernetes' default of one second takes busy pods out of service.
        TimeoutSeconds = 5,
        FailureThreshold = failures,
    };

    /// <summary>ConfigMaps that exist only where an opt-in file is applied: dashboard.yaml, ingress.yaml.</summary>
    public static void ReadsIfPresent(this ContainerV1 container, string configMap) =>
        container.EnvFrom.Add(new() { ConfigMapRef = new() { Name = configMap, Optional = true } });

    /// <summary>One Secret for the server and its client, in place of Aspire's one per resource with the same key in both.</summary>
    public static void ReadsModelApiKey(this KubernetesResource kubernetes, string variable)
    {
        var container = kubernetes.Workload!.PodTemplate.Spec.Containers[0];
        container.EnvFrom.RemoveAll(source => source.SecretRef is not null);
        container.Env.Add(new() { Name = variable, ValueFrom = new() { SecretKeyRef = new() { Name = "model-api-key", Key = "api-key" } } });
        kubernetes.Secret = null;
    }
}
