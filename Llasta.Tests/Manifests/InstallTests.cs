using System.Text.RegularExpressions;
using k8s.Models;
using Xunit;

namespace Llasta.Tests.Manifests;

/// <summary>What a person copies from the README and from docs names what is released.</summary>
public sealed partial class InstallTests
{
    public static TheoryData<string> Files => ["README.md", "docs/install.md", "docs/compose/vllm.yaml", "docs/compose/simulator.yaml"];

    [Theory]
    [MemberData(nameof(Files))]
    public void Every_version_is_the_solutions(string file)
    {
        var versions = Version().Matches(File.ReadAllText(Repository.PathOf(file))).Select(match => match.Groups[1].Value).ToList();

        Assert.NotEmpty(versions);
        Assert.All(versions, version => Assert.Equal(Manifest.SolutionVersion, version));
    }

    [Fact]
    public void The_compose_file_starts_vllm_as_the_manifests_do()
    {
        var compose = Manifest.Json(File.ReadAllText(Repository.PathOf("docs/compose/vllm.yaml"))).Single()["services"]!["vllm"]!;
        var manifest = Manifest.Load("chatbot.yaml");
        var container = manifest.Deployments.Single(deployment => deployment.Name() == "vllm").Spec.Template.Spec.Containers.Single();
        // A pod's user has no home directory of its own.
        var environment = manifest.All<V1ConfigMap>().Single(map => map.Name() == "vllm-config").Data.Where(variable => variable.Key != "HOME");

        Assert.Equal(container.Image, (string?)compose["image"]);
        Assert.Equal(container.Command, compose["entrypoint"]!.AsArray().Select(part => (string)part!));
        Assert.Equal(container.Args, compose["command"]!.AsArray().Select(part => (string)part!));
        Assert.Equal(environment.OrderBy(variable => variable.Key), compose["environment"]!.AsObject().Select(variable => KeyValuePair.Create(variable.Key, (string)variable.Value!)).OrderBy(variable => variable.Key));
    }

    /// <summary>Of an image, an archive, a tag, or the variable that stands for it.</summary>
    [GeneratedRegex(@"(?:/chatbot:|\bllasta-|/v|tags/v|version ?= ?""?)(\d+\.\d+\.\d+(?:-[a-z]+\.\d+)?)")]
    private static partial Regex Version();
}
