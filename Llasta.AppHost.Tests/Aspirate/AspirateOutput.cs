using System.Text.Json;
using System.Text.RegularExpressions;
using HandlebarsDotNet;

namespace Llasta.AppHost.Tests.Aspirate;

/// <summary>
/// The files that <c>aspirate generate</c> writes from aspire-manifest.json with the templates of aspire-manifests/aspirate.
/// It is the same library with the same data as in aspirate 9.1.0.
/// </summary>
internal sealed partial class AspirateOutput
{
    private readonly JsonElement _resources;
    private readonly string _key;

    private AspirateOutput(JsonElement resources, string key) => (_resources, _key) = (resources, key);

    /// <param name="key">The value of the parameter model-api-key.</param>
    /// <param name="namespace">The option <c>--namespace</c>, or null without it.</param>
    /// <param name="arguments">vLLM's arguments; null for those of the manifest.</param>
    /// <returns>The files' texts by their path.</returns>
    public static Dictionary<string, string> Render(string key = "", string? @namespace = "llasta", string[]? arguments = null)
    {
        using var manifest = JsonDocument.Parse(File.ReadAllText(Repository.PathOf("aspire-manifests/aspire-manifest.json")));
        var output = new AspirateOutput(manifest.RootElement.GetProperty("resources"), key);
        var files = new Dictionary<string, string>();
        var folders = new List<string>();
        foreach (var resource in output._resources.EnumerateObject().Where(resource => resource.Value.GetProperty("type").GetString() is not "parameter.v0"))
        {
            folders.Add(resource.Name);
            var data = output.DataOf(resource, resource.Name == "vllm" ? arguments : null);
            foreach (var kind in (string[])["deployment", "service", "kustomization"])
                files[$"{resource.Name}/{kind}.yaml"] = Render(kind, data);
        }

        var all = new Data { Namespace = @namespace, Manifests = @namespace is null ? folders : [.. folders, "namespace.yaml"] };
        if (@namespace is not null)
            files["namespace.yaml"] = Render("namespace", all);
        files["kustomization.yaml"] = Render("kustomization", all);
        return files;
    }

    private static string Render(string template, Data data) =>
        Handlebars.Compile(File.ReadAllText(Repository.PathOf($"aspire-manifests/aspirate/{template}.hbs")))(data);

    private Data DataOf(JsonProperty resource, string[]? arguments)
    {
        var isProject = resource.Value.GetProperty("type").GetString() == "project.v0";
        return new()
        {
            Name = resource.Name,
            IsProject = isProject ? true : null,
            // aspirate asks MSBuild for a project's image (eng/Service.props), which the flat file names as well.
            ContainerImage = isProject ? FlatFile.ImageOf(resource.Name) : resource.Value.GetProperty("image").GetString(),
            Args = arguments ?? (resource.Value.TryGetProperty("args", out var args) ? [.. args.EnumerateArray().Select(argument => argument.GetString()!)] : []),
            Env = resource.Value.GetProperty("env").EnumerateObject()
                .Select(variable => (variable.Name, Value: Resolve(variable.Value.GetString()!)))
                .Where(variable => variable.Value.Length > 0)
                .ToDictionary(variable => variable.Name, variable => (string?)variable.Value),
            Manifests = ["deployment.yaml", "service.yaml"],
        };
    }

    private string Resolve(string value) => Placeholder().Replace(value, match => match.Groups["property"].Value switch
    {
        "value" => _key,
        "bindings.http.targetPort" => PortOf(match.Groups["resource"].Value),
        "bindings.http.url" => $"http://{match.Groups["resource"].Value}:{PortOf(match.Groups["resource"].Value)}",
        var property => throw new NotSupportedException($"The manifest has a placeholder with {property}, which this test doesn't resolve."),
    });

    private string PortOf(string resource) => _resources.GetProperty(resource).GetProperty("bindings").GetProperty("http").GetProperty("targetPort").GetRawText();

    [GeneratedRegex(@"\{(?<resource>[\w-]+)\.(?<property>[\w.]+)\}")]
    private static partial Regex Placeholder();

    /// <summary>The members of aspirate's data that our templates use.</summary>
    public sealed class Data
    {
        public string? Name { get; init; }
        public string? Namespace { get; init; }
        public bool WithNamespace => Namespace is not null;
        public bool? IsProject { get; init; }
        public string? ContainerImage { get; init; }
        public string ImagePullPolicy { get; init; } = "IfNotPresent";
        public bool WithPrivateRegistry { get; init; }
        public IReadOnlyCollection<string> Args { get; init; } = [];
        public Dictionary<string, string?> Env { get; init; } = [];
        public IReadOnlyCollection<string> Manifests { get; init; } = [];
    }
}
