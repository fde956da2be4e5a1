using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Llasta.AppHost.Model;

internal static class ModelExtensions
{
    /// <summary>Adds the model's server: the backend that <c>Model:Backend</c> names, or the one that fits this machine.</summary>
    public static ModelConnection AddModel(this IDistributedApplicationBuilder builder, string name)
    {
        var settings = ModelSettings.Of(builder);
        var choice = BackendChoice.Make(settings.Backend, builder.ExecutionContext.IsPublishMode, BackendChoice.MachineHasGpu, BackendChoice.MachineHasContainerRuntime);

        // A callback, since the dashboard asks for a parameter without a value before it starts anything.
        var key = builder.AddParameter("model-api-key", () => builder.Configuration["Parameters:model-api-key"] ?? "", secret: true)
            .WithDescription("The key that the model's server asks for. Empty: none.");

        var model = choice.Backend switch
        {
            ModelBackend.Gpu => builder.AddVllmOnGpu(name, settings, key),
            ModelBackend.Cpu => builder.AddVllmOnCpu(name, settings, key),
            ModelBackend.Python => builder.AddVllmFromPython(name, settings, key),
            ModelBackend.External => builder.AddExternalModel(name, settings, key),
            _ => builder.AddSimulator(name, settings, key),
        };
        model.Server.WithAnnotation(choice).WithIconName("BrainCircuit").WithListModelsCommand(model);
        builder.Explain(model.Server.Resource, choice);
        return model;
    }

    /// <summary>Gives a consumer the model's address and key, under the names that OpenAI's clients use.</summary>
    public static IResourceBuilder<ProjectResource> WithModel(this IResourceBuilder<ProjectResource> consumer, ModelConnection model) => consumer
        .WithEnvironment("OPENAI_API_BASE_URL", model.BaseUrl)
        .WithEnvironment("OPENAI_API_KEY", model.ApiKey)
        .WithReferenceRelationship(model.Server);

    /// <summary>Says in the log and in the dashboard which backend was chosen and why.</summary>
    private static void Explain(this IDistributedApplicationBuilder builder, IResource resource, BackendChoice choice) =>
        builder.Eventing.Subscribe<BeforeStartEvent>(async (start, _) =>
        {
            var backend = choice.Backend.ToString().ToLowerInvariant();
            var logger = start.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Llasta.AppHost.Model");
            ModelLog.Chosen(logger, backend, choice.Reason);
            if (builder.ExecutionContext.IsRunMode)
                await start.Services.GetRequiredService<ResourceNotificationService>().PublishUpdateAsync(resource, state => state with
                {
                    Properties = [.. state.Properties, new("Backend", backend) { IsHighlighted = true }, new("Backend chosen because", choice.Reason) { IsHighlighted = true }],
                });
        });
}

internal static partial class ModelLog
{
    [LoggerMessage(LogLevel.Information, "The model's backend is {Backend}, because {Reason}. To change it, set Model:Backend to gpu, cpu, python, external or sim.")]
    public static partial void Chosen(ILogger logger, string backend, string reason);
}
