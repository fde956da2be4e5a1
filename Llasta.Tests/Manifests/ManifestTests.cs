using System.Diagnostics;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Xunit;
using YamlDotNet.Core;

namespace Llasta.Tests.Manifests;

public sealed class ManifestTests
{
    private static readonly string[] s_dns = ["* → namespace kube-system:53", "* → namespace kube-system:53/udp", "* → 169.254.20.10/32:53", "* → 169.254.20.10/32:53/udp"];
    private static readonly string[] s_chat = [.. s_dns, "chatbot → chatapi:8080", "chatapi → vllm:8000"];
    private const string Download = "vllm → 0.0.0.0/0 but 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16:443";

    /// <summary>Every way in which the files are meant to be applied.</summary>
    public static TheoryData<string> Sets =>
    [
        "chatbot.yaml",
        "chatbot-sim.yaml",
        "chatbot.yaml,ingress.yaml",
        "chatbot.yaml,dashboard.yaml",
        "chatbot.yaml,scaling/queue-autoscaling.yaml",
        "chatbot.yaml,scaling/prefix-routing.yaml",
        "chatbot-sim.yaml,ingress.yaml,dashboard.yaml",
        "chart",
        "chart, ingress and dashboard on",
    ];

    public static TheoryData<string, string> SetsAndRules => [.. from set in Sets from rule in ManifestRules.All.Keys select (set.Data, rule)];

    [Theory, MemberData(nameof(Sets))]
    public void Every_document_is_one_that_the_API_knows_field_by_field(string set) => Assert.NotEmpty(Load(set).Objects);

    [Theory, MemberData(nameof(SetsAndRules))]
    public void The_manifests_keep_their_promises(string set, string rule) => Assert.Empty(ManifestRules.All[rule](Load(set)));

    [Theory]
    [InlineData("chatbot.yaml", Download)]
    [InlineData("chatbot-sim.yaml")]
    [InlineData("chart", Download)]
    [InlineData("chatbot.yaml,ingress.yaml", Download, "namespace ingress-nginx → chatbot:8080")]
    [InlineData("chatbot.yaml,dashboard.yaml", Download, "chatbot → dashboard:18889", "chatapi → dashboard:18889", "vllm → dashboard:18889")]
    [InlineData("chatbot.yaml,scaling/queue-autoscaling.yaml", Download, "namespace monitoring → vllm:8000")]
    public void The_network_lets_through_the_path_of_the_chat_and_nothing_else(string set, params string[] more) =>
        Assert.Equal([.. s_chat.Concat(more).Order(StringComparer.Ordinal)], NetworkPaths.Of(Load(set)).Order(StringComparer.Ordinal));

    [Fact]
    public void With_the_gateway_the_chat_API_reaches_the_model_through_it_and_only_the_picker_leaves_the_cluster_besides()
    {
        var paths = NetworkPaths.Of(Load("chatbot.yaml,scaling/prefix-routing.yaml")).ToList();
        Assert.Contains("chatapi → pods inference:80", paths);
        Assert.Contains("pods inference → vllm:8000", paths);
        Assert.Contains("endpoint-picker → vllm:8000", paths);
        Assert.DoesNotContain(paths, path => path.StartsWith("chat", StringComparison.Ordinal) && path.Contains("0.0.0.0", StringComparison.Ordinal));
    }

    [Fact]
    public void Secrets_in_the_flat_files_are_empty() =>
        Assert.All(Manifest.Load("chatbot.yaml").All<V1Secret>().Concat(Manifest.Load("chatbot-sim.yaml").All<V1Secret>()).SelectMany(secret => secret.StringData), entry => Assert.Equal("", entry.Value));

