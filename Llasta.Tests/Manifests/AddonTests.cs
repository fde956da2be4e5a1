using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using k8s.Models;
using Xunit;

namespace Llasta.Tests.Manifests;

/// <summary>The add-ons as kustomize components, and what they ask of Prometheus.</summary>
public sealed partial class AddonTests
{
    public static TheoryData<string> Addons => [.. Directory.EnumerateDirectories(Path.Combine(Manifest.Folder, "addons")).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Addons))]
    public void Every_YAML_file_of_an_addon_is_named_in_its_kustomization(string addon)
    {
        var folder = Path.Combine(Manifest.Folder, "addons", addon);
        var kustomization = File.ReadAllText(Path.Combine(folder, "kustomization.yaml"));
        Assert.Equal("Component", (string?)Manifest.Json(kustomization).Single()["kind"]);
        Assert.All(Directory.EnumerateFiles(folder).Select(Path.GetFileName).Where(file => file != "kustomization.yaml"), file => Assert.Contains(file!, kustomization, StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(Addons))]
    public void An_addon_has_the_version_of_the_solution(string addon) =>
        Assert.All(Directory.EnumerateFiles(Path.Combine(Manifest.Folder, "addons", addon), "*.yaml").SelectMany(file => Version().Matches(File.ReadAllText(file))),
            label => Assert.Equal(Manifest.SolutionVersion, label.Groups[1].Value));

    [Fact]
    public void The_kustomization_offers_every_addon()
    {
        var kustomization = Manifest.Text("kustomization.yaml");
        Assert.All(Addons, addon => Assert.Contains($"#   - addons/{addon.Data}", kustomization, StringComparison.Ordinal));
        Assert.All(KustomizationResources(kustomization), file => Assert.True(File.Exists(Path.Combine(Manifest.Folder, file)), file));

        static IEnumerable<string> KustomizationResources(string text) => Manifest.Json(text).Single()["resources"]!.AsArray().Select(resource => (string)resource!);
    }

    [Theory, MemberData(nameof(Addons))]
    public async Task An_overlay_takes_each_addon_as_a_component(string addon)
    {
        var manifest = await KustomizeAsync(addon);
        string[] broken = addon switch
        {
            "openshift" => ["restricted", "vllm"], // OpenShift chooses the users that these rules ask for
            "prefix-routing" => ["names"], // the chat API asks the gateway
            _ => [],
        };
        Assert.All(ManifestRules.All.Where(rule => !broken.Contains(rule.Key)), rule => Assert.Empty(rule.Value(manifest)));
    }

    [Fact]
    public async Task Applying_again_leaves_the_replicas_of_an_autoscaled_model_alone()
    {
        var manifest = await KustomizeAsync("queue-autoscaling");
        var vllm = manifest.Deployments.Single(deployment => deployment.Name() == "vllm").Spec;
        Assert.Null(vllm.Replicas);
        Assert.Equal(("RollingUpdate", "0"), (vllm.Strategy.Type, vllm.Strategy.RollingUpdate.MaxSurge.Value));
        Assert.Equal(["ReadWriteMany"], manifest.All<V1PersistentVolumeClaim>().Single().Spec.AccessModes);
    }

    /// <summary>The picker serves TLS, unless told otherwise, with a certificate that nobody signed; the pool's failure mode would hide that it is never asked.</summary>
    [Fact]
    public void The_gateway_takes_the_certificate_of_the_endpoint_picker()
    {
        var manifest = Manifest.Load("addons/prefix-routing/prefix-routing.yaml");
        var picker = manifest.All<CustomResources.Custom<CustomResources.InferencePoolSpec>>().Single().Spec.EndpointPickerRef;
        var rule = manifest.All<CustomResources.Custom<CustomResources.DestinationRuleSpec>>().Single().Spec;
        Assert.Equal((picker.Name, "SIMPLE", true), (rule.Host, rule.TrafficPolicy.Tls.Mode, rule.TrafficPolicy.Tls.InsecureSkipVerify));
    }

    [Fact]
    public async Task OpenShift_may_choose_users_and_groups()
    {
        var manifest = await KustomizeAsync("ingress", "monitoring", "queue-autoscaling", "prefix-routing", "openshift");
        Assert.Equal(5, manifest.Deployments.Count());
        Assert.All(
            manifest.Deployments.Select(deployment => deployment.Spec.Template.Spec.SecurityContext),
            context => Assert.Equal((null, null, null, true), (context.RunAsUser, context.RunAsGroup, context.FsGroup, context.RunAsNonRoot)));
    }

    /// <summary>With a wide margin: measured were 22 KB for a turn of one process, the largest kind of request.</summary>
    [Fact]
    public void The_dashboards_volume_holds_the_requests_that_the_dashboard_keeps()
    {
        const int MostBytesPerRequest = 64 << 10;
        var pod = Manifest.Load("addons/dashboard/dashboard.yaml").Deployments.Single().Spec.Template.Spec;
        var requests = int.Parse(pod.Containers.Single().Env.Single(variable => variable.Name.EndsWith("__MAXTRACECOUNT", StringComparison.Ordinal)).Value, CultureInfo.InvariantCulture);
        Assert.True(requests * MostBytesPerRequest <= pod.Volumes.Single().EmptyDir.SizeLimit.ToDecimal());
    }

    [Fact]
    public async Task Every_metric_that_is_asked_for_exists()
    {
        var known = await OwnMetricsAsync();
        await using var model = await Chatbot.StartAsync(Form.ChatApiAlone);
        foreach (Match metric in Exposed().Matches(await model.Model!.GetStringAsync("/metrics", Chatbot.Cancelled)))
            known.Add(metric.Value);

        var queries = Rules().Select(rule => rule.Expr).Concat(Panels()).ToList();
        var asked = queries.SelectMany(query => Metric().Matches(query).Select(match => match.Value)).ToHashSet();
        Assert.Contains("llasta_turns_total", asked);
        Assert.Contains("vllm:num_requests_waiting", asked);
        Assert.Empty(asked.Except(known));
    }

    [Fact]
    public async Task Every_metric_of_the_chat_API_is_explained()
    {
        var operations = await File.ReadAllTextAsync(Repository.PathOf("docs/operations.md"), TestContext.Current.CancellationToken);
        var metrics = (await OwnMetricsAsync()).Where(name => !name.EndsWith("_sum", StringComparison.Ordinal) && !name.EndsWith("_count", StringComparison.Ordinal));
        Assert.All(metrics, name => Assert.Contains($"`{name.Replace("_bucket", "", StringComparison.Ordinal)}`", operations, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_state_that_an_alert_asks_for_is_one_that_a_turn_ends_in() =>
        Assert.All(Rules().SelectMany(rule => State().Matches(rule.Expr)).SelectMany(match => match.Groups[1].Value.Split('|')),
            state => Assert.Contains($"`{state}`", File.ReadAllText(Repository.PathOf("README.md")), StringComparison.Ordinal));

    [Fact]
    public async Task Alerts_fire_when_they_should()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            // The rules as Prometheus itself reads them; JSON is YAML.
            var rules = Manifest.Json(Manifest.Text("addons/monitoring/rules.yaml")).Single()["spec"]!.ToJsonString();
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "rules.yaml"), rules, TestContext.Current.CancellationToken);
            File.Copy(Repository.PathOf("Llasta.Tests/Manifests/alerts.test.yaml"), Path.Combine(folder.FullName, "test.yaml"));
            var (exitCode, output) = await Tool.RunAsync("promtool", "test", "rules", Path.Combine(folder.FullName, "test.yaml"));
            Assert.True(exitCode == 0, output);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static List<CustomResources.AlertRule> Rules() =>
        [.. Manifest.Load("addons/monitoring/rules.yaml").All<CustomResources.Custom<CustomResources.PrometheusRuleSpec>>().Single().Spec.Groups.SelectMany(group => group.Rules)];

    private static IEnumerable<string> Panels() =>
        from panel in JsonNode.Parse(Manifest.Text("addons/monitoring/dashboard.json"))!["panels"]!.AsArray()
        from target in panel!["targets"]!.AsArray()
        select (string)target!["expr"]!;

    /// <summary>The chat API's instruments by the names that the collector gives them: words joined by _, then the unit, then _total on a counter.</summary>
    private static async Task<HashSet<string>> OwnMetricsAsync()
    {
        var names = new HashSet<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name != "Llasta.ChatApi")
                return;
            var name = instrument.Name.Replace('.', '_') + (instrument.Unit == "s" ? "_seconds" : "");
            lock (names)
                names.UnionWith(instrument.GetType().Name.StartsWith("Histogram", StringComparison.Ordinal) ? [name + "_bucket", name + "_sum", name + "_count"]
                    : instrument.GetType().Name.StartsWith("Counter", StringComparison.Ordinal) ? [name + "_total"] : [name]);
        };
        listener.Start();
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone);
        using var model = await chatbot.Client.GetAsync("/api/model", Chatbot.Cancelled);
        lock (names)
            return [.. names];
    }

    /// <summary>chatbot.yaml with add-ons, as <c>kubectl kustomize</c> makes it.</summary>
    private static async Task<Manifest> KustomizeAsync(params string[] addons)
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var manifests = Path.GetRelativePath(folder.FullName, Manifest.Folder).Replace('\\', '/');
            var components = string.Join(", ", addons.Select(addon => $"{manifests}/addons/{addon}"));
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "kustomization.yaml"), $"resources: [{manifests}]\ncomponents: [{components}]\n", TestContext.Current.CancellationToken);
            var (exitCode, output) = await Tool.RunAsync("kubectl", "kustomize", folder.FullName);
            Assert.True(exitCode == 0, output);
            return Manifest.Parse(string.Join(" + ", addons), output);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [GeneratedRegex(@"\b(vllm:|llasta_|gen_ai_)\w+")]
    private static partial Regex Metric();

    [GeneratedRegex("app.kubernetes.io/version: \"(.*)\"")]
    private static partial Regex Version();

    [GeneratedRegex(@"(?m)^vllm:\w+")]
    private static partial Regex Exposed();

    [GeneratedRegex("state=~?\"([^\"]+)\"")]
    private static partial Regex State();
}
