using Microsoft.Extensions.Configuration;

namespace Llasta.AppHost.Model;

/// <summary>The <c>Model</c> section of the AppHost's configuration: command line, environment, user secrets, appsettings.</summary>
internal sealed class ModelSettings
{
    private const string Section = "Model";

    /// <summary>gpu, cpu, python, external or sim; empty: the backend that fits this machine.</summary>
    public string? Backend { get; set; }

    /// <summary>The model's name on Hugging Face, which is also the name it is served under.</summary>
    public string? Name { get; set; }

    /// <summary>The context window in tokens. Beside the weights of Qwen3-8B in bf16, 16,384 tokens fit on a 24 GB card.</summary>
    public int ContextWindow { get; set; } = 16_384;

    /// <summary>How many GPUs the model is split over.</summary>
    public int Gpus { get; set; } = 1;

    /// <summary>For <c>external</c>: the server's address, which ends in <c>/v1</c>.</summary>
    public string? BaseUrl { get; set; }

    /// <summary>For <c>python</c>: the folder of the environment, with a pyproject.toml for uv or with a <c>.venv</c>.</summary>
    public string Directory { get; set; } = Path.Combine("Model", "python");

    /// <exception cref="SettingException">A setting has no such name, or a value that it can't have.</exception>
    public static ModelSettings Of(IDistributedApplicationBuilder builder)
    {
        string[] names = [nameof(Backend), nameof(Name), nameof(ContextWindow), nameof(Gpus), nameof(BaseUrl), nameof(Directory)];
        var section = builder.Configuration.GetSection(Section);
        foreach (var setting in section.GetChildren())
            if (!names.Contains(setting.Key, StringComparer.OrdinalIgnoreCase))
                throw new SettingException($"{setting.Path} is not a setting; those of {Section} are {string.Join(", ", names)}.");
        try
        {
            var settings = section.Get<ModelSettings>() ?? new();
            foreach (var (name, value) in (ReadOnlySpan<(string, int)>)[(nameof(ContextWindow), settings.ContextWindow), (nameof(Gpus), settings.Gpus)])
                if (value < 1)
                    throw new SettingException($"{Section}:{name} is {value}; it must be at least 1.");
            return settings;
        }
        catch (InvalidOperationException e)
        {
            throw new SettingException(e.Message, e); // a text in place of a number: the message has the setting's path and its value
        }
    }
}
