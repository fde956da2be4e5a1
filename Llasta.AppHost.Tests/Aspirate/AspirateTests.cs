using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Xunit;
using YamlDotNet.RepresentationModel;

namespace Llasta.AppHost.Tests.Aspirate;

/// <summary>aspire-manifests/aspirate: with these templates aspirate writes the objects of chatbot.yaml.</summary>
public sealed class AspirateTests
{
    private const string Key = """se"k=r&et: '<""";

    [Fact]
    public void The_manifest_has_only_types_that_aspirate_reads()
    {
        using var manifest = JsonDocument.Parse(File.ReadAllText(Repository.PathOf("aspire-manifests/aspire-manifest.json")));
        Assert.All(manifest.RootElement.GetProperty("resources").EnumerateObject(), resource =>
            Assert.Contains(resource.Value.GetProperty("type").GetString(), (string?[])["parameter.v0", "container.v0", "container.v1", "project.v0"]));
    }

    [Fact]
    public void The_objects_are_those_of_the_flat_file() => AssertSameObjects(FlatFile.Objects, Kustomize.Build(AspirateOutput.Render()));

    [Fact]
    public void A_key_is_in_the_Secret_and_in_no_other_object()
    {
        var objects = Kustomize.Build(AspirateOutput.Render(Key));

        var secret = Assert.Single(objects, o => o.Id == "Secret/model-api-key");
        Assert.Equal(Key, secret.Root["data"]["api-key"].ToString());
        AssertSameObjects(FlatFile.Objects, objects.Where(o => o != secret));
    }

    [Fact]
    public void Every_argument_is_a_string_whatever_it_contains()
    {
        string[] arguments = ["serve", "16384", "true", """{"temperature": 0.6, "x": '# y'}""", "null", "a: b"];
        var objects = Kustomize.Build(AspirateOutput.Render(arguments: arguments));

        var container = objects.Single(o => o.Id == "Deployment/vllm").Root["spec"]["template"]["spec"]["containers"][0];
        Assert.All((YamlSequenceNode)container["args"], argument => Assert.NotEqual(YamlDotNet.Core.ScalarStyle.Plain, ((YamlScalarNode)argument).Style));
        Assert.Equal(arguments, ((YamlSequenceNode)container["args"]).Select(argument => argument.ToString()));
    }

    [Fact]
    public void Another_namespace_is_used_everywhere()
    {
        var objects = Kustomize.Build(AspirateOutput.Render(@namespace: "team-a"));

        Assert.Contains(objects, o => o.Id == "Namespace/team-a");
        Assert.All(objects.Where(o => o.Id != "Namespace/team-a"), o => Assert.Equal("team-a", o.Root["metadata"]["namespace"].ToString()));
        Assert.Equal("http://vllm.team-a.svc.cluster.local:8000/v1", objects.Single(o => o.Id == "ConfigMap/chatapi-config").Root["data"]["OPENAI_API_BASE_URL"].ToString());
    }

    [Fact]
    public void Without_a_namespace_what_is_missing_is_said_where_the_apply_fails() =>
        Assert.All(Kustomize.Build(AspirateOutput.Render(@namespace: null)), o => Assert.Contains("option---namespace-llasta", o.Root["metadata"]["namespace"].ToString(), StringComparison.Ordinal));

    [Fact]
    public async Task Aspirate_itself_writes_these_files()
    {
        var output = Directory.CreateTempSubdirectory("llasta").FullName;
        var start = new ProcessStartInfo("aspirate", ["generate", "--non-interactive", "--disable-state", "--disable-secrets", "--skip-build", "--namespace", "llasta",
            "--image-pull-policy", "IfNotPresent", "--include-dashboard", "false", "-pa", "model-api-key=", "-m", Repository.PathOf("aspire-manifests/aspire-manifest.json"), "-o", output])
        {
            WorkingDirectory = Repository.PathOf("Llasta.AppHost"),
            RedirectStandardOutput = true,
        };
        Process? process = null;
        try
        {
            process = Process.Start(start);
        }
        catch (Win32Exception)
        {
            Assert.Skip("aspirate is not installed, so it was NOT run: dotnet tool install -g aspirate --version 9.1.0 --allow-roll-forward");
        }

        using (process)
        {
            var said = await process!.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(3), TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(process.ExitCode == 0, said);
        }
        Assert.All(AspirateOutput.Render(), file => Assert.Equal(file.Value, File.ReadAllText(Path.Combine(output, file.Key))));
    }

    private static void AssertSameObjects(IEnumerable<KubernetesObject> expected, IEnumerable<KubernetesObject> actual) => Assert.Equal(
        expected.OrderBy(o => o.Id, StringComparer.Ordinal).Select(o => $"{o.Id}\n{o.Canonical}"),
        actual.OrderBy(o => o.Id, StringComparer.Ordinal).Select(o => $"{o.Id}\n{o.Canonical}"));
}
