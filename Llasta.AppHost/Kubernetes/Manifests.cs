using System.Diagnostics;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Aspire.Hosting.Pipelines;
using Llasta.AppHost.Model;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using YamlDotNet.RepresentationModel;

namespace Llasta.AppHost.Kubernetes;

/// <summary>
/// aspire-manifests/: the objects of Aspire's chart as one flat file for <c>kubectl apply</c>, and as a chart whose values
/// are an operator's (<see cref="Chart"/>). Rendered with its defaults, the chart is the flat file.
/// </summary>
internal static partial class Manifests
{
    private const string Step = "manifests";

    private const string Header = """
        # Written by the AppHost: `dotnet run --project Llasta.AppHost --launch-profile manifests` writes it anew (docs/manifests.md).

        """;

    /// <summary>A file's sections: which objects, in which order, with what above them.</summary>
    private static readonly (string Name, string Title)[] s_sections =
    [
        ("network", "Nothing goes in or out of a pod but what a policy names; kubectl port-forward ends inside the pod and needs none"),
        ("vllm", "The model's server"),
        ("chatapi", "The chat API: relays turns to the model"),
        ("chatbot", "The page, and the way in: kubectl -n llasta port-forward svc/chatbot 8080:8080"),
    ];

    /// <summary>The reasons that an operator would otherwise have to guess.</summary>
    private static readonly Dictionary<string, string> s_comments = new()
    {
        ["Secret/model-api-key"] = "Empty: no key. After a change: kubectl -n llasta rollout restart deployment vllm chatapi",
        ["PersistentVolumeClaim/model-cache"] = "Weights and compiled graphs, so that only the first start takes long",
        ["Deployment/vllm/Sim"] = "The simulator in vLLM's place: its name, its port and its dialect, without a model and without a GPU",
        ["Deployment/vllm/Cpu"] = "Recreate: the volume has one writer. No service links: they would set VLLM_PORT, and vLLM refuses to start with it",
        ["Deployment/vllm/Gpu"] = "Recreate: a second pod would wait for the only GPU. No service links: they would set VLLM_PORT, and vLLM refuses to start with it",
        ["NetworkPolicy/vllm-network"] = "The key guards /v1 only; this guards the rest",
        ["NetworkPolicy/vllm-download"] = "For the weights; delete it once they are in the volume",
        ["HorizontalPodAutoscaler/chatapi-autoscaler"] = "The Deployment says no number of replicas: applying this file again must not undo the autoscaler's",
        ["NetworkPolicy/chatbot-network"] = "Nothing may come in: the way is port-forward, or ingress.yaml",
    };

    private static readonly string[] s_kinds =
        ["Secret", "ConfigMap", "PersistentVolumeClaim", "Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy"];

    public static void AddManifestSteps(this IDistributedApplicationBuilder builder)
    {
        builder.Pipeline.AddStep(Step, context => WriteAsync(builder, context), dependsOn: "publish-k8s");
        builder.Pipeline.AddStep("all-manifests", async context =>
        {
            var output = OutputDirectory(context);
            await RunSelfAsync(context, "--step", Step, "--output-path", output, "--Model:Backend", "gpu");
            await RunSelfAsync(context, "--step", Step, "--output-path", output, "--Model:Backend", "sim");
            await RunSelfAsync(context, "--publisher", "manifest", "--output-path", Path.Combine(output, "aspire-manifest.json"));
        });
    }

    private static async Task WriteAsync(IDistributedApplicationBuilder builder, PipelineStepContext context)
    {
        var output = OutputDirectory(context);
        var backend = context.Model.Resources.SelectMany(resource => resource.Annotations.OfType<BackendChoice>()).Single().Backend;
        var objects = Sort(TakeAspireChart(output, new Images(builder.Configuration), backend));

        await WriteAsync(output, backend == ModelBackend.Gpu ? "chatbot.yaml" : $"chatbot-{backend.ToString().ToLowerInvariant()}.yaml", FlatFile(objects, backend));
        if (backend != ModelBackend.Gpu)
            return;

        foreach (var part in (string[])["ingress.yaml", "dashboard.yaml"])
            await WriteAsync(output, part, Header + InNamespace(Parts.Text(part)));
        foreach (var part in (string[])["queue-autoscaling.yaml", "prefix-routing.yaml"])
            await WriteAsync(output, Path.Combine("scaling", part), Header + InNamespace(Parts.Text(part)));
        foreach (var (path, text) in Chart.Of(objects.ToLookup(Section), Header))
            await WriteAsync(output, Path.Combine("chart", path), text);
    }

