using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Llasta.AppHost.Model;

/// <summary>Asks <c>GET /v1/models</c> with the key: a command on the model's resource, and the health check of an external server.</summary>
internal static class ListModels
{
    private static readonly HttpClient Client = new() { Timeout = TimeSpan.FromSeconds(10) };

    public static void WithListModelsCommand(this IResourceBuilder<IResource> resource, ModelConnection model) => resource.WithCommand(
        "list-models",
        "List models",
        async context =>
        {
            try
            {
                var names = await ListAsync(model, context.CancellationToken);
                return CommandResults.Success($"{names.Count} served", string.Join('\n', names));
            }
            catch (Exception e) when (e is HttpRequestException or JsonException or TaskCanceledException)
            {
                return CommandResults.Failure(e.Message);
            }
        },
        new CommandOptions { Description = "Asks the server which models it serves, with the configured key.", IconName = "List" });

    /// <summary>Not every server has <c>/health</c>; all of them list their models.</summary>
    public static void WithModelsHealthCheck(this IResourceBuilder<ExternalServiceResource> resource, ModelConnection model)
    {
        var name = $"{resource.Resource.Name}-models";
        resource.ApplicationBuilder.Services.AddHealthChecks().AddAsyncCheck(name, async cancellation =>
        {
            try
            {
                return HealthCheckResult.Healthy(string.Join(", ", await ListAsync(model, cancellation)));
            }
            catch (Exception e) when (e is HttpRequestException or JsonException or TaskCanceledException)
            {
                return HealthCheckResult.Unhealthy(e.Message);
            }
        });
        resource.WithHealthCheck(name);
    }

    private static async Task<List<string>> ListAsync(ModelConnection model, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{await model.BaseUrl.GetValueAsync(cancellation)}/models");
        if (await model.ApiKey.Resource.GetValueAsync(cancellation) is { Length: > 0 } key)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var response = await Client.SendAsync(request, cancellation);
        response.EnsureSuccessStatusCode();
        using var body = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(cancellation), cancellationToken: cancellation);
        return [.. body.RootElement.GetProperty("data").EnumerateArray().Select(model => model.GetProperty("id").GetString()!)];
    }
}
