using System.Text.Json.Serialization;
using Llasta.ChatApi.Contract;
using Llasta.ChatApi.Relay;
using Llasta.ChatApi.Upstream;
using Llasta.ServiceDefaults;
using Llasta.Streaming;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;

namespace Llasta.ChatApi;

/// <summary>The chat API as one feature. A host adds and maps it, in a process of its own or in the page's.</summary>
public static class ChatApiExtensions
{
    /// <summary>Registers the <c>Chat:</c> settings, the log of failures, and streams with the limits of the settings; also for a process that only forwards.</summary>
    public static void AddChatStreaming(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<FailureLog>();
        builder.Services.AddSingleton<IValidateOptions<ChatOptions>, ChatOptionsValidator>();
        builder.Services.AddOptions<ChatOptions>()
            .Configure<IConfiguration>((options, configuration) => StartUp.Bind(ChatOptions.Section, () =>
                configuration.GetSection(ChatOptions.Section).Bind(options, binder => binder.ErrorOnUnknownConfiguration = true)))
            .ValidateOnStart();
        builder.Services.AddOptions<StreamingOptions>().Configure<IOptions<ChatOptions>>((streaming, options) =>
        {
            var chat = options.Value;
            streaming.HeartbeatInterval = chat.HeartbeatInterval;
            streaming.IdleTimeout = chat.IdleTimeout;
            streaming.DrainTimeout = chat.DrainTimeout;
            streaming.BodyTimeout = chat.BodyTimeout;
            streaming.MaxBodyBytesInFlight = chat.MaxBodyBytesInFlight;
            streaming.MaxStreamsPerClient = chat.MaxTurnsPerClient;
        });
        builder.AddStreaming();
    }

