using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Llasta.AppHost.Kubernetes;

/// <summary>Kubernetes' recommended labels. Aspire sets name, component and instance, which the selectors use.</summary>
internal static class Labels
{
    public const string Component = Prefix + "component";

    private const string Prefix = "app.kubernetes.io/";

    /// <summary>
    /// Adds the labels that Aspire doesn't set, to the object only: a version in the pods' template would restart them, vLLM
    /// included, with every release.
    /// </summary>
    public static void Complete(YamlMappingNode labels)
    {
        labels.Children[Prefix + "version"] = new YamlScalarNode(Images.Version) { Style = ScalarStyle.DoubleQuoted };
        labels.Children[Prefix + "part-of"] = KubernetesTarget.Name;
        labels.Children[Prefix + "managed-by"] = "aspire";
    }
}
