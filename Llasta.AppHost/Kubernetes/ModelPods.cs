using Aspire.Hosting.Kubernetes.Resources;
using Llasta.AppHost.Model;

namespace Llasta.AppHost.Kubernetes;

internal static class ModelPods
{
    /// <summary>The user of vLLM's image; it is in group 0, which owns the files that it writes.</summary>
    private const long VllmUser = 2000;

    /// <summary>The time limit for the first start: download, load and compile.</summary>
    private const int StartSeconds = 1800;

    /// <summary>Publishes the model's server: vLLM, or the simulator under vLLM's names. An external server needs nothing.</summary>
    public static ModelConnection PublishAsModelServer(this ModelConnection model)
    {
        var application = model.Server.ApplicationBuilder;
        if (application.ExecutionContext.IsRunMode)
            return model;

        if (model.Server is IResourceBuilder<ContainerResource> vllm)
            vllm.PublishAsVllm(gpus: model.Backend == ModelBackend.Gpu ? ModelSettings.Of(application).Gpus : 0);
        else if (model.Server is IResourceBuilder<ProjectResource> simulator)
            simulator.PublishAsSimulator();
        return model;
    }

    private static void PublishAsVllm(this IResourceBuilder<ContainerResource> vllm, int gpus) => vllm
        // Compilers and libraries cache files in the home directory, and the volume is the only place to write to.
        .WithEnvironment("HOME", Vllm.CachePath)
        .WithServiceNames()
        .PublishAsKubernetesService(kubernetes =>
        {
            var deployment = (Deployment)kubernetes.Workload!;
            // `kubectl rollout status` gives up after this time; the default of ten minutes would be in the middle of the download.
            deployment.Spec.ProgressDeadlineSeconds = StartSeconds + 300;
            // With one GPU a second pod would stay Pending, so the old pod stops first.
            deployment.Spec.Strategy = new() { Type = "Recreate", RollingUpdate = null! };

            var pod = deployment.PodTemplate.Spec;
            pod.SetDefaults(VllmUser, group: 0, readOnlyRoot: false, Vllm.ShutdownTimeoutSeconds);
            pod.SecurityContext!.FsGroup = 0;
            // Changing the owner of 16 GB of weights at every start takes minutes.
            pod.SecurityContext.FsGroupChangePolicy = "OnRootMismatch";
            pod.Volumes.Add(new() { Name = Vllm.CacheVolume, PersistentVolumeClaim = new() { ClaimName = Vllm.CacheVolume } });
            pod.Volumes.Add(new() { Name = "shm", EmptyDir = new() { Medium = "Memory", SizeLimit = "2Gi" } });

            var container = pod.Containers[0];
            container.VolumeMounts.Add(new() { Name = Vllm.CacheVolume, MountPath = Vllm.CachePath });
            container.VolumeMounts.Add(new() { Name = "shm", MountPath = "/dev/shm" });
            // Not /v1/models: that path needs the key.
            container.StartupProbe = PodDefaults.Probe("/health", everySeconds: 10, failures: StartSeconds / 10);
            container.ReadinessProbe = PodDefaults.Probe("/health", everySeconds: 5, failures: 3);
            container.LivenessProbe = PodDefaults.Probe("/health", everySeconds: 10, failures: 6);
            // The requests fit the smallest cloud machines with a GPU of 24 GB, which have 4 CPUs and 16 GiB.
            container.Resources = PodDefaults.Resources("3", "12Gi", storage: "1Gi", cpuLimit: "8", memoryLimit: "32Gi", storageLimit: "8Gi");
            if (gpus > 0)
            {
                container.Resources.Limits["nvidia.com/gpu"] = $"{gpus}";
                pod.Tolerations.Add(new() { Key = "nvidia.com/gpu", Operator = "Exists", Effect = "NoSchedule" });
            }

            kubernetes.UseModelApiKey(PodDefaults.ModelApiKey.ServerVariable);
            // For models that need an account on Hugging Face.
            container.Env.Add(new() { Name = "HF_TOKEN", ValueFrom = new() { SecretKeyRef = new() { Name = "huggingface", Key = "token", Optional = true } } });
            kubernetes.AdditionalResources.Add(new PersistentVolumeClaim
            {
                Metadata = { Name = Vllm.CacheVolume },
                Spec = new() { AccessModes = { "ReadWriteOnce" }, Resources = new() { Requests = { ["storage"] = "50Gi" } } },
            });
            kubernetes.AddObjects("model-inside.yaml");
            kubernetes.AddObjects("model-download.yaml");
        });
}
