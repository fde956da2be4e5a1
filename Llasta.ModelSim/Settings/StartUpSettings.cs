using Llasta.ServiceDefaults;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Llasta.ModelSim.Settings;

/// <summary>
/// Reads the command line and the environment, and no files: inside another process, that process's appsettings and Kestrel
/// section don't concern the simulator.
/// </summary>
internal static class StartUpSettings
{
    private const string DefaultUrl = "http://localhost:8000";

    /// <exception cref="OptionsValidationException">A value is wrong; the message names the setting and a right value.</exception>
    public static ModelSimOptions Bind(string[] args, Action<ModelSimOptions>? configure)
    {
        var options = new ModelSimOptions();
        foreach (var setting in Configuration(args).GetSection(SettingsBinder.Section).GetChildren())
            if (SettingsBinder.Set(options, setting.Path, setting.Key, setting.Value) is { } complaint)
                throw Wrong(complaint);
        configure?.Invoke(options);
        return SettingsBinder.Validate(options).ToList() is { Count: > 0 } complaints ? throw Wrong([.. complaints]) : options;
    }

    /// <summary>The arguments' URLs if there are any, else the environment's, else vLLM's port on this machine.</summary>
    /// <exception cref="OptionsValidationException">One isn't an address.</exception>
    public static string Urls(string[] args)
    {
        var urls = new ConfigurationBuilder().AddCommandLine(args).Build()["urls"] is { Length: > 0 } given ? given
            : Environment.GetEnvironmentVariable("ASPNETCORE_URLS") is { Length: > 0 } variable ? variable
            : Environment.GetEnvironmentVariable("ASPNETCORE_HTTP_PORTS") is { Length: > 0 } ports ? string.Join(';', ports.Split(';').Select(port => $"http://*:{port}"))
            : DefaultUrl;
        if (urls.Split(';', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(url => !StartUp.IsAddress(url)) is { } wrong)
            throw Wrong($"'{wrong}' is not an address to listen on; set --urls or ASPNETCORE_URLS to one such as {DefaultUrl}.");
        return urls;
    }

    private static IConfiguration Configuration(string[] args)
    {
        try
        {
            return new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine(args).Build();
        }
        catch (FormatException e)
        {
            throw Wrong(e.Message);
        }
    }

    private static OptionsValidationException Wrong(params string[] complaints) => new(SettingsBinder.Section, typeof(ModelSimOptions), complaints);
}
