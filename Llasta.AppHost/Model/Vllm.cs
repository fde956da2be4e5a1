namespace Llasta.AppHost.Model;

/// <summary>vLLM: in a container with or without a GPU, or from a Python environment.</summary>
internal static class Vllm
{
    public const int Port = 8000;

    /// <summary>
    /// Where the volume with the weights (<c>HF_HOME</c>) and the compiled graphs (<c>VLLM_CACHE_ROOT</c>) is mounted. It
    /// saves minutes at every start but the first.
    /// </summary>
    public const string CachePath = "/cache";

    public const string CacheVolume = "model-cache";

    /// <summary>How long running streams may take to finish after SIGTERM. Without this argument vLLM aborts them.</summary>
    public const int ShutdownTimeoutSeconds = 45;

    /// <summary>The version that the recordings of its answers come from; also in python/pyproject.toml.</summary>
    private const string Version = "v0.32.0";

    public static ModelConnection AddVllmOnGpu(this IDistributedApplicationBuilder builder, string name, ModelSettings settings, IResourceBuilder<ParameterResource> key) =>
        builder.AddVllmContainer(name, "vllm/vllm-openai", key, ServeArguments(settings, "Qwen/Qwen3-8B"))
            // Aspire has no API for GPUs.
            .WithContainerRuntimeArgs("--gpus", "all")
            .ToModel(key);

    public static ModelConnection AddVllmOnCpu(this IDistributedApplicationBuilder builder, string name, ModelSettings settings, IResourceBuilder<ParameterResource> key) =>
        builder.AddVllmContainer(name, "vllm/vllm-openai-cpu", key, [.. ServeArguments(settings, "Qwen/Qwen3-0.6B"), "--dtype", "bfloat16"])
            .WithEnvironment("VLLM_CPU_KVCACHE_SPACE", "4") // GiB
            .ToModel(key);

    /// <summary>
    /// Runs <c>vllm serve</c> in <c>Model:Directory</c>. With a pyproject.toml there, which sets vLLM's version, uv creates
    /// the environment; without one, an existing <c>.venv</c> is used.
    /// </summary>
    public static ModelConnection AddVllmFromPython(this IDistributedApplicationBuilder builder, string name, ModelSettings settings, IResourceBuilder<ParameterResource> key)
    {
        var vllm = builder.AddPythonCommand(name, settings.Directory, "vllm");
        vllm.WithHttpEndpoint(name: ServiceEndpoint.Http, isProxied: false)
            .WithArgs(ServeArguments(settings, "Qwen/Qwen3-8B"))
            .WithArgs(context =>
            {
                context.Args.Add("--host");
                context.Args.Add("127.0.0.1");
                context.Args.Add("--port");
                context.Args.Add(vllm.GetEndpoint(ServiceEndpoint.Http).Property(EndpointProperty.TargetPort));
            })
            .WithVllmEnvironment(key);
        return vllm.ToModel(key);
    }

    private static IResourceBuilder<ContainerResource> AddVllmContainer(this IDistributedApplicationBuilder builder, string name, string image, IResourceBuilder<ParameterResource> key, string[] arguments) =>
        builder.AddContainer(name, image, Version)
            .WithEntrypoint("vllm")
            .WithArgs(arguments)
            .WithHttpEndpoint(targetPort: Port, name: ServiceEndpoint.Http, isProxied: builder.ExecutionContext.IsPublishMode)
            .WithCache()
            // PyTorch's processes share tensors through /dev/shm; a container has 64 MB of it.
            .WithContainerRuntimeArgs("--shm-size", "2g")
            // Applies to `docker stop`; Aspire itself kills a container ten seconds after it asked it to stop.
            .WithContainerRuntimeArgs("--stop-timeout", $"{ShutdownTimeoutSeconds + 10}")
            .WithEnvironment("HF_HOME", $"{CachePath}/huggingface")
            .WithEnvironment("VLLM_CACHE_ROOT", $"{CachePath}/vllm")
            .WithVllmEnvironment(key);

    /// <summary>For run mode. What is published mounts a claim with the same path.</summary>
    private static IResourceBuilder<ContainerResource> WithCache(this IResourceBuilder<ContainerResource> vllm) =>
        vllm.ApplicationBuilder.ExecutionContext.IsRunMode ? vllm.WithVolume($"llasta-{CacheVolume}", CachePath) : vllm;

    /// <summary>First the arguments that an operator sets, then those that fit every Qwen3.</summary>
    private static string[] ServeArguments(ModelSettings settings, string model) =>
    [
        "serve", settings.Name ?? model,
        "--max-model-len", $"{settings.ContextWindow}",
        "--tensor-parallel-size", $"{settings.Gpus}",
        "--reasoning-parser", "qwen3",
        "--shutdown-timeout", $"{ShutdownTimeoutSeconds}",
        // Seconds. Without these comments a request that waits for its turn looks like a dead connection.
        "--sse-keep-alive-interval", "10",
    ];

    private static IResourceBuilder<T> WithVllmEnvironment<T>(this IResourceBuilder<T> vllm, IResourceBuilder<ParameterResource> key)
        where T : IResourceWithEnvironment, IResourceWithArgs, IResourceWithEndpoints
    {
        vllm.WithEnvironment("VLLM_API_KEY", key)
            .WithEnvironment("VLLM_NO_USAGE_STATS", "1")
            // The first start downloads 16 GB before the engine is ready: 30 minutes, as the start-up probe allows.
            .WithEnvironment("VLLM_ENGINE_READY_TIMEOUT_S", "1800")
            // uvicorn closes idle connections after 5 s, which races a pooled client connection.
            .WithEnvironment("VLLM_HTTP_TIMEOUT_KEEP_ALIVE", "120");

        if (vllm.ApplicationBuilder.ExecutionContext.IsRunMode)
            vllm.WithHttpHealthCheck("/health", endpointName: ServiceEndpoint.Http).WithTracesToDashboard();
        return vllm;
    }

    /// <summary>vLLM traces only when told the endpoint as an argument; the headers it takes from the environment.</summary>
    private static void WithTracesToDashboard<T>(this IResourceBuilder<T> vllm) where T : IResourceWithEnvironment, IResourceWithArgs
    {
        if (vllm.ApplicationBuilder.Configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] is not { Length: > 0 } endpoint)
            return;
        vllm.WithOtlpExporter(OtlpProtocol.Grpc)
            .WithEnvironment("OTEL_EXPORTER_OTLP_TRACES_INSECURE", endpoint.StartsWith("http://", StringComparison.OrdinalIgnoreCase) ? "true" : "false")
            .WithArgs(context =>
            {
                context.Args.Add("--otlp-traces-endpoint");
                context.Args.Add(new HostUrl(endpoint));
            });
    }

    private static ModelConnection ToModel<T>(this IResourceBuilder<T> vllm, IResourceBuilder<ParameterResource> key) where T : IResourceWithEndpoints
    {
        vllm.WithLink("/metrics", "Metrics");
        return ModelConnection.To(vllm, key);
    }
}
