using Microsoft.Extensions.Configuration;

namespace Llasta.ModelSim.Settings;

/// <summary>
/// Reads the command line and the environment, and nothing else: hosted inside another process, that process' own
/// appsettings and Kestrel section are not ours.
/// </summary>
internal static class Startup
{
    private const string DefaultUrl = "http://localhost:8000";

    /// <exception cref="InvalidSettingException">A value is wrong.</exception>
    public static ModelSimOptions Bind(string[] args, Action<ModelSimOptions>? configure)
    {
        var options = new ModelSimOptions();
        foreach (var setting in Configuration(args).GetSection("Sim").GetChildren())
            if (Setting.Apply(options, $"Sim:{setting.Key}", setting.Key, setting.Value, perRequest: false) is { } complaint)
                throw new InvalidSettingException(complaint);
        configure?.Invoke(options);
        return Setting.Check(options) is { } wrong ? throw new InvalidSettingException(wrong) : options;
    }

    /// <summary>The arguments' URLs alone when they give some; else those of the environment; else vLLM's port.</summary>
    public static string Urls(string[] args)
    {
        if (new ConfigurationBuilder().AddCommandLine(args).Build()["urls"] is { Length: > 0 } given)
            return given;
        if (Environment.GetEnvironmentVariable("ASPNETCORE_URLS") is { Length: > 0 } urls)
            return urls;
        return Environment.GetEnvironmentVariable("ASPNETCORE_HTTP_PORTS") is { Length: > 0 } ports
            ? string.Join(';', ports.Split(';').Select(port => $"http://*:{port}"))
            : DefaultUrl;
    }

    private static IConfiguration Configuration(string[] args)
    {
        try
        {
            return new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine(args).Build();
        }
        catch (FormatException e)
        {
            throw new InvalidSettingException(e.Message);
        }
    }
}
