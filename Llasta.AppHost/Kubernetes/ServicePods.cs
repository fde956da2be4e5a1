using Aspire.Hosting.Kubernetes.Resources;
using Llasta.AppHost.Model;

namespace Llasta.AppHost.Kubernetes;

internal static class ServicePods
{
    /// <summary>The user of .NET's images, and its group.</summary>
    private const long AppUser = 1654;

    /// <summary>Chat:DrainTimeout, written into the ConfigMap so that the grace period fits even if the setting's default changes.</summary>
    private const int DrainTimeoutSeconds = 30;

    /// <summary>After the drain timeout a service needs 3 s for its streams' last events and 2 s to close (Llasta.ServiceDefaults).</summary>
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
            .PublishAsKubernetesService(kubernetes =>
            {
                var deployment = (Deployment)kubernetes.Workload!;
                deployment.Spec.Replicas = null; // the autoscaler sets it
                deployment.Spec.Strategy = PodDefaults.RollingUpdateWithoutGap();

                var pod = deployment.PodTemplate.Spec;
                pod.Restrict(AppUser, AppUser, readOnlyRoot: true, DrainSeconds);
                pod.TopologySpreadConstraints.Add(new()
                {
                    MaxSkew = 1,
                    TopologyKey = "kubernetes.io/hostname",
                    WhenUnsatisfiable = "ScheduleAnyway",
                    LabelSelector = new(new() { ["app.kubernetes.io/component"] = name }),
                });

                var container = pod.Containers[0];
                container.AddOptionalConfigMap("ingress-hosts");
                container.AddOptionalConfigMap("telemetry");
                container.StartupProbe = PodDefaults.Probe("/health", everySeconds: 1, failures: 60);
                container.ReadinessProbe = PodDefaults.Probe("/health", everySeconds: 5, failures: 3);
                // Restarts only a process that hangs: no answer for a minute on a path that depends on no other service.
                container.LivenessProbe = PodDefaults.Probe("/alive", everySeconds: 10, failures: 6);
                container.Resources = Resources(cpu: "250m", memory: "64Mi", cpuLimit: "2", memoryLimit: "512Mi");

                if (kubernetes.Secret is not null)
                    kubernetes.UseModelApiKey("OPENAI_API_KEY");
                kubernetes.AddObjects($"{name}.yaml");
            });
    }

    /// <summary>Publishes what a client of the model needs where the model's server is outside the cluster: its key, and a network policy.</summary>
    public static IResourceBuilder<ProjectResource> PublishAsClientOf(this IResourceBuilder<ProjectResource> client, ModelConnection model) =>
        model.Server.Resource is not ExternalServiceResource ? client : client.PublishAsKubernetesService(kubernetes =>
        {
            kubernetes.AddModelApiKey();
            kubernetes.AddObjects("model-outside.yaml");
        });

    /// <summary>Publishes the simulator under vLLM's name and port, as a pod like those of the other services.</summary>
    public static IResourceBuilder<ProjectResource> PublishAsSimulator(this IResourceBuilder<ProjectResource> simulator) => simulator
        .WithServiceEnvironment()
        .WithServiceNames()
        .PublishAsKubernetesService(kubernetes =>
        {
            var deployment = (Deployment)kubernetes.Workload!;
            deployment.Spec.Strategy = PodDefaults.RollingUpdateWithoutGap();

            var pod = deployment.PodTemplate.Spec;
            pod.Restrict(AppUser, AppUser, readOnlyRoot: true, DrainSeconds);

            var container = pod.Containers[0];
            container.StartupProbe = PodDefaults.Probe("/health", everySeconds: 1, failures: 60);
            container.ReadinessProbe = PodDefaults.Probe("/health", everySeconds: 5, failures: 3);
            container.LivenessProbe = PodDefaults.Probe("/health", everySeconds: 10, failures: 6);
            container.Resources = Resources(cpu: "50m", memory: "64Mi", cpuLimit: "1", memoryLimit: "256Mi");

            kubernetes.UseModelApiKey("Sim__ApiKey");
            kubernetes.AddModelApiKey();
            kubernetes.AddObjects("model-inside.yaml");
        });

    private static IResourceBuilder<ProjectResource> WithServiceEnvironment(this IResourceBuilder<ProjectResource> service) => service
        .WithEnvironment("OTEL_SERVICE_NAME", service.Resource.Name)
        // The runtime's diagnostic socket lives in /tmp, which is read-only.
        .WithEnvironment("DOTNET_EnableDiagnostics", "0");

    private static ResourceRequirementsV1 Resources(string cpu, string memory, string cpuLimit, string memoryLimit) => new()
    {
        Requests = { ["cpu"] = cpu, ["memory"] = memory },
        Limits = { ["cpu"] = cpuLimit, ["memory"] = memoryLimit },
    };
}
