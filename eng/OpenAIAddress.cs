using System.Diagnostics.CodeAnalysis;

namespace Llasta;

/// <summary>The rule for the address of a model's server. The chat API and the AppHost compile this file.</summary>
internal static class OpenAIAddress
{
    /// <summary>Checks an address: http or https, and a path that ends in <c>/v1</c>, also with a slash behind.</summary>
    /// <param name="value">The address; null is none.</param>
    /// <param name="address">The address, if it is right.</param>
    public static bool TryCreate(string? value, [NotNullWhen(true)] out Uri? address) =>
        Uri.TryCreate(value, UriKind.Absolute, out address)
        && address.Scheme is ("http" or "https")
        && address.AbsolutePath.TrimEnd('/').EndsWith("/v1", StringComparison.Ordinal);
}
