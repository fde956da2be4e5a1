using System.Text.Json.Nodes;
using k8s.Models;
using Xunit;

namespace Llasta.Tests.Manifests;

/// <summary>The Helm chart makes the objects of the flat files, and its values reach them.</summary>
public sealed class ChartTests
{
    public static TheoryData<string> Renderings => [.. ChartRendering.Names];

    [Theory, MemberData(nameof(Renderings))]
    public void A_rendering_is_of_the_chart_as_it_is_now(string name)
    {
        var rendering = new ChartRendering(name);
        Assert.True(rendering.Digest() == rendering.MadeFrom, $"The chart or the values changed after '{name}' was rendered. Run Llasta.Tests/Manifests/Renderings/render.sh.");
    }

    [Fact]
    public async Task Helm_renders_the_same_objects()
    {
        foreach (var rendering in ChartRendering.Names.Select(name => new ChartRendering(name)))
        {
            string[] values = rendering.Values is { } file ? ["--values", Repository.PathOf(file)] : [];
            var (exitCode, output) = await Tool.RunAsync("helm", ["template", "llasta", Path.Combine(Manifest.Folder, "chart"), "--namespace", "llasta", .. values]);
            Assert.True(exitCode == 0, output);
            AssertSameObjects(rendering.Text, output);
        }
    }

    [Theory]
    [InlineData("default", "chatbot.yaml")]
    [InlineData("sim", "chatbot-sim.yaml")]
    [InlineData("ingress", "chatbot.yaml", "addons/ingress/ingress.yaml")]
    public void The_chart_makes_the_objects_of_the_flat_files(string rendering, params string[] files) =>
        AssertSameObjects(string.Join("\n---\n", files.Select(Manifest.Text)), new ChartRendering(rendering).Text, common: true);

    /// <param name="common">Compare only what a flat file and a release have in common.</param>
    private static void AssertSameObjects(string expected, string actual, bool common = false)
    {
        var left = Objects(expected);
        var right = Objects(actual);
        Assert.Equal(left.Keys.Order(), right.Keys.Order());
        Assert.All(left, entry => Assert.True(JsonNode.DeepEquals(entry.Value, right[entry.Key]), $"{entry.Key}:\n{entry.Value}\n{right[entry.Key]}"));

        Dictionary<string, JsonNode> Objects(string text) => Manifest.Json(text)
            .Where(o => !common || (string?)o["kind"] != "Namespace" && o["metadata"]!["annotations"]?["helm.sh/hook"] is null)
            .Select(o => common ? WithoutReleaseMetadata(o) : o)
            .ToDictionary(o => $"{o["kind"]}/{o["metadata"]!["name"]}");
    }

    /// <summary>A release has no namespace of its own, names who manages it, and digests its configuration into the pods' annotations.</summary>
    private static JsonNode WithoutReleaseMetadata(JsonNode o)
    {
        o["metadata"]!.AsObject().Remove("namespace");
        foreach (var metadata in new[] { o["metadata"], o["spec"]?["template"]?["metadata"] }.OfType<JsonObject>())
        {
            var labels = metadata["labels"]!.AsObject();
            labels.Remove("helm.sh/chart");
            labels.Remove("app.kubernetes.io/managed-by");
            if (metadata["annotations"] is JsonObject annotations && annotations.Remove("checksum/configuration") && annotations.Count == 0)
                metadata.Remove("annotations");
        }
        return o;
    }

    [Fact]
    public void The_charts_version_is_the_solutions()
    {
        var chart = Manifest.Json(Manifest.Text("chart/Chart.yaml")).Single();
        Assert.Equal((Manifest.SolutionVersion, Manifest.SolutionVersion), ((string?)chart["version"], (string?)chart["appVersion"]));
    }

    [Fact]
    public void Pods_are_replaced_when_their_configuration_changes_and_only_then()
    {
        var before = Digests("default");
        Assert.Equal(["vllm"], Changed("sim"));
        Assert.Equal(["chatapi", "chatbot"], Changed("ingress"));

        IEnumerable<string> Changed(string rendering) => Digests(rendering).Where(digest => before[digest.Key] != digest.Value).Select(digest => digest.Key).Order();
        static Dictionary<string, string> Digests(string rendering) => new ChartRendering(rendering).Installed().Deployments
            .ToDictionary(deployment => deployment.Name(), deployment => deployment.Spec.Template.Metadata.Annotations["checksum/configuration"]);
    }

    [Fact]
    public void OpenShift_may_choose_users_and_groups()
    {
        var manifest = new ChartRendering("openshift").Installed();
        Assert.All(manifest.Deployments, deployment =>
        {
            var context = deployment.Spec.Template.Spec.SecurityContext;
            Assert.Equal((null, null, null), (context.RunAsUser, context.RunAsGroup, context.FsGroup));
            Assert.True(context.RunAsNonRoot);
        });
    }