    [Fact]
    public void The_chart_with_its_defaults_is_the_flat_file()
    {
        var flat = Objects(Manifest.Text("chatbot.yaml"));
        flat.Remove("Namespace/llasta");
        var chart = Objects(Manifest.RenderChart());

        Assert.Equal(flat.Keys.Order(), chart.Keys.Order());
        Assert.All(flat, entry => Assert.True(JsonNode.DeepEquals(entry.Value, chart[entry.Key]), $"{entry.Key}:\n{entry.Value}\n{chart[entry.Key]}"));

        static Dictionary<string, JsonNode> Objects(string text) => Manifest.Json(text).ToDictionary(
            o => $"{o["kind"]}/{o["metadata"]!["name"]}",
            o =>
            {
                // Helm's own: the namespace, pods' digest of their configuration, and defaults that are spelt out.
                o["metadata"]!.AsObject().Remove("namespace");
                o["spec"]?["template"]?["metadata"]?.AsObject().Remove("annotations");
                if (o["spec"]?["template"]?["spec"] is JsonObject pod)
                    foreach (var (key, _) in pod.Where(entry => entry.Value is JsonObject { Count: 0 } or JsonArray { Count: 0 }).ToList())
                        pod.Remove(key);
                if (o["spec"] is JsonObject spec && spec.TryGetPropertyValue("storageClassName", out var storageClass) && storageClass is null)
                    spec.Remove("storageClassName");
                return o;
            });
    }

