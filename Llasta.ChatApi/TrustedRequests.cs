using Llasta.ChatApi.Contract;
using Llasta.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Llasta.ChatApi;

/// <summary>
/// The chat has no accounts. It is protected by the origin of requests: pages of other sites are refused (cross-site request forgery), and
/// so are host names of other sites that resolve to this address (DNS rebinding at a forwarded localhost port).
/// </summary>
public static class TrustedRequests
{
    /// <summary>Refuses untrusted requests with 403 and the code <c>forbidden-origin</c>, under <c>/api</c> only.</summary>
    public static IApplicationBuilder UseTrustedRequests(this IApplicationBuilder app)
    {
        var allowed = app.ApplicationServices.GetRequiredService<IOptions<ChatOptions>>().Value.AllowedHostNames;
        var failures = app.ApplicationServices.GetRequiredService<FailureLog>();
        return app.Use((http, next) =>
        {
            if (!http.Request.Path.StartsWithSegments(ApiPaths.Root) || Check(http.Request, allowed) is not { } problem)
                return next(http);
            failures.Add(problem.Code, "A request came from another site's page, or under a host name that isn't in Chat:AllowedHosts.");
            return problem.WriteAsync(http);
        });
    }

    private static ChatProblem? Check(HttpRequest request, string[] allowed) =>
        !RequestOrigin.IsPrivateName(request.Host.Host) && !allowed.Contains(request.Host.Host, StringComparer.OrdinalIgnoreCase)
            ? ChatProblem.ForbiddenOrigin($"The chat isn't served under the name '{request.Host.Host}'. The operator can add it to Chat:AllowedHosts.")
        : RequestOrigin.IsFromAnotherSite(request) ? ChatProblem.ForbiddenOrigin("The request comes from another site's page. Open the chat's own page.")
        : null;
}
