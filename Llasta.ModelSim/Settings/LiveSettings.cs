using System.Text.Json;

namespace Llasta.ModelSim.Settings;

/// <summary>The settings in force, which <c>/sim/settings</c> changes and each request's <c>X-Sim-</c> headers override for itself.</summary>
internal sealed class LiveSettings(ModelSimOptions initial)
{
    private const string HeaderPrefix = "X-Sim-";

    private volatile Armed _armed = new(initial);

    public ModelSimOptions Current => _armed.Options;

    /// <summary>The settings for one request; counts down a fault that is armed for a number of requests.</summary>
    /// <returns>A sentence that names a wrong header, or null.</returns>
    public string? ForRequest(IHeaderDictionary headers, out ModelSimOptions options)
    {
        var armed = _armed;
        options = armed.Options;
        foreach (var (name, value) in headers)
        {
            if (!name.StartsWith(HeaderPrefix, StringComparison.OrdinalIgnoreCase))
                continue;
            if (ReferenceEquals(options, armed.Options))
                options = options with { };
            if (Setting.Apply(options, name, name.AsSpan(HeaderPrefix.Length), value.ToString(), perRequest: true) is { } complaint)
                return complaint;
        }
        if (options.Fault != Fault.None && options.FaultTimes > 0 && options.Fault == armed.Options.Fault && !armed.Take())
            options = options with { Fault = Fault.None };
        return null;
    }

    /// <summary>Sets the named members of a JSON object; what it doesn't name stays, and a fault is armed anew.</summary>
    /// <returns>A sentence that names a wrong member (then nothing was changed), or null.</returns>
    public string? Change(JsonElement members)
    {
        if (members.ValueKind != JsonValueKind.Object)
            return "Settings are a JSON object.";
        var options = Current with { };
        foreach (var member in members.EnumerateObject())
        {
            var text = member.Value.ValueKind == JsonValueKind.Null ? null : member.Value.ToString();
            if (Setting.Apply(options, $"Sim:{member.Name}", member.Name, text, perRequest: false) is { } complaint)
                return complaint;
        }
        _armed = new(options);
        return null;
    }

    private sealed class Armed(ModelSimOptions options)
    {
        private int _left = options.FaultTimes;

        public ModelSimOptions Options { get; } = options;

        public bool Take() => Interlocked.Decrement(ref _left) >= 0;
    }
}
