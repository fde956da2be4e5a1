using System.Globalization;
using Llasta.AppHost.Kubernetes;

namespace Llasta.AppHost.Model;

/// <summary>What stands in for vLLM: another server, or the simulator.</summary>
internal static class Substitutes
{
    public static Model AddExternalModel(this IDistributedApplicationBuilder builder, string name, ModelSettings settings, IResourceBuilder<ParameterResource> key)
    {
        if (!Uri.TryCreate(settings.BaseUrl, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https") || !address.AbsolutePath.TrimEnd('/').EndsWith("/v1", StringComparison.Ordinal))
            throw new InvalidOperationException($"Model:Backend is 'external', so Model:BaseUrl must be an address that ends in /v1, such as http://localhost:11434/v1; it is '{settings.BaseUrl}'.");

        // An external service of Aspire's has no path; the path is part of the address that consumers get.
        var service = builder.AddExternalService(name, new Uri(address.GetLeftPart(UriPartial.Authority) + "/"));
        var model = new Model(service, ReferenceExpression.Create($"{address.AbsoluteUri.TrimEnd('/')}"), key);
        service.WithModelsHealthCheck(model);
        return model;
    }

    public static Model AddSimulator(this IDistributedApplicationBuilder builder, string name, ModelSettings settings, IResourceBuilder<ParameterResource> key)
    {
        var simulator = builder.AddProject<Projects.Llasta_ModelSim>(name, Endpoints.OurOwn)
            .WithServiceEndpoint(containerPort: Vllm.Port)
            .WithEnvironment("Sim__ApiKey", key)
            .WithEnvironment("Sim__ContextWindow", settings.ContextWindow.ToString(CultureInfo.InvariantCulture))
            .WithUrlForEndpoint(Endpoints.Http, _ => new() { Url = "/metrics", DisplayText = "vLLM's metrics, simulated" })
            .PublishAsSimulator();
        if (settings.Name is { } model)
            simulator.WithEnvironment("Sim__Model", model);
        return simulator.ServedByEndpoint(key);
    }

    public static Model ServedByEndpoint<T>(this IResourceBuilder<T> server, IResourceBuilder<ParameterResource> key) where T : IResourceWithEndpoints =>
        new((IResourceBuilder<IResource>)server, ReferenceExpression.Create($"{server.GetEndpoint(Endpoints.Http).Property(EndpointProperty.Url)}/v1"), key);
}
