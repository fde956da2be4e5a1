using System.Net;
using Llasta.ModelSim.Generation;
using Llasta.ModelSim.Protocol;
using Llasta.ServiceDefaults;

namespace Llasta.ModelSim.Endpoints;

/// <summary>
/// Refuses names that another site's page could have made resolve to this address (DNS rebinding), and requests that such a page
/// sent. <c>/sim</c>, which shows prompts and changes answers, is for this machine's own names alone.
/// </summary>
internal static class TrustedHosts
{
    public static void UseTrustedHosts(this WebApplication app) => app.Use((context, next) =>
    {
        var request = context.Request;
        var isControl = request.Path.StartsWithSegments("/sim", StringComparison.OrdinalIgnoreCase);
        var complaint = !(isControl ? IsLoopback(request.Host.Host) : RequestOrigin.IsPrivateName(request.Host.Host))
                ? $"{(isControl ? "/sim" : "The simulator")} isn't served under this host name; use {(isControl ? "localhost, by kubectl port-forward if need be" : "localhost, an address or a name inside the cluster")}."
            : RequestOrigin.IsFromAnotherSite(request) ? "The request comes from another site's page."
            : null;
        return complaint is null
            ? next(context)
            : VllmError.UntrustedHost(complaint).WriteAsync(context.Response, context.RequestServices.GetRequiredService<Engine>().Settings.Current.FrontEnd);
    });

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}
