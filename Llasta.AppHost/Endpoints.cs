namespace Llasta.AppHost;

internal static class Endpoints
{
    public const string Http = "http";

    /// <summary>The AppHost gives ports and environment; a project's launch profile is for starting it alone.</summary>
    public static void OurOwn(ProjectResourceOptions options) => options.ExcludeLaunchProfile = true;

    /// <summary>
    /// The one port of a service: 8080 in a container, <paramref name="port"/> or a free one on this machine. Readiness is
    /// <c>/health</c>, liveness <c>/alive</c>.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithServiceEndpoint(this IResourceBuilder<ProjectResource> service, int? port = null, int containerPort = 8080)
    {
        var application = service.ApplicationBuilder;
        if (application.ExecutionContext.IsPublishMode)
            return service.WithHttpEndpoint(targetPort: containerPort, name: Http);

        // Without a launch profile a project would start as Production while the AppHost itself is Development.
        return service
            .WithHttpEndpoint(port, name: Http)
            .WithEnvironment("ASPNETCORE_ENVIRONMENT", application.Environment.EnvironmentName)
            .WithHttpHealthCheck("/health", endpointName: Http);
    }
}
