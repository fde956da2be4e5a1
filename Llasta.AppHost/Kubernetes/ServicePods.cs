using Aspire.Hosting.Kubernetes.Resources;
using Llasta.AppHost.Model;

namespace Llasta.AppHost.Kubernetes;

internal static class ServicePods
{
    /// <summary>The user of our images, and its group: ContainerUser in eng/Service.props.</summary>
    private const long AppUser = 10001;

    /// <summary>Chat:DrainTimeout, written into the ConfigMap so that the grace period fits even if the setting's default changes.</summary>
    private const int DrainTimeoutSeconds = 30;

    /// <summary>After the drain timeout a service needs 3 s for its streams' last events and 2 s to close (Llasta.Streaming/Drain.cs).</summary>
    private const int DrainSeconds = DrainTimeoutSeconds + 5;

    /// <summary>Publishes the chat API or the page: two or more pods behind a ClusterIP, updated without a gap, drained before they stop.</summary>
    public static IResourceBuilder<ProjectResource> PublishAsService(this IResourceBuilder<ProjectResource> service)
    {
        if (service.ApplicationBuilder.ExecutionContext.IsRunMode)
            return service;

        var name = service.Resource.Name;
        return service
            .WithEnvironment("Chat__DrainTimeout", TimeSpan.FromSeconds(DrainTimeoutSeconds).ToString())
            .WithServiceEnvironment()
            .WithServiceNames()
            .WithAspirateManifest()
            .PublishAsKubernetesService(kubernetes =>
            {
                var deployment = (Deployment)kubernetes.Workload!;
                deployment.Spec.Replicas = null; // the autoscaler sets it
                deployment.Spec.Strategy = PodDefaults.RollingUpdateWithoutGap();

                var pod = deployment.PodTemplate.Spec;
                pod.SetDefaults(AppUser, AppUser, readOnlyRoot: true, DrainSeconds);
                foreach (var topology in (string[])["kubernetes.io/hostname", "topology.kubernetes.io/zone"])
                    pod.TopologySpreadConstraints.Add(new()
                    {
                        MaxSkew = 1,
                        TopologyKey = topology,
                        WhenUnsatisfiable = "ScheduleAnyway",
                        LabelSelector = new(new() { [Labels.Component] = name }),
                    });

                var container = pod.Containers[0];
                container.AddOptionalConfigMap("ingress-hosts");
                container.AddOptionalConfigMap("telemetry");
                container.StartupProbe = PodDefaults.Probe("/health", everySeconds: 1, failures: 60);
                container.ReadinessProbe = PodDefaults.Probe("/health", everySeconds: 5, failures: 3);
                // Restarts only a process that hangs: no answer for a minute on a path that depends on no other service.
                container.LivenessProbe = PodDefaults.Probe("/alive", everySeconds: 10, failures: 6);
                container.Resources = PodDefaults.Resources("250m", "64Mi", storage: "64Mi", cpuLimit: "2", memoryLimit: "512Mi", storageLimit: "512Mi");

                if (kubernetes.Secret is not null)
                    kubernetes.UseModelApiKey(PodDefaults.ModelApiKey.ClientVariable);
                kubernetes.AddObjects($"{name}.yaml");
            });
    }

    /// <summary>
    /// Publishes what a client of the model needs: the model's full name in the cluster, or a network policy where the model's
    /// server is outside the cluster.
    /// </summary>
    public static IResourceBuilder<ProjectResource> PublishAsClientOf(this IResourceBuilder<ProjectResource> client, ModelConnection model) =>
        client.PublishAsKubernetesService(kubernetes =>
        {
            if (model.Server.Resource is ExternalServiceResource)
                kubernetes.AddObjects("model-outside.yaml");
            else
                kubernetes.ConfigMap!.Data["OPENAI_API_BASE_URL"] = $"http://{model.Server.Resource.Name}.{KubernetesTarget.Name}.svc.cluster.local:{Vllm.Port}/v1";
        });

    /// <summary>Publishes the simulator under vLLM's name and port, as a pod like those of the other services.</summary>
    public static IResourceBuilder<ProjectResource> PublishAsSimulator(this IResourceBuilder<ProjectResource> simulator) => simulator
        .WithServiceEnvironment()
        .WithServiceNames()
        .WithAspirateManifest()
        .PublishAsKubernetesService(kubernetes =>
        {
            var deployment = (Deployment)kubernetes.Workload!;
            deployment.Spec.Strategy = PodDefaults.RollingUpdateWithoutGap();

            var pod = deployment.PodTemplate.Spec;
            pod.SetDefaults(AppUser, AppUser, readOnlyRoot: true, DrainSeconds);

            var container = pod.Containers[0];
            container.StartupProbe = PodDefaults.Probe("/health", everySeconds: 1, failures: 60);
            container.ReadinessProbe = PodDefaults.Probe("/health", everySeconds: 5, failures: 3);
            container.LivenessProbe = PodDefaults.Probe("/health", everySeconds: 10, failures: 6);
            container.Resources = PodDefaults.Resources("50m", "64Mi", storage: "64Mi", cpuLimit: "1", memoryLimit: "256Mi", storageLimit: "512Mi");

            kubernetes.UseModelApiKey("Sim__ApiKey");
            kubernetes.AddObjects("model-inside.yaml");
        });

    private static IResourceBuilder<ProjectResource> WithServiceEnvironment(this IResourceBuilder<ProjectResource> service) => service
        .WithEnvironment("OTEL_SERVICE_NAME", service.Resource.Name)
        // The runtime's diagnostic socket lives in /tmp, which is read-only.
        .WithEnvironment("DOTNET_EnableDiagnostics", "0");
}
