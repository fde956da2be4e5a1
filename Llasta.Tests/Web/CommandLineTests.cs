using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace Llasta.Tests.Web;

/// <summary>The program <c>llasta</c>, started as a person or an operator starts it.</summary>
public partial class CommandLineTests
{
    [Fact]
    public async Task It_prints_its_version_and_when_it_was_made()
    {
        var (exitCode, output, _) = await ServiceProcess.RunAsync("Llasta.Web", ["--version"]);

        Assert.Equal(0, exitCode);
        // Without Git, as in a source archive, there is only the version.
        Assert.Matches(@"^llasta \d+\.\d+\.\d+\S*( \(commit [0-9a-f]{40}, \d{4}-\d\d-\d\d\))?\s*$", output);
    }

    [Fact]
    public async Task The_help_lists_every_option()
    {
        var (exitCode, output, _) = await ServiceProcess.RunAsync("Llasta.Web", ["--help"]);

        Assert.Equal(0, exitCode);
        Assert.All(["--model", "--key-file", "--port", "--open", "--version"], option => Assert.Contains(option, output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--modle", "--modle=http://localhost:8000/v1")]
    [InlineData("http://localhost:8000/v1", "http://localhost:8000/v1")]
    [InlineData("-x", "--environment=Production", "-x")]
    [InlineData("--port", "--port", "65536")]
    [InlineData("--port", "--port=web")]
    [InlineData("OPENAI_API_BASE_URL", "--model", "http://localhost:8000")]
    [InlineData("OPENAI_API_KEY_FILE", "--model", "http://localhost:8000/v1", "--key-file", "/no/such/file")]
    [InlineData("Chat:MaxMessages", "--model", "http://localhost:8000/v1", "--Chat:MaxMessages", "0")]
    public async Task A_wrong_argument_is_told_in_one_line(string names, params string[] arguments)
    {
        var (exitCode, _, error) = await ServiceProcess.RunAsync("Llasta.Web", arguments);

        Assert.Equal(1, exitCode);
        Assert.Contains(names, Assert.Single(error.TrimEnd().Split('\n')), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ASPNETCORE_ENVIRONMENT", "Production")]
    [InlineData("DOTNET_ENVIRONMENT", "Staging")]
    [InlineData("DOTNET_RUNNING_IN_CONTAINER", "true")]
    public async Task A_service_without_a_model_does_not_start(string variable, string value)
    {
        var (exitCode, _, error) = await ServiceProcess.RunAsync("Llasta.Web", ["--port=0"], (variable, value));

        Assert.Equal(1, exitCode);
        Assert.Contains("OPENAI_API_BASE_URL is not set", Assert.Single(error.TrimEnd().Split('\n')), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--model=simulator")]
    [InlineData("--OPENAI_API_BASE_URL=simulator", "--environment=Production")]
    public async Task The_simulator_answers_on_request_and_is_marked_as_one(params string[] arguments)
    {
        using var service = ServiceProcess.Start("Llasta.Web", ["--port", "0", .. arguments]);
        var address = await service.WaitForAsync(Address());
        using var client = new HttpClient { BaseAddress = new Uri(address.Groups[1].Value) };

        var model = await client.GetFromJsonAsync<JsonElement>("/api/model", Chatbot.Cancelled);
        var page = await client.GetStringAsync("/", Chatbot.Cancelled);

        Assert.True(model.GetProperty("simulated").GetBoolean());
        Assert.Contains("<html", page, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"(?:The page is at|Now listening on:) (http://127\.0\.0\.1:\d+)")]
    private static partial Regex Address();
}
