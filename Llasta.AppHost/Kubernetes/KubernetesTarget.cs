namespace Llasta.AppHost.Kubernetes;

internal static class KubernetesTarget
{
    /// <summary>Of the namespace, the chart and the release.</summary>
    public const string Name = "llasta";

    /// <summary>
    /// Kubernetes as the place to publish to. <c>publish</c> and <c>deploy</c> are Aspire's own, with the names and promises
    /// that the pods get here; <c>all-manifests</c> writes aspire-manifests/ from the same objects.
    /// </summary>
    public static void AddKubernetes(this IDistributedApplicationBuilder builder)
    {
        builder.AddKubernetesEnvironment("k8s")
            .WithHelm(helm => helm.WithChartName(Name).WithReleaseName(Name).WithNamespace(Name).WithChartVersion(Images.Version))
            // The dashboard is there to be added (dashboard.yaml), not part of every deployment.
            .WithDashboard(false)
            .ExcludeFromManifest();
        if (builder.ExecutionContext.IsPublishMode)
            builder.AddManifestSteps();
    }
}
