using System.Diagnostics;

namespace Llasta.Streaming.Http;

/// <summary>
/// Passes the trace context on, and nothing else: the <c>baggage</c> of a browser must not reach other servers.
/// </summary>
internal sealed class TraceContext : DistributedContextPropagator
{
    /// <summary>The only instance.</summary>
    public static readonly TraceContext Propagator = new();

    private static readonly string[] Names = ["traceparent", "tracestate"];

    public override IReadOnlyCollection<string> Fields => Names;

    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter)
    {
        if (setter is not null)
            Current.Inject(activity, carrier, (target, name, value) => Set(setter, target, name, value));
    }

    public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState) =>
        Current.ExtractTraceIdAndState(carrier, getter, out traceId, out traceState);

    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter) => null;

    private static void Set(PropagatorSetterCallback setter, object? target, string name, string value)
    {
        if (Array.IndexOf(Names, name) >= 0)
            setter(target, name, value);
    }
}
