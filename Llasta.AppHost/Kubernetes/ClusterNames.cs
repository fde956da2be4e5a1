using System.Globalization;
using Aspire.Hosting.Kubernetes.Resources;

namespace Llasta.AppHost.Kubernetes;

internal static class ClusterNames
{
    /// <summary>
    /// Names the Service as the resource. Aspire appends <c>-service</c>, in the object and in every address that it writes
    /// into another resource's ConfigMap, so those are written anew as well. Must come after everything that adds to the
    /// environment. (The Deployment keeps Aspire's <c>-deployment</c> here: the publisher names files after objects, whatever
    /// their kind, so two objects of one name overwrite each other. <see cref="Manifests"/> shortens it.)
    /// </summary>
    public static IResourceBuilder<T> WithClusterNames<T>(this IResourceBuilder<T> resource) where T : IComputeResource, IResourceWithEnvironment
    {
        var addresses = new Dictionary<string, string>();
        return resource
            .WithEnvironment(context =>
            {
                foreach (var (variable, value) in context.EnvironmentVariables)
                    if (Address(value) is { } address)
                        addresses[variable] = address;
            })
            .PublishAsKubernetesService(kubernetes =>
            {
                kubernetes.Service!.Metadata.Name = resource.Resource.Name;
                foreach (var (variable, address) in addresses)
                    kubernetes.ConfigMap!.Data[variable] = address;
            });
    }

    private static string? Address(object value) => value switch
    {
        EndpointReference endpoint => $"{endpoint.Scheme}://{endpoint.Resource.Name}:{endpoint.TargetPort}",
        EndpointReferenceExpression { Property: EndpointProperty.Url } url => Address(url.Endpoint),
        ReferenceExpression { ValueProviders: [EndpointReferenceExpression url] } expression when Address(url) is { } address =>
            string.Format(CultureInfo.InvariantCulture, expression.Format, address),
        _ => null,
    };
}
