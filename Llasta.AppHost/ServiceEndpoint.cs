namespace Llasta.AppHost;

internal static class ServiceEndpoint
{
    /// <summary>The name of the one endpoint that every resource here has.</summary>
    public const string Http = "http";

    /// <summary>For <c>AddProject</c>: a project's launch profile is for starting it alone; here the AppHost sets port and environment.</summary>
    public static void WithoutLaunchProfile(ProjectResourceOptions options) => options.ExcludeLaunchProfile = true;

    /// <summary>Adds the service's one HTTP endpoint, with <c>/health</c> as its health check.</summary>
    /// <param name="service">The service.</param>
    /// <param name="port">The port on this machine; null for a free one.</param>
    /// <param name="containerPort">The port in a container.</param>
    public static IResourceBuilder<ProjectResource> WithServiceEndpoint(this IResourceBuilder<ProjectResource> service, int? port = null, int containerPort = 8080)
    {
        var application = service.ApplicationBuilder;
        if (application.ExecutionContext.IsPublishMode)
            return service.WithHttpEndpoint(targetPort: containerPort, name: Http);

        return service
            // Aspire's proxy accepts and holds connections while nothing listens behind it, so a stopped service would look
            // slow instead of stopped. A fixed port needs the proxy, because only proxied ports are randomised on request.
            .WithHttpEndpoint(port, name: Http, isProxied: port is not null)
            // No service here speaks https; with a certificate the dashboard would ask to trust one.
            .WithoutHttpsCertificate()
            // Without a launch profile a project would start as Production while the AppHost itself is Development.
            .WithEnvironment("ASPNETCORE_ENVIRONMENT", application.Environment.EnvironmentName)
            .WithHttpHealthCheck("/health", endpointName: Http);
    }

    /// <summary>The endpoint's link in the dashboard.</summary>
    public static IResourceBuilder<T> WithLink<T>(this IResourceBuilder<T> service, string path, string text) where T : IResourceWithEndpoints =>
        service.WithUrlForEndpoint(Http, link => (link.Url, link.DisplayText) = (path, text));
}
