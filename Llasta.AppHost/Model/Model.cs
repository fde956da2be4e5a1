using Llasta.AppHost.Kubernetes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Llasta.AppHost.Model;

/// <summary>The model as its consumers see it: an OpenAI-compatible address and a key, whatever serves it.</summary>
/// <param name="Resource">What the dashboard shows.</param>
/// <param name="BaseUrl">Ends in <c>/v1</c>.</param>
/// <param name="ApiKey">A secret, empty by default: no key.</param>
internal sealed record Model(IResourceBuilder<IResource> Resource, ReferenceExpression BaseUrl, IResourceBuilder<ParameterResource> ApiKey);

internal static class ModelExtensions
{
    public static Model AddModel(this IDistributedApplicationBuilder builder, string name)
    {
        var settings = ModelSettings.Of(builder);
        var choice = BackendChoice.Make(settings.Backend, builder.ExecutionContext.IsPublishMode, BackendChoice.MachineHasGpu, BackendChoice.MachineHasContainerRuntime);

        // A getter, not a bare secret: a parameter without a value is asked for before anything starts.
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
        model.Resource.WithAnnotation(choice).WithIconName("BrainCircuit").WithListModelsCommand(model);
        builder.Explain(model.Resource.Resource, choice);
        return model;
    }

    /// <summary>Gives a consumer the model's address and key, under the names that the ecosystem uses.</summary>
    public static IResourceBuilder<ProjectResource> WithModel(this IResourceBuilder<ProjectResource> consumer, Model model)
    {
        consumer
            .WithEnvironment("OPENAI_API_BASE_URL", model.BaseUrl)
            .WithEnvironment("OPENAI_API_KEY", model.ApiKey)
            .WithReferenceRelationship(model.Resource);
        return model.Resource.Resource is ExternalServiceResource ? consumer.PublishAsClientOfOutside() : consumer;
    }

    private static void Explain(this IDistributedApplicationBuilder builder, IResource resource, BackendChoice choice) =>
        builder.Eventing.Subscribe<BeforeStartEvent>(async (start, _) =>
        {
            var backend = choice.Backend.ToString().ToLowerInvariant();
            var logger = start.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Llasta.AppHost.Model");
            ModelLog.Chosen(logger, backend, choice.Reason);
            if (builder.ExecutionContext.IsRunMode)
                await start.Services.GetRequiredService<ResourceNotificationService>().PublishUpdateAsync(resource, state => state with
                {
                    Properties = [.. state.Properties, new("Backend", backend), new("Backend chosen because", choice.Reason)],
                });
        });
}

internal static partial class ModelLog
{
    [LoggerMessage(LogLevel.Information, "The model's backend is {Backend}: {Reason}. Model:Backend chooses another: gpu, cpu, python, external or sim.")]
    public static partial void Chosen(ILogger logger, string backend, string reason);
}
