using System.Globalization;
using System.Text.Json.Nodes;
using Llasta.ChatApi.Contract;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;

namespace Llasta.ChatApi;

/// <summary>Adds to the OpenAPI document what the records' types don't say: lengths, ranges and roles.</summary>
internal static class ApiSchema
{
    /// <summary>Completes the schema of a record.</summary>
    public static Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        var type = context.JsonTypeInfo.Type;
        if (context.JsonPropertyInfo is not null)
            return Task.CompletedTask;
        if (type == typeof(ChatRequest) || type == typeof(TokensRequest))
        {
            var options = context.ApplicationServices.GetRequiredService<IOptions<ChatOptions>>().Value;
            Require(schema, "messages");
            if (Property(schema, "messages") is { } messages)
                (messages.MinItems, messages.MaxItems) = (1, options.MaxMessages);
            if (Property(schema, "model") is { } model)
                (model.MinLength, model.MaxLength) = (1, ChatRequestRules.MaxModelName);
        }
        else if (type == typeof(ChatMessage))
        {
            Require(schema, "role", "content");
            if (Property(schema, "role") is { } role)
                role.Enum = [.. ChatRequestRules.Roles.Select(name => (JsonNode)name)];
        }
        else if (type == typeof(Sampling))
        {
            foreach (var range in SamplingRules.Ranges)
            {
                if (Property(schema, range.Name) is not { } parameter)
                    continue;
                var least = range.Min.ToString(CultureInfo.InvariantCulture);
                if (range.AboveMin)
                    parameter.ExclusiveMinimum = least;
                else
                    parameter.Minimum = least;
                parameter.Maximum = range.Max?.ToString(CultureInfo.InvariantCulture);
            }
        }

        if (type == typeof(ChatRequest) || type == typeof(TokensRequest) || type == typeof(ChatMessage) || type == typeof(Sampling))
            schema.AdditionalPropertiesAllowed = false;
        return Task.CompletedTask;
    }

    /// <summary>Makes members required, and not null.</summary>
    private static void Require(OpenApiSchema schema, params string[] names)
    {
        schema.Required ??= new HashSet<string>();
        foreach (var name in names)
        {
            schema.Required.Add(name);
            if (Property(schema, name) is { Type: { } type } property)
                property.Type = type & ~JsonSchemaType.Null;
        }
    }

    private static OpenApiSchema? Property(OpenApiSchema schema, string name) =>
        schema.Properties is { } properties && properties.TryGetValue(name, out var property) ? property as OpenApiSchema : null;
}
