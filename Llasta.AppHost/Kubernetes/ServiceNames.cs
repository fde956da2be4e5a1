using System.Globalization;

namespace Llasta.AppHost.Kubernetes;

internal static class ServiceNames
{
    /// <summary>
    /// Names the Service like the resource. Aspire appends <c>-service</c>, in the object and in every address that it writes
    /// into another resource's ConfigMap, so this method sets those addresses, too. Call it after everything that adds to the
    /// environment. (The Deployment keeps Aspire's <c>-deployment</c> here: Aspire names files after objects regardless of
    /// their kind, so two objects with one name would overwrite each other. <see cref="FlatFile"/> removes the suffix.)
    /// </summary>
    public static IResourceBuilder<T> WithServiceNames<T>(this IResourceBuilder<T> resource) where T : IComputeResource, IResourceWithEnvironment
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
