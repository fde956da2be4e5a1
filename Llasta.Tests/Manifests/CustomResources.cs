using k8s;
using k8s.Models;

namespace Llasta.Tests.Manifests;

/// <summary>
/// The kinds that KubernetesClient has no types for, with the fields that the add-ons use, as their definitions give them
/// (Gateway API v1, Gateway API Inference Extension v1, Istio, KEDA 2, Prometheus operator).
/// </summary>
internal static class CustomResources
{
    public static readonly Dictionary<string, Type> Types = new()
    {
        ["inference.networking.k8s.io/v1/InferencePool"] = typeof(Custom<InferencePoolSpec>),
        ["gateway.networking.k8s.io/v1/Gateway"] = typeof(Custom<GatewaySpec>),
        ["gateway.networking.k8s.io/v1/HTTPRoute"] = typeof(Custom<HttpRouteSpec>),
        ["networking.istio.io/v1/DestinationRule"] = typeof(Custom<DestinationRuleSpec>),
        ["keda.sh/v1alpha1/ScaledObject"] = typeof(Custom<ScaledObjectSpec>),
        ["monitoring.coreos.com/v1/PodMonitor"] = typeof(Custom<PodMonitorSpec>),
        ["monitoring.coreos.com/v1/PrometheusRule"] = typeof(Custom<PrometheusRuleSpec>),
    };

    internal sealed class Custom<TSpec> : IKubernetesObject<V1ObjectMeta> where TSpec : class
    {
        public string ApiVersion { get; set; } = "";
        public string Kind { get; set; } = "";
        public V1ObjectMeta Metadata { get; set; } = new();
        public required TSpec Spec { get; set; }
    }

    internal sealed class InferencePoolSpec
    {
        public required V1LabelSelector Selector { get; set; }
        public required List<Port> TargetPorts { get; set; }
        public required EndpointPicker EndpointPickerRef { get; set; }
    }

    internal sealed class EndpointPicker
    {
        public required string Name { get; set; }
        public required Port Port { get; set; }
        public string? FailureMode { get; set; }
    }

    internal sealed class Port
    {
        public int Number { get; set; }
    }

    internal sealed class GatewaySpec
    {
        public required string GatewayClassName { get; set; }
        public required List<Listener> Listeners { get; set; }
    }

    internal sealed class Listener
    {
        public required string Name { get; set; }
        public int Port { get; set; }
        public required string Protocol { get; set; }
        public Dictionary<string, Dictionary<string, string>>? AllowedRoutes { get; set; }
    }

    internal sealed class HttpRouteSpec
    {
        public required List<V1ObjectReference> ParentRefs { get; set; }
        public List<string>? Hostnames { get; set; }
        public required List<HttpRouteRule> Rules { get; set; }
    }

    internal sealed class HttpRouteRule
    {
        public required List<Dictionary<string, Dictionary<string, string>>> Matches { get; set; }
        public required List<Backend> BackendRefs { get; set; }
        public Dictionary<string, string>? Timeouts { get; set; }
    }

    internal sealed class Backend
    {
        public string? Group { get; set; }
        public string? Kind { get; set; }
        public required string Name { get; set; }
        public int? Port { get; set; }
    }

    internal sealed class DestinationRuleSpec
    {
        public required string Host { get; set; }
        public required TrafficPolicy TrafficPolicy { get; set; }
    }

    internal sealed class TrafficPolicy
    {
        public required ClientTls Tls { get; set; }
    }

    internal sealed class ClientTls
    {
        public required string Mode { get; set; }
        public bool? InsecureSkipVerify { get; set; }
    }

    internal sealed class ScaledObjectSpec
    {
        public required V2CrossVersionObjectReference ScaleTargetRef { get; set; }
        public int MinReplicaCount { get; set; }
        public int MaxReplicaCount { get; set; }
        public int PollingInterval { get; set; }
        public int CooldownPeriod { get; set; }
        public required Advanced Advanced { get; set; }
        public required List<Trigger> Triggers { get; set; }
    }

    internal sealed class Advanced
    {
        public required HpaConfig HorizontalPodAutoscalerConfig { get; set; }
    }

    internal sealed class HpaConfig
    {
        public required V2HorizontalPodAutoscalerBehavior Behavior { get; set; }
    }

    internal sealed class Trigger
    {
        public required string Type { get; set; }
        public required Dictionary<string, string> Metadata { get; set; }
    }

    internal sealed class PodMonitorSpec
    {
        public required V1LabelSelector Selector { get; set; }
        public required List<PodMetricsEndpoint> PodMetricsEndpoints { get; set; }
    }

    internal sealed class PodMetricsEndpoint
    {
        public required string Port { get; set; }
        public required string Path { get; set; }
        public required string Interval { get; set; }
        public bool? HonorLabels { get; set; }
    }

    internal sealed class PrometheusRuleSpec
    {
        public required List<RuleGroup> Groups { get; set; }
    }

    internal sealed class RuleGroup
    {
        public required string Name { get; set; }
        public required List<AlertRule> Rules { get; set; }
    }

    internal sealed class AlertRule
    {
        public required string Alert { get; set; }
        public required string Expr { get; set; }
        public string? For { get; set; }
        public required Dictionary<string, string> Labels { get; set; }
        public required Dictionary<string, string> Annotations { get; set; }
    }
}
