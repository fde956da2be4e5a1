using System.Net;
using Microsoft.AspNetCore.Http;

namespace Llasta.ServiceDefaults;

/// <summary>Where a request comes from. The services have no accounts: this protects them from the pages of other sites.</summary>
public static class RequestOrigin
{
    /// <summary>
    /// Whether no page on the Internet can have this host name: localhost, IP addresses, single-label names, names inside a cluster.
    /// Any other name can be made to resolve to this address (DNS rebinding).
    /// </summary>
    /// <param name="host">The name without a port.</param>
    public static bool IsPrivateName(string host)
    {
        ArgumentNullException.ThrowIfNull(host);
        return !host.Contains('.')
            || IPAddress.TryParse(host, out _)
            || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
            || host.EndsWith(".svc", StringComparison.OrdinalIgnoreCase)
            || host.EndsWith(".svc.cluster.local", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>
    /// Whether a page of another site sent the request (cross-site request forgery). Browsers send <c>Sec-Fetch-Site</c> to https and
    /// localhost, and <c>Origin</c> to other addresses. Programs that are not browsers send neither.
    /// </summary>
    public static bool IsFromAnotherSite(HttpRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Headers["Sec-Fetch-Site"].ToString() is { Length: > 0 } site)
            return site is not ("same-origin" or "none");
        return request.Headers.Origin.ToString() is { Length: > 0 } origin
            && !(Uri.TryCreate(origin, UriKind.Absolute, out var uri) && IsAt(uri, request.Host));
    }

    /// <summary>Browsers leave the usual port out, and write a name in small letters; a proxy may not.</summary>
    private static bool IsAt(Uri origin, HostString host) =>
        string.Equals(origin.Host, host.Host, StringComparison.OrdinalIgnoreCase) && (host.Port is { } port ? port == origin.Port : origin.IsDefaultPort);
}
