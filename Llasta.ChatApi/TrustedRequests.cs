using System.Net;
using Llasta.ChatApi.Contract;
using Microsoft.Extensions.Options;

namespace Llasta.ChatApi;

/// <summary>
/// The chat has no accounts, so what protects it is where requests come from: not from another site's page (cross-site request
/// forgery), and not by another site's name that resolves to this address (DNS rebinding at a forwarded localhost port).
/// </summary>
public static class TrustedRequests
{
    /// <summary>Refuses what comes from elsewhere with 403 and the code <c>forbidden-origin</c>, under <c>/api</c> only.</summary>
    public static IApplicationBuilder UseTrustedRequests(this IApplicationBuilder app)
    {
        var allowed = app.ApplicationServices.GetRequiredService<IOptions<ChatOptions>>().Value.AllowedHosts
            .Split([';', ','], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return app.Use((http, next) => !http.Request.Path.StartsWithSegments("/api") || Check(http.Request, allowed) is not { } problem
            ? next(http)
            : problem.WriteAsync(http));
    }

    private static ChatProblem? Check(HttpRequest request, string[] allowed)
    {
        if (!IsKnownHost(request.Host.Host, allowed))
            return ChatProblem.ForbiddenOrigin($"The chat isn't served under the name '{request.Host.Host}'. The operator can add it to Chat:AllowedHosts.");

        // Browsers send Sec-Fetch-Site to https and localhost; elsewhere Origin remains. Neither is there on requests of programs
        // that are no browsers.
        var site = request.Headers["Sec-Fetch-Site"].ToString();
        var trusted = site.Length > 0
            ? site is "same-origin" or "none"
            : request.Headers.Origin.ToString() is not { Length: > 0 } origin || (Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Authority == request.Host.Value);
        return trusted ? null : ChatProblem.ForbiddenOrigin("The request comes from another site's page. Open the chat's own page.");
    }

    /// <summary>
    /// Names that no page on the Internet can have: localhost, addresses, single-label names and a cluster's own names; and what the
    /// operator allows.
    /// </summary>
    private static bool IsKnownHost(string host, string[] allowed) =>
        !host.Contains('.')
        || IPAddress.TryParse(host, out _)
        || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || host.EndsWith(".svc", StringComparison.OrdinalIgnoreCase)
        || host.EndsWith(".svc.cluster.local", StringComparison.OrdinalIgnoreCase)
        || allowed.Contains(host, StringComparer.OrdinalIgnoreCase);
}
