using System.Diagnostics;
using System.Reflection;
using Aspire.Hosting.Pipelines;
using Llasta.AppHost.Model;
using Microsoft.Extensions.DependencyInjection;
using YamlDotNet.RepresentationModel;

namespace Llasta.AppHost.Kubernetes;

/// <summary>The pipeline steps that write aspire-manifests/.</summary>
internal static class ManifestSteps
{
    private const string Step = "manifests";

    public static void AddManifestSteps(this IDistributedApplicationBuilder builder)
    {
        builder.Pipeline.AddStep(new PipelineStep
        {
            Name = Step,
            Description = "Writes all objects of the chosen backend as one file for kubectl apply, and aspirate's templates.",
            Action = context => WriteAsync(builder, context),
            DependsOnSteps = [KubernetesTarget.PublishStep],
            RequiredBySteps = [WellKnownPipelineSteps.Publish],
        });
        builder.Pipeline.AddStep(new PipelineStep
        {
            Name = "all-manifests",
            Description = "Writes every generated file of aspire-manifests/.",
            Action = async context =>
            {
                var output = OutputDirectory(context);
                await RunSelfAsync(context, "--step", Step, "--output-path", output, "--Model:Backend", "gpu");
                await RunSelfAsync(context, "--step", Step, "--output-path", output, "--Model:Backend", "sim");
                await RunSelfAsync(context, "--publisher", "manifest", "--output-path", Path.Combine(output, "aspire-manifest.json"));
            },
        });
    }

    private static async Task WriteAsync(IDistributedApplicationBuilder builder, PipelineStepContext context)
    {
        var output = OutputDirectory(context);
        var backend = context.Model.Resources.SelectMany(resource => resource.Annotations.OfType<BackendChoice>()).Single().Backend;
        var file = backend == ModelBackend.Gpu ? "chatbot.yaml" : $"chatbot-{backend.ToString().ToLowerInvariant()}.yaml";
        List<YamlMappingNode> objects =
        [
            .. KubernetesYaml.Documents(EmbeddedObjects.Text("namespace.yaml")),
            .. AspireChart.Take(output, new Images(builder.Configuration), backend),
        ];
        objects.ForEach(o => Labels.Complete((YamlMappingNode)o["metadata"]["labels"]));

        if (backend == ModelBackend.Gpu)
        {
            var templates = Directory.CreateDirectory(Path.Combine(output, "aspirate")).FullName;
            foreach (var (name, text) in Aspirate.Templates(objects))
                await File.WriteAllTextAsync(Path.Combine(templates, name), text, context.CancellationToken);
        }
        await File.WriteAllTextAsync(Path.Combine(output, file), FlatFile.Text(objects, backend), context.CancellationToken);
        context.Summary.Add("To deploy", $"kubectl apply -f {file}");
    }

    private static string OutputDirectory(PipelineStepContext context) => context.Services.GetRequiredService<IPipelineOutputService>().GetOutputDirectory();

    /// <summary>Starts the AppHost again: one run publishes one model graph, and the files come from three.</summary>
    /// <exception cref="InvalidOperationException">The run failed; its output is in the message.</exception>
    private static async Task RunSelfAsync(PipelineStepContext context, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Assembly.GetEntryAssembly()!.Location, "--operation", "publish", "--clear-cache", "true", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["ASPIRE_INTERACTIVITY_ENABLED"] = "false" },
        };
        using var process = Process.Start(start)!;
        var output = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(context.CancellationToken), process.StandardError.ReadToEndAsync(context.CancellationToken));
        await process.WaitForExitAsync(context.CancellationToken);
        // A run with a failed step also exits with 0, so the output is checked.
        if (process.ExitCode != 0 || output[1].Length > 0 || output[0].Contains("fail:", StringComparison.Ordinal))
            throw new InvalidOperationException($"{string.Join(' ', arguments)}:\n{output[0]}{output[1]}");
    }
}
