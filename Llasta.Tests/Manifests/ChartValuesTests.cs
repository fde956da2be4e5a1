using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;
using Xunit;

namespace Llasta.Tests.Manifests;

/// <summary>values.schema.json refuses what would install something other than what was meant, before anything is installed.</summary>
public sealed class ChartValuesTests
{
    private static readonly JsonObject Schema = JsonNode.Parse(Manifest.Text("chart/values.schema.json"))!.AsObject();
    private static readonly JsonSchema Validator = JsonSchema.FromText(Manifest.Text("chart/values.schema.json"));

    /// <summary>Values, and the place that the refusal names.</summary>
    public static TheoryData<string, string> Wrong => new()
    {
        { "model: {contextWindow: 16k}", "/model/contextWindow" },
        { "model: {contextWindow: 0}", "/model/contextWindow" },
        { "model: {name: ''}", "/model/name" },
        { "model: {name: Qwen/Qwen3 8B}", "/model/name" },
        { "model: {apiKey: a key}", "/model/apiKey" },
        { "model: {apiKey: sesame, existingSecret: model-key}", "/model" },
        { "sim: {enabled: 'yes'}", "/sim/enabled" },
        { "vllm: {gpu: {count: two}}", "/vllm/gpu/count" },
        { "vllm: {gpu: {count: 1.5}}", "/vllm/gpu/count" },
        { "vllm: {gpu: {resource: gpu}}", "/vllm/gpu/resource" },
        { "vllm: {gpus: 2}", "/vllm/gpus" },
        { "vllm: {keepAliveSeconds: 10s}", "/vllm/keepAliveSeconds" },
        { "vllm: {replicas: two}", "/vllm/replicas" },
        { "vllm: {replicas: 2}", "/vllm/persistence/accessModes" },
        { "vllm: {replicas: 2, persistence: {existingClaim: models}}", "/vllm/persistence/accessModes" },
        { "vllm: {persistence: {size: '50'}}", "/vllm/persistence/size" },
        { "vllm: {persistence: {accessModes: [RWX]}}", "/vllm/persistence/accessModes/0" },
        { "vllm: {strategy: {type: recreate}}", "/vllm/strategy/type" },
        { "vllm: {huggingFace: {endpoint: mirror.example.com}}", "/vllm/huggingFace/endpoint" },
        { "vllm: {image: vllm/vllm-openai:v0.32.0}", "/vllm/image" },
        { "chatapi: {maxreplicas: 3}", "/chatapi/maxreplicas" },
        { "chatapi: {autoscaling: {minReplicas: zwei}}", "/chatapi/autoscaling/minReplicas" },
        { "chatapi: {env: {Chat__DrainTimeout: 00:01:00}}", "/chatapi/env" },
        { "chatapi: {env: {Chat__MaxConcurrentTurns: [256]}}", "/chatapi/env/Chat__MaxConcurrentTurns" },
        { "chatapi: {resources: {limits: {memory: 512 Mi}}}", "/chatapi/resources/limits/memory" },
        { "chatapi: {image: {digest: latest}}", "/chatapi/image/digest" },
        { "chatapi: {podDisruptionBudget: {maxUnavailable: 0}}", "/chatapi/podDisruptionBudget/maxUnavailable" },
        { "chatbot: {tolerations: [{key: spot, operator: exists}]}", "/chatbot/tolerations/0/operator" },
        { "imagePullSecrets: [registry]", "/imagePullSecrets/0" },
        { "imagePullSecret: registry", "/imagePullSecret" },
        { "commonLabels: {app.kubernetes.io/name: chat}", "/commonLabels" },
        { "networkPolicy: {dns: {namespaces: [], cidrs: []}}", "/networkPolicy/dns" },
        { "networkPolicy: {privateRanges: [10.0.0.0]}", "/networkPolicy/privateRanges/0" },
        { "ingress: {host: 'https://chat.example.com'}", "/ingress/host" },
        { "ingress: {annotations: {example.com/timeout: 3600}}", "/ingress/annotations/example.com~1timeout" },
    };

