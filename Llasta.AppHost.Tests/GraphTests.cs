using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Llasta.AppHost.Model;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Llasta.AppHost.Tests;

/// <summary>The model graph as Program.cs makes it, not started.</summary>
public sealed class GraphTests
{
    private const string Key = "Parameters:model-api-key=sesame";

    [Theory]
    [InlineData("gpu", typeof(ContainerResource))]
    [InlineData("cpu", typeof(ContainerResource))]
    [InlineData("python", typeof(ExecutableResource))]
    [InlineData("external", typeof(ExternalServiceResource))]
    [InlineData("sim", typeof(ProjectResource))]
    public async Task Every_backend_is_the_one_resource_vllm_and_consumers_see_no_difference(string backend, Type type)
    {
        var graph = await CreateAsync(backend, Key);

        Assert.IsType(type, graph.Resource("vllm"), exactMatch: false);
        Assert.Equal(backend, Assert.Single(graph.Resource("vllm").Annotations.OfType<BackendChoice>()).Backend.ToString(), ignoreCase: true);
        var chatapi = await graph.EnvironmentAsync("chatapi");
        Assert.Equal(backend == "external" ? "http://localhost:11434/v1" : "http://localhost:1000/v1", chatapi["OPENAI_API_BASE_URL"]);
        Assert.Equal("sesame", chatapi["OPENAI_API_KEY"]);
        Assert.Equal("http://localhost:1001", (await graph.EnvironmentAsync("chatbot"))["services__chatapi__http__0"]);
    }

    [Fact]
    public async Task The_chat_API_does_not_wait_for_the_model_so_that_the_page_can_say_it_is_loading()
    {
        var graph = await CreateAsync("sim");
        Assert.Empty(graph.Resource("chatapi").Annotations.OfType<WaitAnnotation>());
        Assert.Equal("chatapi", Assert.Single(graph.Resource("chatbot").Annotations.OfType<WaitAnnotation>()).Resource.Name);
    }

    [Fact]
    public async Task The_page_is_at_8080() =>
        Assert.Equal(8080, Assert.Single((await CreateAsync("sim")).Resource("chatbot").Annotations.OfType<EndpointAnnotation>()).Port);