    [Fact]
    public async Task Helm_itself_renders_the_same()
    {
        var helm = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, "helm")).FirstOrDefault(File.Exists);
        Assert.SkipWhen(helm is null, "There is no helm on the PATH, so the chart was rendered by the tests' own subset only.");
        using var process = Process.Start(new ProcessStartInfo(helm!, ["template", "llasta", Path.Combine(Manifest.Folder, "chart"), "--namespace", "llasta"]) { RedirectStandardOutput = true })!;
        var rendered = Manifest.Json(await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).ToList();
        var ours = Manifest.Json(Manifest.RenderChart()).ToList();

        Assert.Equal(ours.Count, rendered.Count);
        // The digests of configuration are of JSON whose keys Go sorts.
        Assert.All(rendered.Concat(ours), o => o["spec"]?["template"]?["metadata"]?.AsObject().Remove("annotations"));
        Assert.All(rendered, o => Assert.Contains(ours, our => JsonNode.DeepEquals(our, o)));
    }

    [Fact]
    public void The_charts_values_reach_the_objects()
    {
        var manifest = Manifest.Parse("chart with other values", Manifest.RenderChart("demo", values =>
        {
            values["model"] = new JsonObject { ["name"] = "Qwen/Qwen3-8B-FP8", ["contextWindow"] = 131072, ["apiKey"] = "it's \"quoted\": {{ }}" };
            var vllm = values["vllm"]!;
            vllm["image"] = "registry.example.com/vllm/vllm-openai:v0.30.0";
            vllm["gpus"] = 2;
            vllm["args"]!.AsArray().Add("--enable-prefix-caching");
            vllm["nodeSelector"] = new JsonObject { ["gpu"] = "true" };
            vllm["storageClass"] = "fast";
            vllm["limits"]!["memory"] = "64Gi";
            values["chatapi"]!["minReplicas"] = 3;
            values["chatapi"]!["env"]!["Chat__MaxConcurrentTurns"] = "50";
            values["chatbot"]!["tolerations"] = new JsonArray(new JsonObject { ["key"] = "spot", ["operator"] = "Exists" });
            values["ingress"]!["enabled"] = true;
            values["ingress"]!["host"] = "chat.team.example";
        }));

        Assert.All(ManifestRules.All, rule => Assert.Empty(rule.Value(manifest)));
        var model = manifest.Deployments.Single(deployment => deployment.Name() == "vllm");
        var container = model.Spec.Template.Spec.Containers.Single();
        Assert.Equal("registry.example.com/vllm/vllm-openai:v0.30.0", container.Image);
        Assert.Equal(["serve", "Qwen/Qwen3-8B-FP8", "--max-model-len", "131072", "--tensor-parallel-size", "2", "--reasoning-parser", "qwen3", "--shutdown-timeout", "45", "--enable-prefix-caching"], container.Args);
        Assert.Equal(2, container.Resources.Limits["nvidia.com/gpu"].ToInt32());
        Assert.Equal("64Gi", container.Resources.Limits["memory"].ToString());
        Assert.Equal("8", container.Resources.Limits["cpu"].ToString());
        Assert.Equal("true", model.Spec.Template.Spec.NodeSelector["gpu"]);
        Assert.Equal("demo", model.Spec.Template.Metadata.Labels["app.kubernetes.io/instance"]);
        Assert.Equal("fast", manifest.All<V1PersistentVolumeClaim>().Single().Spec.StorageClassName);
        Assert.Equal("it's \"quoted\": {{ }}", manifest.All<V1Secret>().Single().StringData["api-key"]);
        Assert.Equal(3, manifest.All<V2HorizontalPodAutoscaler>().Single(scaler => scaler.Spec.ScaleTargetRef.Name == "chatapi").Spec.MinReplicas);
        Assert.Equal("50", manifest.All<V1ConfigMap>().Single(map => map.Name() == "chatapi-config").Data["Chat__MaxConcurrentTurns"]);
        Assert.Equal("spot", manifest.Deployments.Single(deployment => deployment.Name() == "chatbot").Spec.Template.Spec.Tolerations.Single().Key);
        Assert.Equal("chat.team.example", manifest.All<V1Ingress>().Single().Spec.Rules.Single().Host);
    }

    [Fact]
    public void A_change_of_a_services_configuration_makes_new_pods_of_that_service_only()
    {
        var before = Digests(_ => { });
        var after = Digests(values => values["chatapi"]!["env"]!["Chat__MaxConcurrentTurns"] = "50");
        Assert.Equal(["chatapi"], before.Where(digest => after[digest.Key] != digest.Value).Select(digest => digest.Key));

        static Dictionary<string, string> Digests(Action<JsonObject> change) => Manifest.Parse("chart", Manifest.RenderChart(change: change)).Deployments
            .ToDictionary(deployment => deployment.Name(), deployment => deployment.Spec.Template.Metadata.Annotations["llasta/configuration"]);
    }

    [Fact]
    public void The_opt_in_files_of_the_chart_are_the_flat_ones() => Assert.Equal(
        Manifest.Load("ingress.yaml", "dashboard.yaml").Objects.Select(o => $"{o.Kind}/{o.Name()}").Order(),
        Load("chart, ingress and dashboard on").Objects.Select(o => $"{o.Kind}/{o.Name()}").Except(Load("chart").Objects.Select(o => $"{o.Kind}/{o.Name()}")).Order());

    /// <summary>A mutation for every rule: text of chatbot.yaml, what it becomes, and the rule that must notice.</summary>
    public static TheoryData<string, string, string> Mutations => new()
    {
        { "names", "  name: chatbot\n", "  name: chat\n" },
        { "names", "http://vllm:8000/v1", "http://vllm-service:8000/v1" },
        { "names", "http://chatapi:8080", "http://chatapi-service:8080" },
        { "names", "      port: 8000\n", "      port: 80\n" },
        { "namespace", "  name: vllm\n  namespace: llasta\n", "  name: vllm\n" },
        { "namespace", "enforce: restricted", "enforce: baseline" },
        { "cluster-ip", "type: ClusterIP", "type: NodePort" },
        { "selectors", "        app.kubernetes.io/component: chatapi\n", "        app.kubernetes.io/component: chat\n" },
        { "selectors", "    kind: Deployment\n    name: chatapi\n", "    kind: Deployment\n    name: chat\n" },
        { "ports", "targetPort: 8000", "targetPort: 8080" },
        { "ports", "              port: http\n", "              port: https\n" },
        { "ports", "HTTP_PORTS: \"8080\"", "HTTP_PORTS: \"80\"" },
        { "references", "  name: model-api-key\n  namespace", "  name: api-key\n  namespace" },
        { "references", "  name: vllm-config\n  namespace", "  name: vllm\n  namespace" },
        { "references", "            claimName: model-cache", "            claimName: cache" },
        { "secrets", "  HTTP_PORTS:", "  OPENAI_API_KEY:" },
        { "secrets", "            - --reasoning-parser\n", "            - --api-key=x\n            - --reasoning-parser\n" },
        { "restricted", "runAsNonRoot: true", "runAsNonRoot: false" },
        { "restricted", "type: RuntimeDefault", "type: Unconfined" },
        { "restricted", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true" },
        { "restricted", "                - ALL\n", "                - NET_RAW\n" },
        { "restricted", "automountServiceAccountToken: false", "automountServiceAccountToken: true" },
        { "read-only", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false" },
        { "service-links", "      enableServiceLinks: false\n", "" },
        { "probes", "scheme: HTTP", "scheme: http" },
        { "probes", "path: /alive", "path: /health" },
        { "probes", "path: /health", "path: /v1/models" },
        { "patience", "timeoutSeconds: 5", "timeoutSeconds: 1" },
        { "patience", "failureThreshold: 180", "failureThreshold: 30" },
        { "patience", "VLLM_ENGINE_READY_TIMEOUT_S: \"1800\"", "VLLM_ENGINE_READY_TIMEOUT_S: \"600\"" },
        { "patience", "  progressDeadlineSeconds: 2100\n", "" },
        { "grace", "terminationGracePeriodSeconds: 50", "terminationGracePeriodSeconds: 30" },
        { "grace", "            - --shutdown-timeout\n            - \"45\"\n", "" },
        { "grace", "Chat__DrainTimeout: \"00:00:30\"", "Chat__DrainTimeout: \"00:01:00\"" },
        { "rollout", "maxUnavailable: 0", "maxUnavailable: 1" },
        { "rollout", "minReplicas: 2", "minReplicas: 1" },
        { "rollout", "  strategy:\n    type: RollingUpdate\n", "  replicas: 2\n  strategy:\n    type: RollingUpdate\n" },
        { "rollout", "  maxUnavailable: 1\n", "  maxUnavailable: 2\n" },
        { "gpu", "    type: Recreate\n", "    type: RollingUpdate\n" },
        { "gpu", "nvidia.com/gpu: \"1\"", "nvidia.com/gpu: \"2\"" },
        { "vllm", "fsGroup: 0", "fsGroup: 1" },
        { "vllm", "HF_HOME: /cache", "HF_HOME: /root" },
        { "vllm", "medium: Memory\n", "medium: \"\"\n" },
        { "vllm", "VLLM_NO_USAGE_STATS: \"1\"", "VLLM_NO_USAGE_STATS: \"0\"" },
        { "resources", "              memory: 64Mi\n", "" },
        { "images", "v0.29.0", "latest" },
    };

    [Theory, MemberData(nameof(Mutations))]
    public void A_broken_promise_is_noticed(string rule, string text, string becomes)
    {
        var flat = Manifest.Text("chatbot.yaml");
        Assert.Contains(text, flat, StringComparison.Ordinal);
        Assert.NotEmpty(ManifestRules.All[rule](Manifest.Parse("mutant", flat.Replace(text, becomes, StringComparison.Ordinal))));
    }

    [Fact]
    public void Every_rule_has_a_mutation_that_it_notices() =>
        Assert.Equal(ManifestRules.All.Keys.Order(), Mutations.Select(mutation => mutation.Data.Item1).Distinct().Order());

    [Theory]
    [InlineData("  podSelector: {}\n", "  podSelector:\n    matchLabels:\n      app.kubernetes.io/component: vllm\n")]
    [InlineData("              - 10.0.0.0/8\n", "")]
    [InlineData("        - port: 443\n", "        - port: 80\n")]
    [InlineData("              app.kubernetes.io/component: chatbot\n", "              app.kubernetes.io/component: vllm\n")]
    [InlineData("  name: chatapi-to-vllm\n", "  name: chatapi-network\n")]
    public void A_path_that_opens_or_closes_is_noticed(string text, string becomes)
    {
        var flat = Manifest.Text("chatbot.yaml");
        Assert.Contains(text, flat, StringComparison.Ordinal);
        var mutant = text.Contains("chatapi-to-vllm", StringComparison.Ordinal)
            ? string.Join("---\n", flat.Split("---\n").Where(document => !document.Contains(text, StringComparison.Ordinal)))
            : flat.Replace(text, becomes, StringComparison.Ordinal);
        Assert.NotEqual([.. s_chat.Append(Download).Order(StringComparer.Ordinal)], NetworkPaths.Of(Manifest.Parse("mutant", mutant)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("enableServiceLinks: false", "enableServiceLink: false")]
    [InlineData("terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: a minute")]
    [InlineData("  podSelector: {}\n", "  podSelectors: {}\n")]
    public void An_unknown_field_or_a_wrong_type_is_an_error(string text, string becomes)
    {
        var flat = Manifest.Text("chatbot.yaml");
        Assert.Contains(text, flat, StringComparison.Ordinal);
        Assert.ThrowsAny<YamlException>(() => Manifest.Parse("mutant", flat.Replace(text, becomes, StringComparison.Ordinal)));
    }

    private static Manifest Load(string set) => set switch
    {
        "chart" => Manifest.Parse(set, Manifest.RenderChart()),
        "chart, ingress and dashboard on" => Manifest.Parse(set, Manifest.RenderChart(change: values =>
        {
            values["ingress"]!["enabled"] = true;
            values["dashboard"]!["enabled"] = true;
        })),
        _ => Manifest.Load(set.Split(',')),
    };
}
