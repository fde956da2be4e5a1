using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Resources;
using Llasta.AppHost.Model;

namespace Llasta.AppHost.Kubernetes;

internal static class ModelPods
{
    /// <summary>vLLM's image has this user, in group 0, which owns what it writes.</summary>
    private const long VllmUser = 2000;

    /// <summary>To download, load and compile, the first time.</summary>
    private const int StartSeconds = 1800;

    public static IResourceBuilder<ContainerResource> PublishAsVllm(this IResourceBuilder<ContainerResource> vllm, int gpus)
    {
        if (vllm.ApplicationBuilder.ExecutionContext.IsRunMode)
            return vllm;

        return vllm
            // Compilers and libraries cache in the home directory, which the volume is the only writable place for.
            .WithEnvironment("HOME", Vllm.CachePath)
            .WithClusterNames()
            .PublishAsKubernetesService(kubernetes =>
            {
                var deployment = (Deployment)kubernetes.Workload!;
                // `kubectl rollout status` gives up after this; by default after ten minutes, in mid-download.
                deployment.Spec.ProgressDeadlineSeconds = StartSeconds + 300;
                // One GPU: a second pod would wait for it for ever, so the old one goes first.
                deployment.Spec.Strategy = new() { Type = "Recreate", RollingUpdate = null! };

                var pod = deployment.PodTemplate.Spec;
                pod.Restrict(VllmUser, group: 0, readOnlyRoot: false, Vllm.ShutdownTimeoutSeconds);
                pod.SecurityContext!.FsGroup = 0;
                // Changing the owner of 16 GB of weights at every start takes minutes.
                pod.SecurityContext.FsGroupChangePolicy = "OnRootMismatch";
                pod.Volumes.Add(new() { Name = Vllm.CacheVolume, PersistentVolumeClaim = new() { ClaimName = Vllm.CacheVolume } });
                pod.Volumes.Add(new() { Name = "shm", EmptyDir = new() { Medium = "Memory", SizeLimit = "2Gi" } });

                var container = pod.Containers[0];
                container.VolumeMounts.Add(new() { Name = Vllm.CacheVolume, MountPath = Vllm.CachePath });
                container.VolumeMounts.Add(new() { Name = "shm", MountPath = "/dev/shm" });
                // /health, never /v1/models, which the key guards.
                container.StartupProbe = PodPromises.Probe("/health", everySeconds: 10, failures: StartSeconds / 10);
                container.ReadinessProbe = PodPromises.Probe("/health", everySeconds: 5, failures: 3);
                container.LivenessProbe = PodPromises.Probe("/health", everySeconds: 10, failures: 6);
                container.Resources = new()
                {
                    Requests = { ["cpu"] = "4", ["memory"] = "24Gi" },
                    Limits = { ["cpu"] = "8", ["memory"] = "32Gi" },
                };
                if (gpus > 0)
                {
                    container.Resources.Limits["nvidia.com/gpu"] = $"{gpus}";
                    pod.Tolerations.Add(new() { Key = "nvidia.com/gpu", Operator = "Exists", Effect = "NoSchedule" });
                }

                kubernetes.ReadsModelApiKey("VLLM_API_KEY");
                kubernetes.AddModelApiKey();
                kubernetes.AdditionalResources.Add(new PersistentVolumeClaim
                {
                    Metadata = { Name = Vllm.CacheVolume },
                    Spec = new() { AccessModes = { "ReadWriteOnce" }, Resources = new() { Requests = { ["storage"] = "50Gi" } } },
                });
                kubernetes.AddParts("model-inside.yaml", "model-download.yaml");
            });
    }

    /// <summary>The expression is the one that Aspire fills at <c>deploy</c> with the parameter's value.</summary>
    public static void AddModelApiKey(this KubernetesResource kubernetes) => kubernetes.AdditionalResources.Add(new Secret
    {
        Metadata = { Name = "model-api-key" },
        StringData = { ["api-key"] = "{{ .Values.secrets.chatapi.model_api_key }}" },
    });
}