    [Fact]
    public void Without_a_claim_the_model_is_on_a_nodes_disk_that_has_room_for_it()
    {
        var manifest = new ChartRendering("without-claim").Installed();
        Assert.Empty(manifest.All<V1PersistentVolumeClaim>());
        Assert.Empty(ManifestRules.All["resources"](manifest));
        var vllm = manifest.Deployments.Single(deployment => deployment.Name() == "vllm").Spec.Template.Spec;
        Assert.Equal("50Gi", vllm.Volumes.Single(volume => volume.Name == "model-cache").EmptyDir.SizeLimit.ToString());
        Assert.Equal("50Gi", vllm.Containers.Single().Resources.Requests["ephemeral-storage"].ToString());
    }

    [Fact]
    public void The_test_of_a_release_chats_through_the_page_and_may_do_nothing_else()
    {
        var test = new ChartRendering("default").Test();
        var pod = test.All<V1Pod>().Single().Spec;
        Assert.Contains("http://chatbot:8080/api/chat", pod.Containers.Single().Args.Single(), StringComparison.Ordinal);
        Assert.Contains("\"state\":\"done\"", pod.Containers.Single().Args.Single(), StringComparison.Ordinal);
        Assert.True(pod is { SecurityContext: { RunAsNonRoot: true, SeccompProfile.Type: "RuntimeDefault" }, AutomountServiceAccountToken: false, EnableServiceLinks: false });
        Assert.True(pod.Containers.Single().SecurityContext is { ReadOnlyRootFilesystem: true, AllowPrivilegeEscalation: false, Capabilities.Drop: ["ALL"] });

        Assert.Equal([("test", "chatbot", "Egress"), ("chatbot", "test", "Ingress")], test.All<V1NetworkPolicy>().Select(policy => (
            policy.Spec.PodSelector.MatchLabels["app.kubernetes.io/component"],
            (policy.Spec.Egress?[0].To ?? policy.Spec.Ingress[0].FromProperty)[0].PodSelector.MatchLabels["app.kubernetes.io/component"],
            policy.Spec.PolicyTypes.Single())));
    }

