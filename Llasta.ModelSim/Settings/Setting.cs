using System.Globalization;
using System.Text.Json;

namespace Llasta.ModelSim.Settings;

/// <summary>
/// One setting and its text form, which configuration, headers and <c>/sim/settings</c> share.
/// <paramref name="Set"/> returns what a value must be when the text is no such value, and null when it was taken.
/// </summary>
internal sealed record Setting(string Name, bool PerRequest, bool IsNumber, Func<ModelSimOptions, string?> Get, Func<ModelSimOptions, string?, string?> Set)
{
    public static readonly IReadOnlyList<Setting> All =
    [
        new("Model", true, false, o => o.Model, (o, text) => Text(text, value => o.Model = value)),
        new("ApiKey", false, false, o => o.ApiKey, (o, text) => { o.ApiKey = string.IsNullOrEmpty(text) ? null : text; return null; }),
        Number("ContextWindow", true, 16, 10_000_000, o => o.ContextWindow, (o, value) => o.ContextWindow = value ?? 16_384),
        new("TokensPerSecond", true, true, o => o.TokensPerSecond.ToString(CultureInfo.InvariantCulture), SetPace),
        Delay("FirstTokenDelay", true, o => o.FirstTokenDelay, (o, value) => o.FirstTokenDelay = value),
        Delay("QueueDelay", true, o => o.QueueDelay, (o, value) => o.QueueDelay = value),
        Delay("StartupDelay", false, o => o.StartupDelay, (o, value) => o.StartupDelay = value),
        Number("ThinkingTokens", true, 0, 1_000_000, o => o.ThinkingTokens, (o, value) => o.ThinkingTokens = value),
        Choice("ReasoningField", JsonNamingPolicy.SnakeCaseLower, o => o.ReasoningField, (o, value) => o.ReasoningField = value),
        Number("TokensPerChunk", true, 1, 10_000, o => o.TokensPerChunk, (o, value) => o.TokensPerChunk = value ?? 1),
        Choice("Fault", JsonNamingPolicy.KebabCaseLower, o => o.Fault, (o, value) => o.Fault = value),
        Choice("FaultPhase", JsonNamingPolicy.KebabCaseLower, o => o.FaultPhase, (o, value) => o.FaultPhase = value),
        Number("FaultAfterTokens", true, 0, 1_000_000, o => o.FaultAfterTokens, (o, value) => o.FaultAfterTokens = value ?? 0),
        Number("FaultTimes", false, 0, 1_000_000, o => o.FaultTimes, (o, value) => o.FaultTimes = value ?? 0),
    ];

    /// <summary>The setting of that name, in any case and with or without hyphens.</summary>
    public static Setting? Find(ReadOnlySpan<char> name)
    {
        foreach (var setting in All)
            if (SameWords(setting.Name, name))
                return setting;
        return null;
    }

    /// <summary>Sets one value by name. Returns a sentence that begins with <paramref name="label"/> when that can't be done.</summary>
    public static string? Apply(ModelSimOptions options, string label, ReadOnlySpan<char> name, string? text, bool perRequest)
    {
        if (Find(name) is not { } setting)
            return $"{label} is not a setting; there are {string.Join(", ", All.Select(known => known.Name))}.";
        if (perRequest && !setting.PerRequest)
            return $"{label} can't be set for one request.";
        return setting.Set(options, text) is { } wanted ? $"{label} must be {wanted}, not '{text}'." : null;
    }

    /// <summary>Checks values that were set in code, by the same rules. Returns a sentence that names the first wrong one.</summary>
    public static string? Check(ModelSimOptions options)
    {
        var copy = options with { };
        foreach (var setting in All)
            if (Apply(copy, $"Sim:{setting.Name}", setting.Name, setting.Get(options), perRequest: false) is { } complaint)
                return complaint;
        return null;
    }

    private static string? Text(string? text, Action<string> set)
    {
        if (string.IsNullOrWhiteSpace(text))
            return "a name";
        set(text);
        return null;
    }

    private static string? SetPace(ModelSimOptions options, string? text)
    {
        if (!double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) || value is < 0 or > 1_000_000)
            return "a number of tokens per second from 0 (as fast as possible) to 1000000";
        options.TokensPerSecond = value;
        return null;
    }

    private static Setting Number(string name, bool perRequest, int least, int most, Func<ModelSimOptions, int?> get, Action<ModelSimOptions, int?> set) =>
        new(name, perRequest, true, o => get(o)?.ToString(CultureInfo.InvariantCulture), (options, text) =>
        {
            if (string.IsNullOrEmpty(text))
                set(options, null);
            else if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most)
                set(options, value);
            else
                return $"a whole number from {least} to {most}";
            return null;
        });

    private static Setting Delay(string name, bool perRequest, Func<ModelSimOptions, TimeSpan> get, Action<ModelSimOptions, TimeSpan> set) =>
        new(name, perRequest, true, o => get(o).TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture), (options, text) =>
        {
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds))
                return "whole milliseconds from 0 to 2147483647";
            set(options, TimeSpan.FromMilliseconds(milliseconds));
            return null;
        });

    private static Setting Choice<T>(string name, JsonNamingPolicy naming, Func<ModelSimOptions, T> get, Action<ModelSimOptions, T> set) where T : struct, Enum =>
        new(name, true, false, o => naming.ConvertName(get(o).ToString()), (options, text) =>
        {
            foreach (var value in Enum.GetValues<T>())
                if (SameWords(value.ToString(), text))
                {
                    set(options, value);
                    return null;
                }
            return "one of " + string.Join(", ", Enum.GetNames<T>().Select(naming.ConvertName));
        });

    private static bool SameWords(ReadOnlySpan<char> name, ReadOnlySpan<char> written)
    {
        var at = 0;
        foreach (var character in written)
        {
            if (character is '-' or '_')
                continue;
            if (at == name.Length || char.ToLowerInvariant(name[at]) != char.ToLowerInvariant(character))
                return false;
            at++;
        }
        return at == name.Length;
    }
}
