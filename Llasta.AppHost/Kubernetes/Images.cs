using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace Llasta.AppHost.Kubernetes;

/// <summary>The names of our own images: <c>[Images:Registry/]llasta/&lt;name&gt;:&lt;Images:Tag&gt;</c>.</summary>
internal sealed class Images(IConfiguration configuration)
{
    /// <summary>The solution's version (Directory.Build.props), which is also the images' tag.</summary>
    public static string Version { get; } = Assembly.GetExecutingAssembly().GetName().Version!.ToString(3);

    public string Of(string project)
    {
        var registry = configuration["Images:Registry"] is { Length: > 0 } named ? named.TrimEnd('/') + "/" : "";
        return $"{registry}llasta/{project}:{configuration["Images:Tag"] ?? Version}";
    }
}
