using System.Text.Json;
using Llasta.ChatApi.Contract;
using Llasta.ChatApi.Model;
using Llasta.ChatApi.Relay;
using Microsoft.Extensions.Options;

namespace Llasta.ChatApi;

/// <summary>The chat API as one feature: a host adds and maps it, in a process of its own or in the page's.</summary>
public static class ChatApiExtensions
{
    /// <summary>Registers the settings that bound a request; also for a process that only forwards.</summary>
    public static TBuilder AddChatOptions<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddSingleton<IValidateOptions<ChatOptions>, ChatOptionsValidator>();
        builder.Services.AddOptions<ChatOptions>()
            .Bind(builder.Configuration.GetSection(ChatOptions.Section), binder => binder.ErrorOnUnknownConfiguration = true)
            .ValidateOnStart();
        return builder;
    }

    /// <summary>Registers the relay and its connection to the model's server.</summary>
    public static TBuilder AddChatApi<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
    {
        builder.AddChatOptions();
        builder.Services.AddSingleton<IValidateOptions<ModelServerOptions>, ModelServerOptionsValidator>();
        builder.Services.AddOptions<ModelServerOptions>()
            .Configure<IConfiguration>((options, configuration) =>
            {
                options.BaseUrl = configuration["OPENAI_API_BASE_URL"];
                options.ApiKey = configuration["OPENAI_API_KEY"];
            })
            .ValidateOnStart();
        builder.Services.AddSingleton<ModelServer>();
        builder.Services.AddSingleton<ModelDirectory>();
        builder.Services.AddSingleton<Tokenizer>();
        builder.Services.AddSingleton<TurnLimit>();
        builder.Services.AddSingleton<TurnTelemetry>();
        builder.Services.AddSingleton<TurnSweep>();
        builder.Services.AddHostedService(services => services.GetRequiredService<TurnSweep>());
        builder.Services.AddSingleton<ChatRelay>();
        return builder;
    }

    /// <summary>Maps <c>/api/chat</c>, <c>/api/model</c> and <c>/api/tokens</c>.</summary>
    public static void MapChatApi(this IEndpointRouteBuilder endpoints)
    {
        var relay = endpoints.ServiceProvider.GetRequiredService<ChatRelay>();
        endpoints.MapPost("/api/chat", (RequestDelegate)relay.HandleAsync);
        endpoints.MapGet("/api/model", (RequestDelegate)GetModelAsync);
        endpoints.MapPost("/api/tokens", (RequestDelegate)CountTokensAsync);
    }

    private static async Task GetModelAsync(HttpContext http)
    {
        var status = await http.RequestServices.GetRequiredService<ModelDirectory>().GetStatusAsync(http.RequestAborted);
        http.Response.Headers.CacheControl = "no-store";
        await http.Response.WriteAsJsonAsync(status, ContractJson.Default.ModelStatus, cancellationToken: http.RequestAborted);
    }

    private static async Task CountTokensAsync(HttpContext http)
    {
        var options = http.RequestServices.GetRequiredService<IOptions<ChatOptions>>().Value;
        var (request, problem) = await RequestBody.ReadAsync(http, ContractJson.Default.TokensRequest, options.MaxBodyBytes);
        problem ??= ChatRequestRules.CheckMessages(request!.Messages, options.MaxMessages);
        TokenCount? count = null;
        if (problem is null)
            (count, problem) = await http.RequestServices.GetRequiredService<Tokenizer>().CountAsync(request!, http.RequestAborted);
        if (problem is null)
            await http.Response.WriteAsJsonAsync(count!, ContractJson.Default.TokenCount, cancellationToken: http.RequestAborted);
        else
            await problem.WriteAsync(http);
    }
}
