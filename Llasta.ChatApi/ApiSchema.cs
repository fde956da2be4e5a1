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
            // Their converter tells nothing about them.
            schema.Properties!["content"] = new OpenApiSchema { Type = JsonSchemaType.String | JsonSchemaType.Null };
            schema.Properties["reasoning"] = new OpenApiSchema { Type = JsonSchemaType.String | JsonSchemaType.Null };
            Require(schema, "role", "content");
            if (Property(schema, "role") is { } role)
                role.Enum = [.. ChatRequestRules.Roles.Select(name => (JsonNode)name)];
            // Reasoning belongs to the assistant's messages, and a question has a text.
            schema.AnyOf =
            [
                OfRole("assistant"),
                OfRole("system", ("reasoning", new OpenApiSchema { Type = JsonSchemaType.Null })),
                OfRole("user", ("reasoning", new OpenApiSchema { Type = JsonSchemaType.Null }), ("content", new OpenApiSchema { MinLength = 1 })),
            ];
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
                var most = range.Max ?? (parameter.Format == "int32" ? int.MaxValue : null);
                parameter.Maximum = most?.ToString(CultureInfo.InvariantCulture);
            }

            if (Property(schema, "seed") is { } seed)
            {
                seed.Minimum = long.MinValue.ToString(CultureInfo.InvariantCulture);
                seed.Maximum = long.MaxValue.ToString(CultureInfo.InvariantCulture);
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

    /// <summary>A message of one role, with what is true of that role's messages only.</summary>
    private static OpenApiSchema OfRole(string name, params (string Name, IOpenApiSchema Schema)[] members)
    {
        var properties = members.ToDictionary(member => member.Name, member => member.Schema);
        properties.Add("role", new OpenApiSchema { Const = name });
        return new OpenApiSchema { Properties = properties };
    }

    private static OpenApiSchema? Property(OpenApiSchema schema, string name) =>
        schema.Properties is { } properties && properties.TryGetValue(name, out var property) ? property as OpenApiSchema : null;
}
