using System.Reflection;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Net.Http.Headers;

namespace Llasta.Web;

/// <summary>
/// The page's files. The build embeds them in this assembly together with their compressed forms (<c>Page.targets</c>), so the program
/// needs no file beside itself.
/// </summary>
internal static class Page
{
    /// <summary>The prefix of the page's resource names; the rest is the path of the file, with a suffix of <see cref="Encodings"/> if it is compressed.</summary>
    private const string ResourcePrefix = "page/";

    private const string StartFile = "index.html";

    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>The compressed forms of a file: the suffix of its name, the name of the encoding, and our preference if a browser accepts several.</summary>
    private static readonly (string Suffix, ContentEncodingMetadata Metadata)[] Encodings =
    [
        (".br", new("br", 1.0)),
        (".gz", new("gzip", 0.9)),
    ];

    /// <summary>Maps every file of the page to its path, and the start file to <c>/</c> as well. Routing selects the form that the browser accepts.</summary>
    internal static void MapPage(this IEndpointRouteBuilder endpoints)
    {
        var assembly = typeof(Page).Assembly;
        var resources = assembly.GetManifestResourceNames().Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal)).ToHashSet();
        var contentTypes = new FileExtensionContentTypeProvider();
        foreach (var resource in resources)
        {
            var encoding = Array.Find(Encodings, e => resource.EndsWith(e.Suffix, StringComparison.Ordinal));
            var original = encoding.Suffix is { } suffix ? resource[..^suffix.Length] : resource;
            var path = original[ResourcePrefix.Length..];
            var file = new PageFile(
                assembly,
                resource,
                contentTypes.TryGetContentType(path, out var type) ? type : "application/octet-stream",
                encoding.Metadata?.Value,
                Varies: Array.Exists(Encodings, e => resources.Contains(original + e.Suffix)),
                CacheControlOf(path),
                EntityTag(assembly, resource));
            Map(path);
            if (path == StartFile)
                Map("");

            void Map(string pattern)
            {
                var endpoint = endpoints.MapMethods(pattern, Methods, (RequestDelegate)file.WriteAsync);
                if (encoding.Metadata is { } metadata)
                    endpoint.WithMetadata(metadata);
            }
        }
    }

    private static string CacheControlOf(string path) => path switch
    {
        StartFile => "no-cache",
        // The files that Vite writes there have a hash of their content in their name.
        _ when path.StartsWith("assets/", StringComparison.Ordinal) => "public, max-age=31536000, immutable",
        _ => "max-age=3600, must-revalidate",
    };

    private static EntityTagHeaderValue EntityTag(Assembly assembly, string resource)
    {
        using var content = assembly.GetManifestResourceStream(resource)!;
        return new($"\"{Convert.ToBase64String(SHA256.HashData(content))}\"");
    }

    /// <summary>One form of one file.</summary>
    private sealed record PageFile(Assembly Assembly, string Resource, string ContentType, string? Encoding, bool Varies, string CacheControl, EntityTagHeaderValue EntityTag)
    {
        public Task WriteAsync(HttpContext http)
        {
            var headers = http.Response.Headers;
            headers.CacheControl = CacheControl;
            if (Encoding is not null)
                headers.ContentEncoding = Encoding;
            if (Varies)
                headers.Vary = HeaderNames.AcceptEncoding;
            // Answers conditional and range requests, and disposes the stream, which reads the program's own memory.
            return TypedResults.Stream(Assembly.GetManifestResourceStream(Resource)!, ContentType, entityTag: EntityTag, enableRangeProcessing: true).ExecuteAsync(http);
        }
    }
}
