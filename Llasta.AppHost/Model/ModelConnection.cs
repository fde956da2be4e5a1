namespace Llasta.AppHost.Model;

/// <summary>The model as its consumers see it: an OpenAI-compatible server, whichever backend it is.</summary>
/// <param name="Server">The resource that the dashboard shows.</param>
/// <param name="BaseUrl">The server's address, which ends in <c>/v1</c>.</param>
/// <param name="ApiKey">The server's key, a secret; empty by default, which means no key.</param>
internal sealed record ModelConnection(IResourceBuilder<IResource> Server, ReferenceExpression BaseUrl, IResourceBuilder<ParameterResource> ApiKey)
{
    public ModelBackend Backend => Server.Resource.Annotations.OfType<BackendChoice>().Single().Backend;

    /// <summary>The connection to a server that has an HTTP endpoint in this model graph.</summary>
    public static ModelConnection To<T>(IResourceBuilder<T> server, IResourceBuilder<ParameterResource> key) where T : IResourceWithEndpoints =>
        new((IResourceBuilder<IResource>)server, ReferenceExpression.Create($"{server.GetEndpoint(ServiceEndpoint.Http).Property(EndpointProperty.Url)}/v1"), key);
}
