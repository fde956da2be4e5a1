using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Pipelines;

namespace Llasta.AppHost.Kubernetes;

internal static class KubernetesTarget
{
    /// <summary>The name of the namespace, of Aspire's chart and of its release.</summary>
    public const string Name = "llasta";

    private const string Environment = "k8s";

    /// <summary>The pipeline step of Aspire that writes its chart.</summary>
    public const string PublishStep = $"publish-{Environment}";

    /// <summary>
    /// Adds Kubernetes as the place to publish to. <c>publish</c> and <c>deploy</c> are Aspire's own steps; <c>manifests</c>
    /// and <c>all-manifests</c> write aspire-manifests/ from the same objects.
    /// </summary>
    public static void AddKubernetes(this IDistributedApplicationBuilder builder)
    {
        builder.AddKubernetesEnvironment(Environment)
            .WithHelm(helm => helm.WithChartName(Name).WithReleaseName(Name).WithNamespace(Name).WithChartVersion(Images.Version))
            // The dashboard is opt-in: aspire-manifests/addons.
            .WithDashboard(false)
            .ExcludeFromManifest();
        if (builder.ExecutionContext.IsPublishMode)
            builder.AddManifestSteps();
    }

    /// <summary>Adds network policies that hold for the whole namespace.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="file">A file of Objects/.</param>
    public static void AddNamespacePolicies(this IDistributedApplicationBuilder builder, string file)
    {
        if (builder.ExecutionContext.IsRunMode)
            return;

        builder.Pipeline.AddStep(new PipelineStep
        {
            Name = "namespace-policies",
            Description = "Adds the network policies that hold for the whole namespace.",
            Action = context =>
            {
                // Aspire publishes objects only beside a service, so these go with the last one.
                var targets = context.Model.Resources.SelectMany(resource => resource.Annotations.OfType<DeploymentTargetAnnotation>());
                targets.Select(target => target.DeploymentTarget).OfType<KubernetesResource>().Last().AddObjects(file, component: "network");
                return Task.CompletedTask;
            },
            DependsOnSteps = [$"prepare-deployment-targets-{Environment}"],
            RequiredBySteps = [PublishStep],
        });
    }
}
