using System.Text.Json;

namespace Llasta.ModelSim.Settings;

/// <summary>The settings in force: <c>/sim/settings</c> changes them, and a request's <c>X-Sim-</c> headers override them for that request.</summary>
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
        options = armed.Options with { };
        foreach (var (header, value) in headers)
        {
            if (!header.StartsWith(HeaderPrefix, StringComparison.OrdinalIgnoreCase))
                continue;
            var name = header[HeaderPrefix.Length..];
            if (!SettingsBinder.IsPerRequest(name))
                return $"{header} can't be set for one request.";
            if (SettingsBinder.Set(options, header, name, value.ToString()) is { } complaint)
                return complaint;
        }
        if (options.Fault != Fault.None && options.FaultTimes > 0 && options.Fault == armed.Options.Fault && !armed.Take())
            options = options with { Fault = Fault.None };
        return null;
    }

    /// <summary>Sets the named members of a JSON object, keeps the others, and arms the fault again.</summary>
    /// <returns>A sentence that names a wrong member (then nothing was changed), or null.</returns>
    public string? Change(JsonElement members)
    {
        if (members.ValueKind != JsonValueKind.Object)
            return "Settings are a JSON object.";
        var options = Current with { };
        foreach (var member in members.EnumerateObject())
        {
            var text = member.Value.ValueKind == JsonValueKind.Null ? null : member.Value.ToString();
            if (SettingsBinder.Set(options, $"{SettingsBinder.Section}:{member.Name}", member.Name, text) is { } complaint)
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
