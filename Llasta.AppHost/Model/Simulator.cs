using System.Globalization;

namespace Llasta.AppHost.Model;

internal static class Simulator
{
    /// <summary>Adds the simulator, which speaks vLLM's dialect without a model.</summary>
    public static ModelConnection AddSimulator(this IDistributedApplicationBuilder builder, string name, ModelSettings settings, IResourceBuilder<ParameterResource> key)
    {
        var simulator = builder.AddProject<Projects.Llasta_ModelSim>(name, ServiceEndpoint.WithoutLaunchProfile)
            .WithServiceEndpoint(containerPort: Vllm.Port)
            .WithEnvironment("Sim__ApiKey", key)
            .WithEnvironment("Sim__ContextWindow", settings.ContextWindow.ToString(CultureInfo.InvariantCulture))
            .WithLink("/metrics", "Metrics, simulated");
        if (settings.Name is { } model)
            simulator.WithEnvironment("Sim__Model", model);
        return ModelConnection.To(simulator, key);
    }
}
