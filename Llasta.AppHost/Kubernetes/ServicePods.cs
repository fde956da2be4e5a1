using Aspire.Hosting.Kubernetes.Resources;

namespace Llasta.AppHost.Kubernetes;

internal static class ServicePods
{
    /// <summary>Of .NET's images.</summary>
    public const long AppUser = 1654;

    /// <summary>Chat:DrainTimeout, which is written into the ConfigMap so that the grace period below holds whatever the default becomes.</summary>
    private const int DrainTimeoutSeconds = 30;

    /// <summary>After the drain timeout a service takes 3 s for its streams' last events and 2 s to close (Llasta.ServiceDefaults).</summary>
    private const int DrainSeconds = DrainTimeoutSeconds + 5;

    /// <summary>Chat API and page: two or more pods behind a ClusterIP, replaced without a gap, drained before they go.</summary>
    /// <param name="service">The service.</param>
    /// <param name="parts">Files of Parts/ that belong to it.</param>
    public static IResourceBuilder<ProjectResource> PublishAsService(this IResourceBuilder<ProjectResource> service, params string[] parts)
    {
        if (service.ApplicationBuilder.ExecutionContext.IsRunMode)
            return service;

        var name = service.Resource.Name;
        return service
            .WithEnvironment("Chat__DrainTimeout", TimeSpan.FromSeconds(DrainTimeoutSeconds).ToString())
            .WithServiceEnvironment()
            .WithClusterNames()
            .PublishAsKubernetesService(kubernetes =>
            {
                var deployment = (Deployment)kubernetes.Workload!;
                deployment.Spec.Replicas = null; // the autoscaler's
                deployment.Spec.Strategy = WithoutGap();

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
                container.ReadsIfPresent("ingress-hosts");
                container.ReadsIfPresent("telemetry");
                container.StartupProbe = PodPromises.Probe("/health", everySeconds: 1, failures: 60);
                container.ReadinessProbe = PodPromises.Probe("/health", everySeconds: 5, failures: 3);
                // Kills only what hangs: a minute of silence on a path that asks nobody else.
                container.LivenessProbe = PodPromises.Probe("/alive", everySeconds: 10, failures: 6);
                container.Resources = Resources(cpu: "250m", memory: "64Mi", cpuLimit: "2", memoryLimit: "512Mi");

                if (kubernetes.Secret is not null)
                    kubernetes.ReadsModelApiKey("OPENAI_API_KEY");
                kubernetes.AddParts($"{name}.yaml");
                kubernetes.AddParts(parts);
            });
    }

    /// <summary>The simulator in vLLM's place: its names and port, our image and promises.</summary>
    public static IResourceBuilder<ProjectResource> PublishAsSimulator(this IResourceBuilder<ProjectResource> simulator)
    {
        if (simulator.ApplicationBuilder.ExecutionContext.IsRunMode)
            return simulator;

        return simulator
            .WithServiceEnvironment()
            .WithClusterNames()
            .PublishAsKubernetesService(kubernetes =>
            {
                var deployment = (Deployment)kubernetes.Workload!;
                deployment.Spec.Strategy = WithoutGap();

                var pod = deployment.PodTemplate.Spec;
                pod.Restrict(AppUser, AppUser, readOnlyRoot: true, DrainSeconds);

                var container = pod.Containers[0];
                container.StartupProbe = PodPromises.Probe("/health", everySeconds: 1, failures: 60);
                container.ReadinessProbe = PodPromises.Probe("/health", everySeconds: 5, failures: 3);
                container.LivenessProbe = PodPromises.Probe("/health", everySeconds: 10, failures: 6);
                container.Resources = Resources(cpu: "50m", memory: "64Mi", cpuLimit: "1", memoryLimit: "256Mi");

                kubernetes.ReadsModelApiKey("Sim__ApiKey");
                kubernetes.AddModelApiKey();
                kubernetes.AddParts("model-inside.yaml");
            });
    }

    /// <summary>With the model's server outside the cluster, the Secret has no model to stand beside, and the way out must be open.</summary>
    public static IResourceBuilder<ProjectResource> PublishAsClientOfOutside(this IResourceBuilder<ProjectResource> client) =>
        client.PublishAsKubernetesService(kubernetes =>
        {
            kubernetes.AddModelApiKey();
            kubernetes.AddParts("model-outside.yaml");
        });

    private static IResourceBuilder<ProjectResource> WithServiceEnvironment(this IResourceBuilder<ProjectResource> service) => service
        .WithEnvironment("OTEL_SERVICE_NAME", service.Resource.Name)
        // The runtime's diagnostic socket lives in /tmp, which is read-only.
        .WithEnvironment("DOTNET_EnableDiagnostics", "0");

    private static DeploymentStrategyV1 WithoutGap() => new() { Type = "RollingUpdate", RollingUpdate = new() { MaxUnavailable = 0, MaxSurge = 1 } };

    private static ResourceRequirementsV1 Resources(string cpu, string memory, string cpuLimit, string memoryLimit) => new()
    {
        Requests = { ["cpu"] = cpu, ["memory"] = memory },
        Limits = { ["cpu"] = cpuLimit, ["memory"] = memoryLimit },
    };
}
