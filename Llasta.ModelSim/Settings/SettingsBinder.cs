using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Configuration;

namespace Llasta.ModelSim.Settings;

/// <summary>Binds settings by name and checks them: configuration, headers and <c>/sim/settings</c> share one text form.</summary>
internal static class SettingsBinder
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Sim";

    private static readonly TimeSpan LongestDelay = TimeSpan.FromDays(1);

    private static readonly ModelSimOptions Defaults = new();

    private static readonly string[] ServerWide =
    [
        nameof(ModelSimOptions.ApiKey), nameof(ModelSimOptions.StartupDelay), nameof(ModelSimOptions.FaultTimes), nameof(ModelSimOptions.MaxQueuedRequests),
        nameof(ModelSimOptions.ShutdownTimeout), nameof(ModelSimOptions.ShutdownSilence),
    ];

    private static readonly Dictionary<string, JsonPropertyInfo> Settings =
        SettingsJson.Default.ModelSimOptions.Properties.ToDictionary(property => property.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>Sets one value from its text; null resets it to its default.</summary>
    /// <param name="options">The settings to change.</param>
    /// <param name="label">The setting as its sender wrote it, for the complaint.</param>
    /// <param name="name">The setting's name in any case, with or without hyphens.</param>
    /// <param name="text">The value.</param>
    /// <returns>A sentence that names the setting and a right value, or null.</returns>
    public static string? Set(ModelSimOptions options, string label, string name, string? text)
    {
        if (!Settings.TryGetValue(WithoutHyphens(name), out var setting))
            return $"{label} is not a setting; there are {string.Join(", ", Settings.Keys)}.";
        if (text is null)
        {
            setting.Set!(options, setting.Get!(Defaults));
            return null;
        }
        try
        {
            var value = setting.PropertyType.IsEnum ? WithoutHyphens(text) : text;
            new ConfigurationBuilder().AddInMemoryCollection([new(setting.Name, value)]).Build().Bind(options);
        }
        catch (InvalidOperationException)
        {
            return $"{label} must be {Expected(setting.PropertyType)}, not '{text}'.";
        }
        return Check(options, setting.Name) is { } expected ? $"{label} must be {expected}, not '{text}'." : null;
    }

    /// <summary>Whether a request may set it by a header.</summary>
    public static bool IsPerRequest(string name) => !ServerWide.Contains(WithoutHyphens(name), StringComparer.OrdinalIgnoreCase);

    /// <summary>Checks values that code has set. Returns a sentence for each wrong one.</summary>
    public static IEnumerable<string> Validate(ModelSimOptions options)
    {
        foreach (var name in Settings.Keys)
            if (Check(options, name) is { } expected)
                yield return $"{Section}:{name} must be {expected}, not '{Settings[name].Get!(options)}'.";
    }

    /// <summary>The settings as JSON, as <c>PUT /sim/settings</c> takes them back, without the API key.</summary>
    public static string ToJson(ModelSimOptions options) => JsonSerializer.Serialize(options with { ApiKey = null }, SettingsJson.Default.ModelSimOptions);

    private static string WithoutHyphens(string text) => text.Replace("-", "", StringComparison.Ordinal).Replace("_", "", StringComparison.Ordinal);

    private static string Expected(Type type) => type switch
    {
        { IsEnum: true } => $"one of {string.Join(", ", type.GetEnumNames().Select(JsonNamingPolicy.KebabCaseLower.ConvertName))}",
        _ when type == typeof(TimeSpan) => "a duration such as 00:00:00.150",
        _ when type == typeof(bool) => "true or false",
        _ => "a number",
    };

    /// <summary>What the value must be, or null when it is right.</summary>
    private static string? Check(ModelSimOptions options, string name) => Settings[name].Get!(options) switch
    {
        string { Length: 0 } or null when name == nameof(options.Model) => "a name",
        Enum choice when !Enum.IsDefined(choice.GetType(), choice) => Expected(choice.GetType()),
        TimeSpan delay when delay < TimeSpan.Zero || delay > LongestDelay => "a duration from 00:00:00 to a day, such as 00:00:00.150",
        int number when number < Least(name) => string.Create(CultureInfo.InvariantCulture, $"{Least(name)} or more"),
        double and not (>= 0 and <= 1_000_000) => "from 0 (as fast as possible) to 1000000 tokens per second",
        _ => null,
    };

    private static int Least(string name) => name switch
    {
        nameof(ModelSimOptions.ContextWindow) => 16,
        nameof(ModelSimOptions.TokensPerChunk) => 1,
        _ => 0,
    };
}

[JsonSourceGenerationOptions(WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ModelSimOptions))]
internal sealed partial class SettingsJson : JsonSerializerContext;