    public static TheoryData<string> Right =>
    [
        "{}",
        "model: {contextWindow: 131072}",
        "model: {name: /cache/models/qwen3-8b}",
        "model: {apiKey: 12345}",
        "model: {apiKey: sesame}",
        "model: {existingSecret: model-key}",
        "sim: {enabled: true, env: {Sim__TokensPerSecond: 40}}",
        "vllm: {gpu: {count: 2}}",
        "vllm: {gpu: {count: 0}, image: {repository: vllm/vllm-openai-cpu}, tolerations: []}",
        "vllm: {gpu: {resource: amd.com/gpu}, image: {repository: vllm/vllm-openai-rocm}}",
        "vllm: {runtimeClassName: nvidia}",
        "vllm: {replicas: 4, persistence: {accessModes: [ReadWriteMany], storageClass: nfs}}",
        "vllm: {replicas: 2, persistence: {enabled: false}}",
        "vllm: {replicas: 0}",
        // docs/operations.md: a model server that runs already, and a cluster without IPv4.
        """
        vllm: {replicas: 0, persistence: {enabled: false}}
        chatapi: {env: {OPENAI_API_BASE_URL: https://models.example.com/v1}}
        networkPolicy: {download: false, extraEgress: {chatapi: [{ports: [{port: 443, protocol: TCP}]}]}}
        """,
        "vllm: {extraArgs: [--host, '::']}",
        "{sim: {enabled: true}, vllm: {replicas: 2}}",
        "vllm: {persistence: {existingClaim: models}}",
        "vllm: {extraArgs: [--max-num-queued-reqs, 64]}",
        "vllm: {resources: {requests: {cpu: 3.5, memory: 12Gi}}}",
        "vllm: {huggingFace: {existingSecret: hugging-face, endpoint: 'https://mirror.example.com', offline: false}}",
        "vllm: {proxy: {https: 'http://proxy.example.com:3128', noProxy: .svc}}",
        "chatapi: {env: {Chat__MaxConcurrentTurns: 256, Chat__MaxBodyBytes: 8388608}}",
        "chatapi: {env: {Chat__MaxConcurrentTurns: '256', ASPNETCORE_FORWARDEDHEADERS_ENABLED: false}}",
        "chatapi: {autoscaling: {enabled: false}, replicas: 1, podDisruptionBudget: {enabled: false}}",
        "chatapi: {podDisruptionBudget: {maxUnavailable: 25%}}",
        "chatbot: {image: {registry: 'registry.example.com:5000', tag: 0.1.0-rc.1}}",
        "chatbot: {podSecurityContext: {runAsUser: null}}",
        "chatbot: {tolerations: [{operator: Exists}], affinity: {nodeAffinity: {}}, nodeSelector: {disk: ssd}}",
        "imageRegistry: registry.example.com/mirror",
        "imagePullSecrets: [{name: registry}]",
        "networkPolicy: {enabled: false}",
        "networkPolicy: {dns: {namespaces: [openshift-dns], ports: [5353]}, privateRanges: ['fd00::/8', 100.64.0.0/10]}",
        "ingress: {enabled: true, host: chat, tlsSecret: '', className: ''}",
        "global: {imageRegistry: registry.example.com}",
    ];

    [Theory, MemberData(nameof(Wrong))]
    public void A_wrong_value_is_refused_with_its_place(string values, string place)
    {
        var result = Validator.Evaluate(Merged(values), new() { OutputFormat = OutputFormat.List });
        Assert.False(result.IsValid);
        Assert.Contains(result.Details!, detail => !detail.IsValid && detail.InstanceLocation.ToString() == place);
    }

    [Theory, MemberData(nameof(Right))]
    public void A_right_value_is_taken(string values)
    {
        var result = Validator.Evaluate(Merged(values), new() { OutputFormat = OutputFormat.List });
        Assert.True(result.IsValid, string.Join("\n", (result.Details ?? []).Where(detail => detail.Errors is { Count: > 0 }).Select(detail => $"{detail.InstanceLocation}: {string.Join(", ", detail.Errors!.Values)}")));
    }

    [Fact]
    public async Task Helm_refuses_and_takes_the_same_values()
    {
        var wrong = await Task.WhenAll(Wrong.Select(async row => (row.Data, await HelmAsync(row.Data.Item1))));
        var right = await Task.WhenAll(Right.Select(async row => (row.Data, await HelmAsync(row.Data))));
        // A comparison that a schema can't make; the templates make it.
        var (_, refusal) = await HelmAsync("chatapi: {autoscaling: {minReplicas: 20}}");
        Assert.Contains("chatapi.autoscaling.minReplicas (20) is more than maxReplicas (10)", refusal, StringComparison.Ordinal);
        Assert.All(wrong, run => Assert.True(run.Item2.ExitCode != 0, $"Helm took {run.Data}"));
        Assert.All(right, run => Assert.True(run.Item2.ExitCode == 0, $"Helm refused {run.Data}:\n{run.Item2.Output}"));
    }

    /// <summary>But for Helm's own key, and for a part of a strategy that isn't the default.</summary>
    [Fact]
    public void Every_key_of_the_schema_has_a_default_in_the_values() =>
        Assert.Equal(["/global", "/vllm/strategy/rollingUpdate"], Missing(Manifest.Json(Manifest.Text("chart/values.yaml")).Single().AsObject(), Schema));

    /// <summary>The keys that the schema allows and that the values lack. An empty map is a default of its own.</summary>
    private static IEnumerable<string> Missing(JsonObject values, JsonObject schema, string path = "")
    {
        if ((string?)schema["$ref"] is { } reference)
            schema = Schema["definitions"]![reference["#/definitions/".Length..]]!.AsObject();
        if (values.Count == 0 || schema["properties"] is not JsonObject properties)
            return [];
        return properties.SelectMany(key => !values.TryGetPropertyValue(key.Key, out var value) ? [$"{path}/{key.Key}"]
            : value is JsonObject inner ? Missing(inner, key.Value!.AsObject(), $"{path}/{key.Key}") : []);
    }

    private static async Task<(int ExitCode, string Output)> HelmAsync(string values)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, values, TestContext.Current.CancellationToken);
            return await Tool.RunAsync("helm", "template", "llasta", Path.Combine(Manifest.Folder, "chart"), "-f", file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>The chart's values with others laid over them as Helm does it: maps are merged, null removes a key.</summary>
    private static JsonElement Merged(string values)
    {
        var all = Manifest.Json(Manifest.Text("chart/values.yaml")).Single().AsObject();
        Lay(all, Manifest.Json(values).Single().AsObject());
        return JsonSerializer.SerializeToElement(all);

        static void Lay(JsonObject below, JsonObject above)
        {
            foreach (var (key, value) in above)
                if (value is null)
                    below.Remove(key);
                else if (value is JsonObject inner && below[key] is JsonObject outer)
                    Lay(outer, inner);
                else
                    below[key] = value.DeepClone();
        }
    }
}