    /// <summary>Reads the chart that the publish step just wrote, with its values filled in, and removes it: its objects go on from here.</summary>
    private static List<YamlMappingNode> TakeAspireChart(string output, Images images, ModelBackend backend)
    {
        var valuesFile = Path.Combine(output, "values.yaml");
        var templates = Path.Combine(output, "templates");
        var values = Yaml.Leaves(Yaml.Documents(File.ReadAllText(valuesFile)).Single());
        values["parameters.chatapi.chatapi_image"] = images.Of("chatapi");
        values["parameters.chatbot.chatbot_image"] = images.Of("chatbot");
        if (backend == ModelBackend.Sim)
            values["parameters.vllm.vllm_image"] = images.Of("modelsim");

        var objects = Directory.EnumerateFiles(templates, "*.yaml", SearchOption.AllDirectories)
            .SelectMany(file => Yaml.Documents(File.ReadAllText(file)))
            .ToList();
        objects.ForEach(Yaml.Order);
        foreach (var text in objects.SelectMany(Yaml.Scalars))
            text.Value = DeploymentName().Replace(Expression().Replace(text.Value!, match => match.Groups["value"] is { Success: true } value
                ? values[value.Value]
                : KubernetesTarget.Name), "$1");

        Directory.Delete(templates, recursive: true);
        File.Delete(valuesFile);
        File.Delete(Path.Combine(output, "Chart.yaml"));
        return objects;
    }

    private static List<YamlMappingNode> Sort(IEnumerable<YamlMappingNode> objects) =>
    [
        .. objects
            .OrderBy(o => Array.FindIndex(s_sections, section => section.Name == Section(o)))
            .ThenBy(o => Array.IndexOf(s_kinds, o.Kind()))
            .ThenBy(o => o.Name(), StringComparer.Ordinal),
    ];

    private static string FlatFile(List<YamlMappingNode> objects, ModelBackend backend)
    {
        var text = new StringBuilder(Header).Append(Parts.Text("namespace.yaml"));
        foreach (var (section, title) in s_sections)
        {
            text.Append("---\n# ── ").Append(title).Append(".\n");
            text.AppendJoin("---\n", objects.Where(o => Section(o) == section).Select(o =>
                (Comment(o) is { } comment ? $"# {comment}.\n" : "") + Yaml.Text(o.In(KubernetesTarget.Name))));
        }
        return text.ToString();

        string? Comment(YamlMappingNode o) => s_comments.GetValueOrDefault($"{o.Kind()}/{o.Name()}/{backend}") ?? s_comments.GetValueOrDefault($"{o.Kind()}/{o.Name()}");
    }

    private static string Section(YamlMappingNode o) => o.Name() is "default-deny" or "dns" ? "network" : o.Component();

    private static string InNamespace(string part) => MetadataName().Replace(part, $"$0  namespace: {KubernetesTarget.Name}\n");

    private static string OutputDirectory(PipelineStepContext context) => context.Services.GetRequiredService<IPipelineOutputService>().GetOutputDirectory();

    private static async Task WriteAsync(string output, string path, string text)
    {
        var file = Path.Combine(output, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllTextAsync(file, text);
    }

    /// <summary>One run publishes one model graph; the files come from three.</summary>
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
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(context.CancellationToken), process.StandardError.ReadToEndAsync(context.CancellationToken));
        await process.WaitForExitAsync(context.CancellationToken);
        // A failing step still exits with 0, so what it says counts as well.
        if (process.ExitCode != 0 || said[1].Length > 0 || said[0].Contains("fail:", StringComparison.Ordinal))
            throw new InvalidOperationException($"{string.Join(' ', arguments)}:\n{said[0]}{said[1]}");
    }

    [GeneratedRegex(@"\{\{ (?:\.Values\.(?<value>[\w.]+)|\.Chart\.Name|\.Release\.Name) \}\}")]
    private static partial Regex Expression();

    [GeneratedRegex("^(vllm|chatapi|chatbot)-deployment$")]
    private static partial Regex DeploymentName();

    [GeneratedRegex(@"(?<=^metadata:\n)  name: .+\n", RegexOptions.Multiline)]
    private static partial Regex MetadataName();
}
