using System.Text.Json;
using Xunit;

namespace Llasta.AppHost.Tests;

/// <summary>The generated files of aspire-manifests/ are what the AppHost writes. The rules for their contents are in Llasta.Tests, which needs no Aspire.</summary>
public sealed class RegenerationTests
{
    [Fact]
    public async Task The_committed_manifests_are_what_the_AppHost_writes_today()
    {
        var committed = Repository.PathOf("aspire-manifests");
        // Two levels below the root; the committed folder is one level below. The Aspire manifest names projects by relative paths.
        var written = Directory.CreateDirectory(Repository.PathOf("artifacts/manifests")).FullName;
        Directory.Delete(written, recursive: true);

        var (_, error) = await RunAsync("--operation", "publish", "--step", "all-manifests", "--clear-cache", "true", "--output-path", written);

        Assert.Equal("", error);
        Assert.Equal(["aspirate/deployment.hbs", "aspirate/kustomization.hbs", "aspirate/namespace.hbs", "aspirate/service.hbs", "aspire-manifest.json", "chatbot-sim.yaml", "chatbot.yaml"], Files(written));
        Assert.All(Files(written), file => Assert.Equal(File.ReadAllText(Path.Combine(committed, file)), File.ReadAllText(Path.Combine(written, file)).Replace("../../Llasta.", "../Llasta.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task The_manifest_for_aspirate_is_written_with_nothing_on_standard_error()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("llasta").FullName, "aspire-manifest.json");
        var (_, error) = await RunAsync("--publisher", "manifest", "--output-path", file);

        Assert.Equal("", error);
        using var manifest = JsonDocument.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        var resources = manifest.RootElement.GetProperty("resources");
        Assert.Equal(["model-api-key", "vllm", "chatapi", "chatbot"], resources.EnumerateObject().Select(resource => resource.Name));
        Assert.True(resources.GetProperty("model-api-key").GetProperty("inputs").GetProperty("value").GetProperty("secret").GetBoolean());
        Assert.Equal("{vllm.bindings.http.url}/v1", resources.GetProperty("chatapi").GetProperty("env").GetProperty("OPENAI_API_BASE_URL").GetString());
        Assert.Equal("{model-api-key.value}", resources.GetProperty("chatapi").GetProperty("env").GetProperty("OPENAI_API_KEY").GetString());
        Assert.Equal("{chatapi.bindings.http.url}", resources.GetProperty("chatbot").GetProperty("env").GetProperty("services__chatapi__http__0").GetString());
    }

    [Fact]
    public async Task A_key_that_is_configured_while_publishing_is_in_no_file()
    {
        var output = Directory.CreateTempSubdirectory("llasta").FullName;
        await RunAsync("--operation", "publish", "--step", "manifests", "--clear-cache", "true", "--output-path", output, "--Parameters:model-api-key=sesame");

        Assert.NotEmpty(Files(output));
        Assert.All(Files(output), file => Assert.DoesNotContain("sesame", File.ReadAllText(Path.Combine(output, file)), StringComparison.Ordinal));
    }

    [Fact]
    public async Task With_an_external_model_the_manifests_have_no_vllm_and_allow_the_way_to_it()
    {
        var output = Directory.CreateTempSubdirectory("llasta").FullName;
        await RunAsync("--operation", "publish", "--step", "manifests", "--clear-cache", "true", "--output-path", output, "--Model:Backend=external", "--Model:BaseUrl=https://models.example.com/v1");

        Assert.Equal(["chatbot-external.yaml"], Files(output));
        var flat = await File.ReadAllTextAsync(Path.Combine(output, "chatbot-external.yaml"), TestContext.Current.CancellationToken);
        Assert.Contains("OPENAI_API_BASE_URL: https://models.example.com/v1", flat, StringComparison.Ordinal);
        Assert.Contains("name: chatapi-to-model", flat, StringComparison.Ordinal);
        Assert.Contains("name: model-api-key", flat, StringComparison.Ordinal);
        Assert.DoesNotContain("The model's server", flat, StringComparison.Ordinal);
        Assert.DoesNotContain("name: vllm\n", flat, StringComparison.Ordinal);
    }

    private static async Task<(string Output, string Error)> RunAsync(params string[] arguments)
    {
        var (_, output, error) = await AppHostProcess.RunAsync(arguments);
        // A run with a failed step also exits with 0.
        Assert.DoesNotContain("fail:", output, StringComparison.Ordinal);
        return (output, error);
    }

    private static List<string> Files(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/')).Order(StringComparer.Ordinal)];
}
