using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace Llasta.AppHost.Kubernetes;

/// <summary>The names of our own images: <c>&lt;Images:Repository&gt;/&lt;name&gt;:&lt;Images:Tag&gt;</c>.</summary>
internal sealed class Images(IConfiguration configuration)
{
    /// <summary>The solution's version (Directory.Build.props), which is also the images' tag.</summary>
    public static string Version { get; } = typeof(Images).Assembly.GetName().Version!.ToString(3);

    /// <summary>The repository that the images are published to (Directory.Build.props).</summary>
    private static readonly string Repository = typeof(Images).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "ImageRepository").Value!;

    public string Of(string project)
    {
        var repository = configuration["Images:Repository"] is { Length: > 0 } other ? other.TrimEnd('/') : Repository;
        return $"{repository}/{project}:{configuration["Images:Tag"] ?? Version}";
    }
}
