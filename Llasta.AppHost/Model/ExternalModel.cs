namespace Llasta.AppHost.Model;

internal static class ExternalModel
{
    /// <summary>Adds an OpenAI-compatible server that already runs elsewhere.</summary>
    /// <exception cref="SettingException"><c>Model:BaseUrl</c> is not an http address that ends in <c>/v1</c>.</exception>
    public static ModelConnection AddExternalModel(this IDistributedApplicationBuilder builder, string name, ModelSettings settings, IResourceBuilder<ParameterResource> key)
    {
        if (!OpenAIAddress.TryCreate(settings.BaseUrl, out var address))
            throw new SettingException($"Model:Backend is 'external', so Model:BaseUrl must be an address that ends in /v1, such as http://localhost:11434/v1; it is '{settings.BaseUrl}'.");

        // Aspire's external service has no path, so the path is added to the address that consumers get.
        var baseUrl = address.AbsoluteUri.TrimEnd('/');
        var service = builder.AddExternalService(name, new Uri(address.GetLeftPart(UriPartial.Authority) + "/"))
            .WithUrls(context =>
            {
                context.Urls.Clear();
                context.Urls.Add(new() { Url = $"{baseUrl}/models", DisplayText = baseUrl });
            });
        var model = new ModelConnection(service, ReferenceExpression.Create($"{baseUrl}"), key);
        service.WithModelsHealthCheck(model);
        return model;
    }
}
