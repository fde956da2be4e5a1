using k8s;
using k8s.Models;
using Xunit;
using YamlDotNet.Core;

namespace Llasta.Tests.Manifests;

public sealed class ManifestTests
{
    private static readonly string[] DnsPaths =
    [
        .. from peer in (string[])["namespace kube-system openshift-dns", "169.254.20.10/32"]
           from port in (string[])["53", "53/udp", "5353", "5353/udp"]
           select $"* → {peer}:{port}",
    ];
    private static readonly string[] ChatPaths = [.. DnsPaths, "chatbot → chatapi:8080", "chatapi → vllm:8000"];
    private static readonly string[] DownloadPaths = ["vllm → 0.0.0.0/0 but 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 100.64.0.0/10:443", "vllm → ::/0 but fc00::/7 fe80::/10:443"];

    /// <summary>The combinations in which the files are meant to be applied.</summary>
    public static TheoryData<string> Sets =>
    [
        "chatbot.yaml",
        "chatbot-sim.yaml",
        "chatbot.yaml,addons/ingress/ingress.yaml",
        "chatbot.yaml,addons/gateway/gateway.yaml",
        "chatbot.yaml,addons/dashboard/dashboard.yaml",
        Monitoring,
        $"{Monitoring},addons/queue-autoscaling/keda.yaml",
        $"{Monitoring},addons/queue-autoscaling/hpa.yaml",
        "chatbot.yaml,addons/prefix-routing/prefix-routing.yaml",
        "chatbot-sim.yaml,addons/ingress/ingress.yaml,addons/dashboard/dashboard.yaml",
        "chart default",
        "chart sim",
        "chart ingress",
    ];

    private const string Monitoring = "chatbot.yaml,addons/monitoring/podmonitors.yaml,addons/monitoring/rules.yaml,addons/monitoring/collector.yaml";

    public static TheoryData<string, string> SetsAndRules => [.. from set in Sets from rule in ManifestRules.All.Keys select (set.Data, rule)];

    [Theory, MemberData(nameof(Sets))]
    public void Every_field_is_one_that_the_API_knows(string set) => Assert.NotEmpty(Load(set).Objects);

    [Theory, MemberData(nameof(SetsAndRules))]
    public void The_manifests_keep_their_promises(string set, string rule) => Assert.Empty(ManifestRules.All[rule](Load(set)));

    [Theory]
    [InlineData("chatbot.yaml")]
    [InlineData("chatbot-sim.yaml")]
    [InlineData("chart default")]
    [InlineData("chart sim")]
    [InlineData("chatbot.yaml,addons/ingress/ingress.yaml", "namespace ingress-nginx → chatbot:8080")]
    [InlineData("chatbot.yaml,addons/gateway/gateway.yaml", "namespace gateway-system → chatbot:8080")]
    [InlineData("chatbot.yaml,addons/dashboard/dashboard.yaml", "chatbot → dashboard:18889", "chatapi → dashboard:18889", "vllm → dashboard:18889")]
    [InlineData(Monitoring, "chatbot → collector:4317", "chatapi → collector:4317", "namespace monitoring → vllm:8000", "namespace monitoring → collector:8889")]
    public void The_network_allows_the_path_of_the_chat_and_nothing_else(string set, params string[] more) => Assert.Equal(
        [.. ChatPaths.Concat(set.Contains("sim", StringComparison.Ordinal) ? [] : DownloadPaths).Concat(more).Order(StringComparer.Ordinal)],
        NetworkPaths.Of(Load(set)).Order(StringComparer.Ordinal));

    [Fact]
    public void With_prefix_routing_the_chat_API_reaches_the_model_through_the_gateway_and_the_internet_not_at_all()
    {
        var paths = NetworkPaths.Of(Load("chatbot.yaml,addons/prefix-routing/prefix-routing.yaml")).ToList();
        Assert.Contains("chatapi → pods inference:80", paths);
        Assert.Contains("pods inference → vllm:8000", paths);
        Assert.Contains("endpoint-picker → vllm:8000", paths);
        Assert.DoesNotContain(paths, path => path.StartsWith("chat", StringComparison.Ordinal) && path.Contains("0.0.0.0", StringComparison.Ordinal));
    }

