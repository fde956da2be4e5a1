using Xunit;

namespace Llasta.AppHost.Tests;

public sealed class WithoutIntegrationsTests
{
    [Theory]
    [InlineData("--operation", "publish", "--step", "manifests")]
    [InlineData("--publisher", "manifest")]
    public async Task Without_the_Kubernetes_package_publishing_is_refused_with_one_line_that_says_what_is_missing(params string[] arguments)
    {
        var output = Directory.CreateTempSubdirectory("llasta").FullName;
        var (exitCode, _, error) = await AppHostProcess.RunAsync([.. arguments, "--output-path", output]);

        Assert.Equal(1, exitCode);
        Assert.Contains("without Aspire.Hosting.Kubernetes", Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(output));
    }
}
