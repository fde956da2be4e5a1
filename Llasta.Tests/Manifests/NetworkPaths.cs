using k8s.Models;

namespace Llasta.Tests.Manifests;

/// <summary>
/// What the NetworkPolicies let through, as <c>from → to:port</c>. A path between two of our pods is open only where one
/// side's egress and the other's ingress both allow it; half a path is reported as such.
/// </summary>
internal static class NetworkPaths
{
    public static IEnumerable<string> Of(Manifest manifest)
    {
        if (!manifest.All<V1NetworkPolicy>().Any(policy => policy.Spec is { PodSelector: { MatchLabels: null, MatchExpressions: null }, Ingress: null, Egress: null, PolicyTypes: ["Ingress", "Egress"] }))
            yield return "anything → anything: no policy denies by default";

        var outward = Ends(manifest, spec => (spec.Egress ?? []).SelectMany(rule => Cross(rule.To, rule.Ports)));
        var inward = Ends(manifest, spec => (spec.Ingress ?? []).SelectMany(rule => Cross(rule.FromProperty, rule.Ports)));

        var half = new HashSet<string>();
        foreach (var (pod, peer, port) in outward)
            if (Pods(manifest, peer) is { } others)
                foreach (var other in others)
                    half.Add($"{pod} → {other}:{port} (out)");
            else
                yield return $"{pod} → {Describe(peer)}:{port}";
        foreach (var (pod, peer, port) in inward)
            if (Pods(manifest, peer) is { } others)
                foreach (var other in others)
                    half.Add($"{other} → {pod}:{port} (in)");
            else
                yield return $"{Describe(peer)} → {pod}:{port}";

        foreach (var path in half.GroupBy(path => path[..path.LastIndexOf(' ')]))
            yield return path.Count() == 2 ? path.Key : path.Single();
    }

    private static List<(string Pod, V1NetworkPolicyPeer? Peer, string Port)> Ends(Manifest manifest, Func<V1NetworkPolicySpec, IEnumerable<(V1NetworkPolicyPeer?, string)>> rules) =>
    [
        .. from policy in manifest.All<V1NetworkPolicy>()
           from pod in IsEmpty(policy.Spec.PodSelector) ? ["*"] : manifest.Deployments.Where(d => ManifestRules.Matches(policy.Spec.PodSelector, d)).Select(d => d.Name()).DefaultIfEmpty(Describe(new() { PodSelector = policy.Spec.PodSelector }))
           from rule in rules(policy.Spec)
           select (pod, rule.Item1, rule.Item2),
    ];

    private static IEnumerable<(V1NetworkPolicyPeer?, string)> Cross(IList<V1NetworkPolicyPeer>? peers, IList<V1NetworkPolicyPort>? ports) =>
        from peer in peers?.Cast<V1NetworkPolicyPeer?>() ?? [null]
        from port in ports?.Select(port => port.Protocol == "UDP" ? $"{port.Port.Value}/udp" : port.Port.Value) ?? ["*"]
        select (peer, port);

    /// <summary>Null for what is outside the namespace.</summary>
    private static List<string>? Pods(Manifest manifest, V1NetworkPolicyPeer? peer) => peer switch
    {
        { NamespaceSelector: null, IpBlock: null, PodSelector: { } selector } => manifest.Deployments.Where(d => ManifestRules.Matches(selector, d)).Select(d => d.Name()).ToList() is { Count: > 0 } found ? found : null,
        _ => null,
    };

    private static string Describe(V1NetworkPolicyPeer? peer) => peer switch
    {
        null => "anywhere",
        { IpBlock: { } block } => block.Except is { Count: > 0 } ? $"{block.Cidr} but {string.Join(' ', block.Except)}" : block.Cidr,
        { NamespaceSelector: { } space } => $"namespace {string.Join(' ', Values(space))}",
        { PodSelector: { } pods } => $"pods {string.Join(' ', (pods.MatchLabels ?? new Dictionary<string, string>()).Values)}",
        _ => "anything",
    };

    private static IEnumerable<string> Values(V1LabelSelector selector) =>
        (selector.MatchLabels?.Values ?? []).Concat((selector.MatchExpressions ?? []).SelectMany(expression => expression.Values));

    private static bool IsEmpty(V1LabelSelector selector) => selector is { MatchLabels: null or { Count: 0 }, MatchExpressions: null or { Count: 0 } };
}