    [Fact]
    public void The_flat_files_hold_no_Secret() =>
        Assert.Empty(Manifest.Load("chatbot.yaml", "chatbot-sim.yaml").All<V1Secret>());

    /// <summary>For every rule: a text of chatbot.yaml, its replacement, and the rule that must report it.</summary>
    public static TheoryData<string, string, string> Mutations => new()
    {
        { "names", "  name: chatbot\n", "  name: chat\n" },
        { "labels", "    app.kubernetes.io/part-of: llasta\n", "" },
        { "names", "http://vllm.llasta.svc.cluster.local:8000/v1", "http://vllm-service:8000/v1" },
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
        { "references", "                  optional: true\n", "" },
        { "references", "  name: vllm-config\n  namespace", "  name: vllm\n  namespace" },
        { "references", "            claimName: model-cache", "            claimName: cache" },
        { "secrets", "  HTTP_PORTS:", "  OPENAI_API_KEY:" },
        { "secrets", "            - --reasoning-parser\n", "            - --api-key=x\n            - --reasoning-parser\n" },
        { "restricted", "runAsNonRoot: true", "runAsNonRoot: false" },
        { "restricted", "runAsUser: 10001", "runAsUser: 1654" },
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
        { "resources", "              ephemeral-storage: 64Mi\n", "" },
        { "resources", "              cpu: \"3\"\n", "              cpu: \"4\"\n" },
        { "resources", "              memory: 12Gi\n", "              memory: 24Gi\n" },
        { "resources", "            medium: Memory\n            sizeLimit: 2Gi\n", "            sizeLimit: 16Gi\n" },
        { "images", "v0.32.0", "latest" },
    };

    [Theory, MemberData(nameof(Mutations))]
    public void A_broken_promise_is_reported(string rule, string text, string becomes)
    {
        var flat = Manifest.Text("chatbot.yaml");
        Assert.Contains(text, flat, StringComparison.Ordinal);
        Assert.NotEmpty(ManifestRules.All[rule](Manifest.Parse("mutant", flat.Replace(text, becomes, StringComparison.Ordinal))));
    }

    [Fact]
    public void Every_rule_has_a_mutation() =>
        Assert.Equal(ManifestRules.All.Keys.Order(), Mutations.Select(mutation => mutation.Data.Item1).Distinct().Order());

    [Theory]
    [InlineData("  podSelector: {}\n", "  podSelector:\n    matchLabels:\n      app.kubernetes.io/component: vllm\n")]
    [InlineData("              - 10.0.0.0/8\n", "")]
    [InlineData("        - port: 443\n", "        - port: 80\n")]
    [InlineData("              app.kubernetes.io/component: chatbot\n", "              app.kubernetes.io/component: vllm\n")]
    [InlineData("  name: chatapi-to-vllm\n", "  name: chatapi-network\n")]
    public void A_path_that_opens_or_closes_is_reported(string text, string becomes)
    {
        var flat = Manifest.Text("chatbot.yaml");
        Assert.Contains(text, flat, StringComparison.Ordinal);
        var mutant = text.Contains("chatapi-to-vllm", StringComparison.Ordinal)
            ? string.Join("---\n", flat.Split("---\n").Where(document => !document.Contains(text, StringComparison.Ordinal)))
            : flat.Replace(text, becomes, StringComparison.Ordinal);
        Assert.NotEqual([.. ChatPaths.Concat(DownloadPaths).Order(StringComparer.Ordinal)], NetworkPaths.Of(Manifest.Parse("mutant", mutant)).Order(StringComparer.Ordinal));
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

    private static Manifest Load(string set) => set.StartsWith("chart ", StringComparison.Ordinal)
        ? new ChartRendering(set["chart ".Length..]).Installed()
        : Manifest.Load(set.Split(','));
}