    [Fact]
    public void Every_value_reaches_its_object()
    {
        var manifest = new ChartRendering("everything").Installed();
        var deployments = manifest.Deployments.ToDictionary(deployment => deployment.Name());
        var vllm = deployments["vllm"];
        var model = vllm.Spec.Template.Spec;
        var server = model.Containers.Single();
        Assert.Equal("registry.example.com/mirror/vllm/vllm-openai@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", server.Image);
        Assert.Equal("Always", server.ImagePullPolicy);
        Assert.Equal(["Qwen/Qwen3-8B-FP8", "131072", "2", "deepseek_r1", "64", "90"],
            Arguments("serve", "--max-model-len", "--tensor-parallel-size", "--reasoning-parser", "--max-num-queued-reqs", "--shutdown-timeout"));
        Assert.DoesNotContain("--sse-keep-alive-interval", server.Args);
        Assert.Equal("2", server.Resources.Limits["nvidia.com/mig-3g.40gb"].ToString());
        Assert.DoesNotContain("nvidia.com/gpu", server.Resources.Limits.Keys);
        Assert.Equal("64Gi", server.Resources.Limits["memory"].ToString());
        Assert.True(server.Resources.Requests.ContainsKey("memory"));
        Assert.Equal(("nvidia", "gpu"), (model.RuntimeClassName, model.PriorityClassName));
        Assert.Equal((3, "RollingUpdate"), (vllm.Spec.Replicas, vllm.Spec.Strategy.Type));
        Assert.Equal(5 + 90 + 10, model.TerminationGracePeriodSeconds);
        Assert.Equal((3600, 3900), (server.StartupProbe.PeriodSeconds * server.StartupProbe.FailureThreshold, vllm.Spec.ProgressDeadlineSeconds));
        Assert.Equal(("true", "a100", "topology.kubernetes.io/zone"), (model.NodeSelector["gpu"], model.Tolerations.Single().Value, model.TopologySpreadConstraints.Single().TopologyKey));
        Assert.NotNull(model.Affinity.PodAntiAffinity);
        Assert.Equal("8Gi", model.Volumes.Single(volume => volume.Name == "shm").EmptyDir.SizeLimit.ToString());
        Assert.Equal(["VLLM_API_KEY", "HF_TOKEN", "NODE_NAME"], server.Env.Select(variable => variable.Name));
        Assert.Equal("vllm-extra", server.EnvFrom.Last().ConfigMapRef.Name);
        Assert.Equal(("true", "yes"), (vllm.Spec.Template.Metadata.Annotations["example.com/scrape"], vllm.Spec.Template.Metadata.Labels["example.com/gpu"]));

        Assert.Equal(["https://mirror.example.com/hf", "1", "http://proxy.example.com:3128", "http://proxy.example.com:3128", ".svc,.cluster.local", "DEBUG", "4", "3600"],
            Settings("vllm-config", "HF_ENDPOINT", "HF_HUB_OFFLINE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "VLLM_LOGGING_LEVEL", "OMP_NUM_THREADS", "VLLM_ENGINE_READY_TIMEOUT_S"));
        var claim = manifest.All<V1PersistentVolumeClaim>().Single().Spec;
        Assert.Equal(("nfs", "200Gi", "ReadWriteMany"), (claim.StorageClassName, claim.Resources.Requests["storage"].ToString(), claim.AccessModes.Single()));
        Assert.Equal("it's\"quoted\":{{}}<&>\\n", manifest.All<V1Secret>().Single().StringData["api-key"]);

        var api = deployments["chatapi"].Spec.Template.Spec;
        Assert.Equal("registry.example.com/mirror/llasta/llasta/chatapi:0.2.0", api.Containers.Single().Image);
        Assert.Equal(["256", "4194304", "01:00:00", "false", "00:02:00"],
            Settings("chatapi-config", "Chat__MaxConcurrentTurns", "Chat__MaxBodyBytes", "Chat__ModelStartTimeout", "ASPNETCORE_FORWARDEDHEADERS_ENABLED", "Chat__DrainTimeout"));
        Assert.Equal(["http://vllm.llasta.svc.cluster.example:8000/v1"], Settings("chatapi-config", "OPENAI_API_BASE_URL"));
        Assert.Equal(5 + 120 + 5 + 10, api.TerminationGracePeriodSeconds);
        Assert.Equal(["OPENAI_API_KEY", "OTEL_EXPORTER_OTLP_HEADERS"], api.Containers.Single().Env.Select(variable => variable.Name));
        Assert.Equal("chatapi-extra", api.Containers.Single().EnvFrom.Last().SecretRef.Name);
        Assert.Equal(("1", "certificates", "/etc/ssl/certs/extra"),
            (api.Containers.Single().Resources.Requests["cpu"].ToString(), api.Volumes.Single().Name, api.Containers.Single().VolumeMounts.Single().MountPath));
        Assert.Equal(("amd64", "high"), (api.NodeSelector["kubernetes.io/arch"], api.PriorityClassName));
        Assert.NotNull(api.Affinity.NodeAffinity);
        var scaler = manifest.All<V2HorizontalPodAutoscaler>().Single().Spec;
        Assert.Equal(("chatapi", 3, 20, 50), (scaler.ScaleTargetRef.Name, scaler.MinReplicas, scaler.MaxReplicas, scaler.Metrics.Single().Resource.Target.AverageUtilization));

        var page = deployments["chatbot"];
        Assert.Equal((4, "spot", "DoNotSchedule"),
            (page.Spec.Replicas, page.Spec.Template.Spec.Tolerations.Single().Key, page.Spec.Template.Spec.TopologySpreadConstraints.Single().WhenUnsatisfiable));
        Assert.Equal("50%", manifest.All<V1PodDisruptionBudget>().Single(budget => budget.Name() == "chatbot-disruption").Spec.MaxUnavailable.Value);
        Assert.Equal("page", manifest.All<V1Service>().Single(service => service.Name() == "chatbot").Metadata.Annotations["example.com/service"]);

        var ingress = manifest.All<V1Ingress>().Single();
        Assert.Equal(("chat.team.example", "haproxy"), (ingress.Spec.Rules.Single().Host, ingress.Spec.IngressClassName));
        Assert.Null(ingress.Spec.Tls);
        Assert.Equal(["chat.team.example"], Settings("ingress-hosts", "Chat__AllowedHosts"));

        var paths = NetworkPaths.Of(manifest).ToList();
        Assert.Contains("* → namespace openshift-dns:5353", paths);
        Assert.Contains("namespace monitoring → vllm:8000", paths);
        Assert.Contains("chatapi → 10.1.2.3/32:4317", paths);
        Assert.Contains("namespace haproxy → chatbot:8080", paths);

        Assert.All(manifest.Objects, o => Assert.Equal(("chat", "chat-team"), (o.Metadata.Labels["team"], o.Metadata.Annotations["example.com/owner"])));
        Assert.All(deployments.Values, deployment => Assert.Equal("registry-credentials", deployment.Spec.Template.Spec.ImagePullSecrets.Single().Name));

        IEnumerable<string> Arguments(params string[] options) => options.Select(option => server.Args[server.Args.IndexOf(option) + 1]);
        IEnumerable<string> Settings(string map, params string[] names) => names.Select(name => manifest.All<V1ConfigMap>().Single(o => o.Name() == map).Data[name]);
    }
}