    [Fact]
    public async Task The_key_is_a_secret_and_empty_without_being_asked_for()
    {
        var graph = await CreateAsync("sim");
        var key = Assert.IsType<ParameterResource>(graph.Resource("model-api-key"));
        Assert.True(key.Secret);
        Assert.Equal("", await key.GetValueAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("gpu", "VLLM_API_KEY")]
    [InlineData("cpu", "VLLM_API_KEY")]
    [InlineData("python", "VLLM_API_KEY")]
    [InlineData("sim", "Sim__ApiKey")]
    public async Task The_server_asks_for_the_key_that_the_chat_API_sends(string backend, string variable) =>
        Assert.Equal("sesame", (await (await CreateAsync(backend, Key)).EnvironmentAsync("vllm"))[variable]);

    [Fact]
    public async Task On_a_GPU_vLLM_gets_every_GPU_shared_memory_a_cache_that_stays_and_Qwens_arguments()
    {
        var graph = await CreateAsync("gpu", "--Model:ContextWindow=8192");
        var vllm = (ContainerResource)graph.Resource("vllm");

        Assert.Equal("vllm", vllm.Entrypoint);
        Assert.Equal("vllm/vllm-openai", vllm.Annotations.OfType<ContainerImageAnnotation>().Single().Image);
        Assert.Equal(["serve", "Qwen/Qwen3-8B", "--max-model-len", "8192", "--tensor-parallel-size", "1", "--reasoning-parser", "qwen3", "--shutdown-timeout", "45", "--sse-keep-alive-interval", "10"], await graph.ArgumentsAsync("vllm"));
        Assert.Equal(["--shm-size", "2g", "--stop-timeout", "55", "--gpus", "all"], await RuntimeArgumentsAsync(vllm));
        var volume = Assert.Single(vllm.Annotations.OfType<ContainerMountAnnotation>());
        Assert.Equal(("llasta-model-cache", "/cache"), (volume.Source, volume.Target));
        var environment = await graph.EnvironmentAsync("vllm");
        Assert.StartsWith("/cache/", environment["HF_HOME"], StringComparison.Ordinal);
        Assert.StartsWith("/cache/", environment["VLLM_CACHE_ROOT"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task On_a_CPU_vLLM_gets_a_small_model_and_no_GPU()
    {
        var graph = await CreateAsync("cpu");
        Assert.Equal(["--shm-size", "2g", "--stop-timeout", "55"], await RuntimeArgumentsAsync((ContainerResource)graph.Resource("vllm")));
        var arguments = await graph.ArgumentsAsync("vllm");
        Assert.Equal("Qwen/Qwen3-0.6B", arguments[1]);
        Assert.Equal(["--dtype", "bfloat16"], arguments[^2..]);
    }

    [Fact]
    public async Task From_Python_vLLM_listens_on_loopback_only()
    {
        var arguments = await (await CreateAsync("python")).ArgumentsAsync("vllm");
        Assert.Contains("serve", arguments);
        Assert.Equal("127.0.0.1", arguments[arguments.IndexOf("--host") + 1]);
        Assert.Contains("--port", arguments);
    }

    [Fact]
    public async Task With_a_dashboard_vLLM_sends_its_traces_there()
    {
        var arguments = await (await CreateAsync("python", "--ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL=http://localhost:4317")).ArgumentsAsync("vllm");
        Assert.Equal("http://localhost:4317", arguments[arguments.IndexOf("--otlp-traces-endpoint") + 1]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("http://localhost:11434")]
    [InlineData("localhost:11434/v1")]
    public async Task An_external_server_needs_an_address_that_ends_in_v1(string address)
    {
        var error = await Assert.ThrowsAsync<SettingException>(() => CreateAsync("external", $"--Model:BaseUrl={address}"));
        Assert.Contains("Model:BaseUrl must be an address that ends in /v1", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpu")]
    [InlineData("external")]
    [InlineData("sim")]
    public async Task The_model_can_be_asked_what_it_serves(string backend) =>
        Assert.Contains((await CreateAsync(backend)).Resource("vllm").Annotations.OfType<ResourceCommandAnnotation>(), command => command.Name == "list-models");

    /// <summary>As with the launch profile, but with no dashboard unless a test says so.</summary>
    private static async Task<Graph> CreateAsync(string backend, params string[] arguments) =>
        new(await DistributedApplicationTestingBuilder.CreateAsync<Projects.Llasta_AppHost>(
            [$"--Model:Backend={backend}", "--Model:BaseUrl=http://localhost:11434/v1", "--ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL=", .. arguments]));

    private static async Task<List<object>> RuntimeArgumentsAsync(ContainerResource container)
    {
        var context = new ContainerRuntimeArgsCallbackContext([]);
        foreach (var annotation in container.Annotations.OfType<ContainerRuntimeArgsCallbackAnnotation>())
            await annotation.Callback(context);
        return [.. context.Args];
    }

    private sealed class Graph
    {
        private readonly IDistributedApplicationTestingBuilder _builder;

        public Graph(IDistributedApplicationTestingBuilder builder)
        {
            _builder = builder;
            // What the orchestrator does when it starts: give every endpoint a port.
            foreach (var (name, port) in ((string, int)[])[("vllm", 1000), ("chatapi", 1001), ("chatbot", 1002)])
                foreach (var endpoint in Resource(name).Annotations.OfType<EndpointAnnotation>())
                    endpoint.AllocatedEndpoint = new(endpoint, "localhost", port);
        }

        public IResource Resource(string name) => _builder.Resources.Single(resource => resource.Name == name);

        public async Task<Dictionary<string, string>> EnvironmentAsync(string resource) => (await ConfigurationAsync(resource)).EnvironmentVariables.ToDictionary();

        public async Task<List<string>> ArgumentsAsync(string resource) => [.. (await ConfigurationAsync(resource)).Arguments.Select(argument => argument.Value)];

        private async Task<IExecutionConfigurationResult> ConfigurationAsync(string resource) => await ExecutionConfigurationBuilder
            .Create(Resource(resource))
            .WithArgumentsConfig()
            .WithEnvironmentVariablesConfig()
            .BuildAsync(_builder.ExecutionContext, NullLogger.Instance, TestContext.Current.CancellationToken);
    }
}