    /// <summary>Registers the relay and its connection to the model's server.</summary>
    public static void AddChatApi(this IHostApplicationBuilder builder)
    {
        builder.AddChatStreaming();
        builder.Services.AddSingleton<IValidateOptions<ModelServerOptions>, ModelServerOptionsValidator>();
        builder.Services.AddOptions<ModelServerOptions>()
            .Configure<IConfiguration>((options, configuration) =>
            {
                options.BaseUrl = configuration[ModelServerOptions.BaseUrlSetting];
                options.ApiKey = configuration[ModelServerOptions.ApiKeySetting];
                options.ApiKeyFile = configuration[ModelServerOptions.ApiKeyFileSetting];
                options.ReadKeyFile();
            })
            .ValidateOnStart();
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ContractJson.Default);
            // As ContractJson: no numbers as text. The OpenAPI document is made from these options.
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
        });
        if (builder.Environment.IsDevelopment())
            builder.Services.AddOpenApi(openApi => openApi
                .AddDocumentTransformer((document, _, _) =>
                {
                    document.Info.Title = "LLASTA chat API";
                    document.Info.Description = "Relays one turn from a chat page to a model and streams the answer back.";
                    return Task.CompletedTask;
                })
                .AddSchemaTransformer(ApiSchema.TransformAsync));
        builder.Services.AddSingleton<ModelServer>();
        builder.Services.AddSingleton<ModelDirectory>();
        builder.Services.AddSingleton<ServerDialect>();
        builder.Services.AddSingleton<TokenCounter>();
        builder.Services.AddSingleton<ThinkingSwitch>();
        builder.Services.AddSingleton<TokensEndpoint>();
        builder.Services.AddSingleton<WaitingRequests>();
        builder.Services.AddSingleton<TurnLimit>();
        builder.Services.AddSingleton<TurnTelemetry>();
        builder.Services.AddSingleton<TurnOpening>();
        builder.Services.AddSingleton<ChatRelay>();
    }

    /// <summary>Maps the chat API (<see cref="ApiPaths"/>); in Development also the OpenAPI document, <c>/openapi/v1.json</c>.</summary>
    public static void MapChatApi(this WebApplication app)
    {
        var api = app.MapGroup("").WithTags("Chat");
        // Resolved once: a handler with injected parameters would create a service scope for each stream.
        var relay = app.Services.GetRequiredService<ChatRelay>();
        // As a Delegate, not a RequestDelegate, so that the endpoint is described in the OpenAPI document.
        var chat = api.MapPost(ApiPaths.Chat, (Delegate)((HttpContext http) => relay.HandleAsync(http)))
            .WithSummary("Answers the last message")
            .WithDescription("An event stream: start, then reasoning events and answer text (the default event), each a JSON string, then end or error. Two events are rare: restart (a new answer replaces the partial one) and all-reasoning (all text of this response so far was thinking).")
            .DescribesBody<ChatRequest>()
            .Produces<string>(StatusCodes.Status200OK, "text/event-stream")
            .ProducesProblems(400, 403, 408, 413, 415, 502, 503, 504);
        // Without what is generated for a Delegate, an asynchronous method around each stream.
        chat.Finally(endpoint => endpoint.RequestDelegate = relay.HandleAsync);
        api.MapGet(ApiPaths.Model, GetModelAsync)
            .WithSummary("Tells which model answers, and whether it is ready")
            .DescribesQuery("model", JsonSchemaType.String, "One of the models to choose from; by default the first one.")
            .DescribesQuery("waiting", JsonSchemaType.Integer, "1: also tell how many requests wait in the server's queue.")
            .Produces<ModelStatus>();
        api.MapPost(ApiPaths.Tokens, CountTokensAsync)
            .WithSummary("Counts a conversation's tokens")
            .DescribesBody<TokensRequest>()
            .Produces<TokenCount>()
            .ProducesProblems(400, 403, 408, 413, 415, 501, 502, 503, 504);
        if (app.Environment.IsDevelopment())
            app.MapOpenApi();
    }

    /// <summary>With <c>Accepts()</c>, routing would reject other content types itself (415 without a problem document).</summary>
    private static RouteHandlerBuilder DescribesBody<T>(this RouteHandlerBuilder endpoint) => endpoint.AddOpenApiOperationTransformer(async (operation, context, cancellationToken) =>
        operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                ["application/json"] = new() { Schema = await context.GetOrCreateSchemaAsync(typeof(T), parameterDescription: null, cancellationToken) },
            },
        });

    /// <summary>For parameters that the handler reads from the request itself.</summary>
    private static RouteHandlerBuilder DescribesQuery(this RouteHandlerBuilder endpoint, string name, JsonSchemaType type, string description) => endpoint.AddOpenApiOperationTransformer((operation, _, _) =>
    {
        operation.Parameters ??= [];
        operation.Parameters.Add(new OpenApiParameter { Name = name, In = ParameterLocation.Query, Description = description, Schema = new OpenApiSchema { Type = type } });
        return Task.CompletedTask;
    });

    private static RouteHandlerBuilder ProducesProblems(this RouteHandlerBuilder endpoint, params int[] statuses)
    {
        foreach (var status in statuses)
            endpoint.Produces<ChatProblem>(status, "application/problem+json");
        return endpoint;
    }

    private static async Task GetModelAsync(HttpContext http, ModelDirectory directory, TurnLimit turns, WaitingRequests waiting)
    {
        var name = http.Request.Query["model"].ToString();
        var status = await directory.GetStatusAsync(name.Length > 0 ? name : null, http.RequestAborted);
        if (status.State == ModelState.Ready && turns.IsFull)
            status = status with { State = ModelState.Busy, Detail = "The chat API has reached its limit of concurrent answers. The page retries a message until one ends." };
        // Only a page whose turn waits asks for this.
        if (http.Request.Query["waiting"] == "1" && status.State is ModelState.Ready or ModelState.Busy)
            status = status with { Waiting = await waiting.CountAsync(http.RequestAborted) };
        http.Response.Headers.CacheControl = "no-store";
        await http.Response.WriteAsJsonAsync(status, ContractJson.Default.ModelStatus, cancellationToken: http.RequestAborted);
    }

    private static async Task CountTokensAsync(HttpContext http, TokensEndpoint tokens, RequestBodies bodies, IOptions<ChatOptions> options)
    {
        using var body = bodies.Of(http);
        var (request, problem) = await JsonBody.ReadAsync(http, body, ContractJson.Default.TokensRequest, options.Value.MaxBodyBytes, options.Value.MaxMessages);
        problem ??= request!.Check(options.Value.MaxMessages);
        TokenCount? count = null;
        if (problem is null)
            (count, problem) = await tokens.CountAsync(request!, http.RequestAborted);
        if (problem is null)
            await http.Response.WriteAsJsonAsync(count!, ContractJson.Default.TokenCount, cancellationToken: http.RequestAborted);
        else
            await problem.WriteAsync(http);
    }
}
